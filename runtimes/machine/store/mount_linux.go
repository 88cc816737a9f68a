package store

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountBtrfs mounts a subvolume of the file system on device as a mount that
// is in no namespace: it is reached through the file alone and vanishes with it.
func mountBtrfs(device, subvolume string) (*os.File, error) {
	fs, err := unix.Fsopen("btrfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("%w: opening the file system type btrfs: %w", ErrUnsupported, err)
	}
	defer unix.Close(fs)
	for _, option := range [][2]string{{"source", device}, {"subvol", subvolume}} {
		if err := unix.FsconfigSetString(fs, option[0], option[1]); err != nil {
			return nil, fmt.Errorf("setting the mount option %s=%s: %w", option[0], option[1], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("mounting %s of %s: %w", subvolume, device, err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOATIME)
	if err != nil {
		return nil, fmt.Errorf("mounting %s of %s: %w", subvolume, device, err)
	}
	return os.NewFile(uintptr(fd), device+":"+subvolume), nil
}

// cloneMount makes a mount of a folder in the same way.
func cloneMount(path string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cloning the mount of %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
