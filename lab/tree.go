package lab

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// epoch is the time of every file a layer is given by hand, so that the same
// inputs give the same image.
var epoch = time.Unix(0, 0).UTC()

// tree writes a layer entry by entry; its folders appear by themselves. The
// first error sticks and is returned by close.
type tree struct {
	file *os.File
	tar  *tar.Writer
	made map[string]bool
	err  error
}

func newTree(file string) (*tree, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &tree{file: f, tar: tar.NewWriter(f), made: map[string]bool{".": true}}, nil
}

func (t *tree) close() error {
	return errors.Join(t.err, t.tar.Close(), t.file.Close())
}

func (t *tree) header(h *tar.Header) {
	if t.err != nil {
		return
	}
	t.parents(h.Name)
	if h.ModTime.IsZero() {
		h.ModTime = epoch
	}
	if t.err = t.tar.WriteHeader(h); t.err != nil {
		t.err = fmt.Errorf("writing %s to a layer: %w", h.Name, t.err)
	}
}

func (t *tree) parents(name string) {
	dir := path.Dir(strings.TrimSuffix(name, "/"))
	if !t.made[dir] {
		t.dir(dir, 0o755)
	}
}

func (t *tree) dir(name string, mode int64) {
	t.made[name] = true
	t.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (t *tree) link(name, target string) {
	t.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (t *tree) data(name string, mode int64, data []byte) {
	t.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))})
	if t.err == nil {
		_, t.err = t.tar.Write(data)
	}
}

// copy adds the file at source; modified may be zero for the epoch.
func (t *tree) copy(name, source string, modified time.Time) {
	if t.err != nil {
		return
	}
	f, err := os.Open(source)
	if err != nil {
		t.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.err = err
		return
	}
	mode := int64(0o644) | int64(info.Mode().Perm())&0o111
	t.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size(), ModTime: modified})
	if t.err == nil {
		_, t.err = io.Copy(t.tar, f)
	}
}

// copyAll adds the folder source as name without what skip says, given paths
// relative to source.
func (t *tree) copyAll(name, source string, modified time.Time, skip func(relative string) bool) {
	err := filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		if skip(relative) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		t.add(path.Join(name, relative), file, d, modified)
		return t.err
	})
	if t.err == nil && err != nil {
		t.err = fmt.Errorf("adding %s to a layer: %w", source, err)
	}
}

func (t *tree) add(name, file string, d fs.DirEntry, modified time.Time) {
	switch {
	case d.IsDir():
		if !t.made[name] {
			t.dir(name, 0o755)
		}
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(file)
		if err != nil {
			t.err = err
			return
		}
		t.link(name, target)
	case d.Type().IsRegular():
		t.copy(name, file, modified)
	}
}

// layer closes the tree and makes it a layer of an image.
func (t *tree) layer() (*layer, error) {
	if err := t.close(); err != nil {
		return nil, err
	}
	return newLayer(t.file.Name())
}
