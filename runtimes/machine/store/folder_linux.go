package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/trial"
	"golang.org/x/sys/unix"
)

// folder is a volume without snapshots. It copies, and shares blocks if the host's file
// system can.
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

// snapshot cannot prevent writing to a copy that should be read-only. But only this package
// hands copies out, and only live ones.
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

// mount makes a mount like mountBtrfs's.
func (v *folder) mount(name string) (*os.File, error) {
	path := filepath.Join(v.path, name)
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cloning the mount of %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// settle has nothing to wait for: remove returns when everything is removed.
func (v *folder) settle(context.Context) error { return nil }

func (v *folder) traffic() (read, written trial.Bytes, err error) {
	return 0, 0, errors.ErrUnsupported
}

func (v *folder) close(context.Context) error { return v.lock.Close() }
