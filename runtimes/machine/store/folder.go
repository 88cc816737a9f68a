package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/trial"
)

// folder is a volume without snapshots: it copies, sharing blocks where the
// file system of the host can.
type folder struct {
	path string
	lock *os.File
}

func openFolder(path string) (volume, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &folder{path: path, lock: f}, nil
}

func (v *folder) dir() string { return v.path }

func (v *folder) create(name string) error {
	return os.Mkdir(filepath.Join(v.path, name), 0o755)
}

// snapshot cannot keep anyone from writing to a copy that is meant to be
// read-only: only this package hands copies out, and it hands out live ones.
func (v *folder) snapshot(ctx context.Context, from, to string, _ bool) error {
	if _, err := os.Lstat(filepath.Join(v.path, to)); err == nil {
		return fmt.Errorf("%s is there already: %w", to, os.ErrExist)
	}
	half, err := os.MkdirTemp(filepath.Join(v.path, partial), "copy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(half)
	cp := exec.CommandContext(ctx, "cp", "--archive", "--reflink=auto", "--no-target-directory",
		filepath.Join(v.path, from), half)
	if out, err := cp.CombinedOutput(); err != nil {
		return fmt.Errorf("copying its files: %w: %s", err, lastLine(out))
	}
	return os.Rename(half, filepath.Join(v.path, to))
}

func (v *folder) remove(name string) error {
	return os.RemoveAll(filepath.Join(v.path, name))
}

func (v *folder) mount(name string) (*os.File, error) {
	return cloneMount(filepath.Join(v.path, name))
}

// settle has nothing to wait for: removing is over when it returns.
func (v *folder) settle(context.Context) error { return nil }

func (v *folder) traffic() (read, written trial.Bytes, err error) {
	return 0, 0, errors.ErrUnsupported
}

func (v *folder) close(context.Context) error { return v.lock.Close() }

// lastLine is where a program says why it failed.
func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[bytes.LastIndexByte(out, '\n')+1:]
}
