// Package buildcontext packs the folder that is sent to an engine to be built.
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

// Tar streams dir as a tar archive without what the first existing one of the
// ignore files (paths below dir) excludes. The Dockerfile and the ignore files
// themselves are always sent, for the engine reads them. All paths are clean
// and have slashes. Whatever goes wrong on the way is an error of the reader: a context is never silently short.
func Tar(dir, dockerfile string, ignoreFiles ...string) (io.ReadCloser, error) {
	return TarWith(nil, dir, dockerfile, ignoreFiles...)
}

// TarWith adds further files to the archive: paths anywhere, by the name that
// they have in it.
func TarWith(further map[string]string, dir, dockerfile string, ignoreFiles ...string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, dockerfile)); err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	patterns, err := ignored(dir, ignoreFiles)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("reading the ignore file of %s: %w", dir, err)
	}
	r, w := io.Pipe()
	p := packer{root: dir, further: further, keep: append(slices.Clone(ignoreFiles), dockerfile), ignore: matcher, tar: tar.NewWriter(w)}
	go func() { w.CloseWithError(p.pack()) }()
	return r, nil
}

// ignored returns the patterns of the first file that exists.
func ignored(dir string, files []string) ([]string, error) {
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
		return patterns, nil
	}
	return nil, nil
}

// Excluded returns a function that says which paths below dir are not sent. It
// is not sure of any where the ignore file makes exceptions.
func Excluded(dir, dockerfile string) (func(name string) bool, error) {
	patterns, err := ignored(dir, []string{Dockerfile(dockerfile) + ".dockerignore", ".dockerignore"})
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("reading the ignore file of %s: %w", dir, err)
	}
	return func(name string) bool {
		excluded, err := matcher.MatchesOrParentMatches(name)
		return err == nil && excluded && !matcher.Exclusions()
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
		if err == nil {
			err = p.addFile(p.further[name], name)
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
	if excluded && !slices.Contains(p.keep, name) {
		return p.leave(name, entry)
	}
	return p.add(path, name, entry)
}

// leave skips a whole folder where nothing below it can be sent after all.
func (p *packer) leave(name string, entry fs.DirEntry) error {
	wanted := func(keep string) bool { return strings.HasPrefix(keep, name+"/") }
	if !entry.IsDir() || p.ignore.Exclusions() || slices.ContainsFunc(p.keep, wanted) {
		return nil
	}
	return fs.SkipDir
}

func (p *packer) addFile(path, name string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return p.add(path, name, fs.FileInfoToDirEntry(info))
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
	return p.copy(path)
}

// header is an entry's, owned by root as both engines' own clients have it.
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

func (p *packer) copy(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(p.tar, f)
	return err
}

// Dockerfile is the path that a build uses when it names none.
func Dockerfile(path string) string {
	if strings.TrimSpace(path) == "" {
		return "Dockerfile"
	}
	return filepath.ToSlash(filepath.Clean(path))
}
