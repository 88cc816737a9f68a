package isolated

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"golang.org/x/sys/unix"
)

// above is where the machine's root is mounted before it becomes the root. In this
// namespace it hides the host's folder, so everything that is bound from the host is
// opened first.
const above = "/tmp"

// enterRoot makes the mount of rootFD the root of this namespace, with everything that a
// system needs, and unmounts the host's root.
func enterRoot(s setup) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the machine's mounts private: %w", err)
	}
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		return err
	}
	binds, err := openBinds(s.Binds)
	if err != nil {
		return err
	}
	if err := unix.MoveMount(rootFD, "", unix.AT_FDCWD, above, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mounting the machine's root: %w", err)
	}
	if err := mountSystem(tree); err != nil {
		return err
	}
	for _, b := range binds {
		if err := b.attach(); err != nil {
			return fmt.Errorf("binding %s into the machine: %w", b.target, err)
		}
	}
	if err := unix.Chdir(above); err != nil {
		return fmt.Errorf("entering the machine's root: %w", err)
	}
	// PivotRoot mounts the old root on top of the new one, where it is then unmounted.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("making the machine's root the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting the host's root: %w", err)
	}
	// Engines expect a shared root, as on a booted system.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the machine's root with its containers: %w", err)
	}
	return unix.Chdir("/")
}

type mount struct {
	fstype, target, options string
	flags                   uintptr
}

func mountSystem(tree *cgroup.Tree) error {
	const strict = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	mounts := []mount{
		{"proc", "/proc", "", strict},
		{"sysfs", "/sys", "", strict},
		{"tmpfs", "/dev", "mode=755", unix.MS_NOSUID},
		{"devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"tmpfs", "/dev/shm", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV},
		{"mqueue", "/dev/mqueue", "", strict},
		{"tmpfs", "/run", "mode=755", unix.MS_NOSUID | unix.MS_NODEV},
	}
	for _, m := range append(mounts, cgroupMounts(tree)...) {
		if err := os.MkdirAll(above+m.target, 0o755); err != nil {
			return fmt.Errorf("making %s in the machine: %w", m.target, err)
		}
		if err := unix.Mount(m.fstype, above+m.target, m.fstype, m.flags, m.options); err != nil {
			return fmt.Errorf("mounting %s on %s in the machine: %w", m.fstype, m.target, err)
		}
	}
	// Kind binds the last two into its nodes, and podman refuses to bind what does not
	// exist.
	for _, dir := range []string{"/tmp", "/lib/modules", "/dev/mapper"} {
		if err := os.MkdirAll(above+dir, 0o755); err != nil {
			return fmt.Errorf("making %s in the machine: %w", dir, err)
		}
	}
	return makeDevices()
}

// cgroupMounts are the mounts of one version: crun refuses a mixture, so version 2 beside
// version 1 is not mounted in the machine.
func cgroupMounts(tree *cgroup.Tree) []mount {
	const dir = "/sys/fs/cgroup"
	if tree.Version() == 2 {
		return []mount{{"cgroup2", dir, "", 0}}
	}
	mounts := []mount{{"tmpfs", dir, "mode=755", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC}}
	for _, h := range tree.V1 {
		options := h.Controllers
		if strings.HasPrefix(options, "name=") {
			options = "none," + options
		}
		mounts = append(mounts, mount{"cgroup", filepath.Join(dir, filepath.Base(h.Mount)), options, 0})
	}
	return mounts
}

// makeDevices makes the devices that engines and kubelet open, and no disk.
func makeDevices() error {
	for _, d := range []struct {
		path         string
		major, minor uint32
	}{
		{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
		{"tty", 5, 0}, {"kmsg", 1, 11}, {"fuse", 10, 229}, {"net/tun", 10, 200},
	} {
		path := above + "/dev/" + d.path
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the machine's devices: %w", err)
		}
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor))); err != nil {
			return fmt.Errorf("making the machine's /dev/%s: %w", d.path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return fmt.Errorf("making the machine's /dev/%s: %w", d.path, err)
		}
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, above+"/dev/"+name); err != nil {
			return fmt.Errorf("making the machine's /dev/%s: %w", name, err)
		}
	}
	return nil
}

// bind is a file or folder of the host on its way into the machine.
type bind struct {
	tree   int
	target string
	dir    bool
}

// openBinds opens each path of the host, and adds this program, which the runner has
// opened.
func openBinds(paths []string) ([]bind, error) {
	binds := []bind{{tree: programFD, target: self}}
	for _, path := range paths {
		info, err := os.Stat(path)
		tree := -1
		if err == nil {
			tree, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		}
		if err != nil {
			return nil, fmt.Errorf("binding %s into the machine: %w", path, err)
		}
		binds = append(binds, bind{tree, path, info.IsDir()})
	}
	return binds, nil
}

// attach mounts it at its path in the machine, read-only.
func (b bind) attach() error {
	defer unix.Close(b.tree)
	path := filepath.Join(above, b.target)
	folder := path
	if !b.dir {
		folder = filepath.Dir(path)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if !b.dir {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(b.tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return err
	}
	return unix.MoveMount(b.tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
