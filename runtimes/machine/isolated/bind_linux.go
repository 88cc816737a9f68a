package isolated

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// bind is a part of the host's files on its way into the machine.
type bind struct {
	tree   int
	target string
	dir    bool
}

// openBinds takes hold of each of the host's paths, and adds this program, which
// the runner has taken hold of.
func openBinds(paths []string) ([]bind, error) {
	binds := []bind{{tree: programFD, target: self}}
	for _, p := range paths {
		b, err := openBind(p)
		if err != nil {
			return nil, err
		}
		binds = append(binds, b)
	}
	return binds, nil
}

func openBind(path string) (bind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return bind{}, fmt.Errorf("binding %s into the machine: %w", path, err)
	}
	tree, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return bind{}, fmt.Errorf("binding %s into the machine: %w", path, err)
	}
	return bind{tree, path, info.IsDir()}, nil
}

// attachBinds puts each where it belongs, read-only.
func attachBinds(binds []bind) error {
	for _, b := range binds {
		if err := b.attach(); err != nil {
			return fmt.Errorf("binding %s into the machine: %w", b.target, err)
		}
	}
	return nil
}

func (b bind) attach() error {
	defer unix.Close(b.tree)
	path := filepath.Join(above, b.target)
	if err := makePlace(path, b.dir); err != nil {
		return err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(b.tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return err
	}
	return unix.MoveMount(b.tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// makePlace makes what a bind can be mounted on.
func makePlace(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	return f.Close()
}
