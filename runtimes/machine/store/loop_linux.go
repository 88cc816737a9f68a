package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// attach makes a loop device of a file. The kernel detaches it when its last user has
// ended: the mount, this process, or both.
func attach(file *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: opening the control device: %w", ErrUnsupported, err)
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("%w: asking for a free loop device: %w", ErrUnsupported, err)
		}
		device, err := attachTo(fmt.Sprintf("/dev/loop%d", n), file)
		if errors.Is(err, unix.EBUSY) {
			continue // another process was faster; ask again
		}
		return device, err
	}
}

func attachTo(path string, file *os.File) (*os.File, error) {
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: opening a free loop device: %w", ErrUnsupported, err)
	}
	config := unix.LoopConfig{Fd: uint32(file.Fd()), Size: 4096}
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	copy(config.Info.File_name[:len(config.Info.File_name)-1], file.Name())
	if err := unix.IoctlLoopConfigure(int(device.Fd()), &config); err != nil {
		err = fmt.Errorf("attaching %s to %s: %w", file.Name(), path, err)
		return nil, errors.Join(err, device.Close())
	}
	return device, nil
}

// mountBtrfs mounts a subvolume of the file system on device. The mount is in no namespace:
// it can only be reached through the file, and it vanishes when the file is closed.
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

// awaitDetached waits until the kernel no longer uses the file behind a device.
func awaitDetached(ctx context.Context, device, file string) error {
	attribute := filepath.Join("/sys/block", filepath.Base(device), "loop/backing_file")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := os.ReadFile(attribute)
		if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(b)) != file {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still holds %s; a machine on it may still be running: %w", device, file, ctx.Err())
		case <-tick.C:
		}
	}
}
