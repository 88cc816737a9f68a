// Package buildcontext packs the folder that is sent to an engine for a build.
package buildcontext

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
)

// IgnoreFiles are the paths below a context at which an engine's own command looks for
// what is not sent. The first that exists counts.
func IgnoreFiles(engine trial.Runtime, dockerfile string) []string {
	files := []string{dockerfile + ".dockerignore"}
	if engine == trial.Podman {
		files = append(files, dockerfile+".containerignore", ".containerignore")
	}
	return append(files, ".dockerignore")
}

// Tar streams dir as a tar archive without what the first existing ignore file
// (paths below dir) excludes. The Dockerfile and the ignore files themselves are
// always sent, because the engine reads them; a further context has no Dockerfile.
// further are additional files, by their names in the archive. All names are clean and
// have slashes. An error while packing is an error of the reader: a context is never
// silently incomplete.
func Tar(further map[string][]byte, dir, dockerfile string, ignoreFiles ...string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, dockerfile)); err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	dir, err := filepath.EvalSymlinks(dir) // a walk follows no link
	if err != nil {
		return nil, fmt.Errorf("opening the build context: %w", err)
	}
	matcher, _, err := ignored(dir, ignoreFiles)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	p := packer{root: dir, further: further, keep: append(slices.Clone(ignoreFiles), dockerfile), ignore: matcher, tar: tar.NewWriter(w)}
	go func() { w.CloseWithError(p.pack()) }()
	return r, nil
}

// Ignored reads the first of the ignore files that exists. Without one, file is empty.
func Ignored(dir string, ignoreFiles []string) (patterns []string, file string, err error) {
	for _, name := range ignoreFiles {
		text, err := readable.File(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, name, fmt.Errorf("reading the ignore file: %w", err)
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
		if err != nil {
			return nil, name, fmt.Errorf("reading the ignore file %s: %w", name, err)
		}
		return patterns, name, nil
	}
	return nil, "", nil
}

func ignored(dir string, files []string) (*patternmatcher.PatternMatcher, string, error) {
	patterns, file, err := Ignored(dir, files)
	if err != nil {
		return nil, file, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, file, fmt.Errorf("reading the ignore file %s of %s: %w", file, dir, err)
	}
	return matcher, file, nil
}

// Excluded returns a function that reports whether nothing of a path below dir is sent
// to an engine, and the ignore file that decides it.
func Excluded(engine trial.Runtime, dir, dockerfile string) (excluded func(name string) bool, file string, err error) {
	matcher, file, err := ignored(dir, IgnoreFiles(engine, Dockerfile(dockerfile)))
	if err != nil {
		return nil, file, err
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
	}, file, nil
}

type packer struct {
	root    string
	further map[string][]byte
	keep    []string
	ignore  *patternmatcher.PatternMatcher
	tar     *tar.Writer
}

func (p *packer) pack() error {
	err := filepath.WalkDir(p.root, p.visit)
	for _, name := range slices.Sorted(maps.Keys(p.further)) {
		text := p.further[name]
		if err == nil {
			err = p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(text))})
		}
		if err == nil {
			_, err = p.tar.Write(text)
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
	info, err := entry.Info()
	if err != nil {
		return err
	}
	link := ""
	if entry.Type()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, filepath.ToSlash(link))
	if err != nil {
		return err
	}
	// It is owned by root, as in the archives of both engines' own clients.
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = name, 0, 0, "", ""
	if entry.IsDir() {
		h.Name += "/"
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

// Dockerfile returns the clean path of a build's Dockerfile, or the default.
func Dockerfile(path string) string {
	if strings.TrimSpace(path) == "" {
		return "Dockerfile"
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// Name is the name of an image, a stage or a further context as BuildKit compares them.
func Name(text string) string {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return text
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}
