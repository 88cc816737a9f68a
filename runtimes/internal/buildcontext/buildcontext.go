// Package buildcontext packs the folder that is sent to an engine for a build.
package buildcontext

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Tar streams dir as a tar archive without what the first existing ignore file
// (paths below dir) excludes. The Dockerfile and the ignore files themselves are
// always sent, because the engine reads them. further are paths of additional files,
// by their names in the archive. All names are clean and have slashes. An error while
// packing is an error of the reader: a context is never silently incomplete.
func Tar(further map[string]string, dir, dockerfile string, ignoreFiles ...string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, dockerfile)); err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	dir, err := filepath.EvalSymlinks(dir) // a walk follows no link
	if err != nil {
		return nil, fmt.Errorf("opening the build context: %w", err)
	}
	matcher, err := ignored(dir, ignoreFiles)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	p := packer{root: dir, further: further, keep: append(slices.Clone(ignoreFiles), dockerfile), ignore: matcher, tar: tar.NewWriter(w)}
	go func() { w.CloseWithError(p.pack()) }()
	return r, nil
}

// ignored reads the first of the files that exists.
func ignored(dir string, files []string) (*patternmatcher.PatternMatcher, error) {
	for _, name := range files {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the ignore file: %w", err)
		}
		defer f.Close()
		patterns, err := ignorefile.ReadAll(f)
		if err != nil {
			return nil, fmt.Errorf("reading the ignore file %s: %w", name, err)
		}
		matcher, err := patternmatcher.New(patterns)
		if err != nil {
			return nil, fmt.Errorf("reading the ignore file %s of %s: %w", name, dir, err)
		}
		return matcher, nil
	}
	return patternmatcher.New(nil)
}

// Excluded returns a function that reports whether nothing of a path below dir is sent.
func Excluded(dir, dockerfile string) (func(name string) bool, error) {
	matcher, err := ignored(dir, []string{Dockerfile(dockerfile) + ".dockerignore", ".dockerignore"})
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		sent := false
		_ = filepath.WalkDir(filepath.Join(dir, name), func(path string, entry fs.DirEntry, err error) error {
			below, relErr := filepath.Rel(dir, path)
			excluded, matchErr := matcher.MatchesOrParentMatches(filepath.ToSlash(below))
			switch {
			case errors.Join(err, relErr, matchErr) != nil || !excluded:
				sent = true
				return fs.SkipAll
			case entry.IsDir() && !matcher.Exclusions():
				return fs.SkipDir
			}
			return nil
		})
		return !sent
	}, nil
}

type packer struct {
	root    string
	further map[string]string
	keep    []string
	ignore  *patternmatcher.PatternMatcher
	tar     *tar.Writer
}

func (p *packer) pack() error {
	err := filepath.WalkDir(p.root, p.visit)
	for _, name := range slices.Sorted(maps.Keys(p.further)) {
		var info fs.FileInfo
		if err == nil {
			info, err = os.Stat(p.further[name])
		}
		if err == nil {
			err = p.add(p.further[name], name, fs.FileInfoToDirEntry(info))
		}
	}
	if err == nil {
		err = p.tar.Close()
	}
	if err != nil {
		return fmt.Errorf("packing the build context %s: %w", p.root, err)
	}
	return nil
}

func (p *packer) visit(path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	name, err := filepath.Rel(p.root, path)
	if err != nil || name == "." {
		return err
	}
	name = filepath.ToSlash(name)
	excluded, err := p.ignore.MatchesOrParentMatches(name)
	if err != nil {
		return err
	}
	if !excluded || slices.Contains(p.keep, name) {
		return p.add(path, name, entry)
	}
	wanted := func(keep string) bool { return strings.HasPrefix(keep, name+"/") }
	if !entry.IsDir() || p.ignore.Exclusions() || slices.ContainsFunc(p.keep, wanted) {
		return nil
	}
	return fs.SkipDir // nothing below it is sent
}

func (p *packer) add(path, name string, entry fs.DirEntry) error {
	if entry.Type()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice) != 0 {
		return nil
	}
	h, err := header(path, name, entry)
	if err != nil {
		return err
	}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	if !entry.Type().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(p.tar, f)
	return err
}

// header describes a file as owned by root, like the archives of both engines' own
// clients.
func header(path, name string, entry fs.DirEntry) (*tar.Header, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	link := ""
	if entry.Type()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return nil, err
		}
	}
	h, err := tar.FileInfoHeader(info, filepath.ToSlash(link))
	if err != nil {
		return nil, err
	}
	h.Name = name
	if entry.IsDir() {
		h.Name += "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	return h, nil
}

// Dockerfile returns the clean path of a build's Dockerfile, or the default.
func Dockerfile(path string) string {
	if strings.TrimSpace(path) == "" {
		return "Dockerfile"
	}
	return filepath.ToSlash(filepath.Clean(path))
}
