package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"github.com/prometheus/procfs/blockdevice"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// btrfs is a volume with a file system in a file.
type btrfs struct {
	file   *os.File
	device string
	top    *os.File
}

func openLoop(ctx context.Context, path string, size trial.Bytes) (volume, error) {
	if err := format(ctx, path, size); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	// The device keeps the file open, and with it the lock.
	defer file.Close()
	if err := lockSoon(ctx, file); err != nil {
		return nil, err
	}
	device, err := attach(file)
	if err != nil {
		return nil, err
	}
	// The mount keeps the device open.
	defer device.Close()
	top, err := mountBtrfs(device.Name(), "/")
	if err != nil {
		return nil, err
	}
	return &btrfs{file: file, device: device.Name(), top: top}, nil
}

// format makes the file with its file system, unless it exists. The file has no name until
// it is complete, so an unfinished one is never used.
func format(ctx context.Context, path string, size trial.Bytes) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	mkfs, err := exec.LookPath("mkfs.btrfs")
	if err != nil {
		return fmt.Errorf("%w: mkfs.btrfs is not installed (package btrfs-progs)", ErrUnsupported)
	}
	f, err := os.OpenFile(filepath.Dir(path), os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err != nil {
		return fmt.Errorf("%w: making a file without a name: %w", ErrUnsupported, err)
	}
	defer f.Close()
	if err := f.Truncate(int64(size)); err != nil {
		return fmt.Errorf("making a file of %s: %w", size, err)
	}
	name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
	if out, err := exec.CommandContext(ctx, mkfs, "--quiet", "--metadata", "single", name).CombinedOutput(); err != nil {
		return fmt.Errorf("making a file system of %s: %w: %s", size, err, lastLine(out))
	}
	err = unix.Linkat(unix.AT_FDCWD, name, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil && !errors.Is(err, unix.EEXIST) { // another process was faster
		return fmt.Errorf("naming the file: %w", err)
	}
	return nil
}

// dir contains this process's number, so that the path is valid for other programs.
func (v *btrfs) dir() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), v.top.Fd())
}

func (v *btrfs) create(name string) error { return v.named(name, subvolCreate) }

// named sends an ioctl about a subvolume of that name.
func (v *btrfs) named(name string, request uintptr) error {
	var args volArgs
	copy(args.name[:], filepath.Base(name))
	return v.control(filepath.Dir(name), request, unsafe.Pointer(&args))
}

func (v *btrfs) snapshot(_ context.Context, from, to string, readonly bool) error {
	source, err := os.Open(filepath.Join(v.dir(), from))
	if err != nil {
		return err
	}
	defer source.Close()
	args := volArgsV2{fd: int64(source.Fd())}
	if readonly {
		args.flags = subvolReadOnly
	}
	copy(args.name[:], filepath.Base(to))
	return v.control(filepath.Dir(to), snapCreateV2, unsafe.Pointer(&args))
}

// remove deletes a subvolume. What ran in it may have made inner subvolumes, as systemd
// does; these are deleted first.
func (v *btrfs) remove(name string) error {
	err := v.named(name, snapDestroy)
	if !errors.Is(err, unix.ENOTEMPTY) {
		return err
	}
	// The outer ones are first. The root of a subvolume always has the inode number 256.
	var inner []string
	err = fs.WalkDir(os.DirFS(v.dir()), name, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Ino == 256 {
			inner = append(inner, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(inner)
	for _, n := range inner {
		if err := v.named(n, snapDestroy); err != nil {
			return err
		}
	}
	return nil
}

func (v *btrfs) mount(name string) (*os.File, error) { return mountBtrfs(v.device, "/"+name) }

// settle syncs, which also wakes the kernel's cleaner, waits until no deleted subvolume is
// left to clean, and syncs again.
func (v *btrfs) settle(ctx context.Context) error {
	if err := v.control(".", syncAll, nil); err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := v.orphans()
		if err != nil {
			return err
		}
		if left == 0 {
			return v.control(".", syncAll, nil)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d deleted copies are not cleaned up: %w", left, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// orphans counts the deleted subvolumes that are still on disk: each has an orphan item in
// the tree of roots until it is cleaned up.
func (v *btrfs) orphans() (uint32, error) {
	all := ^uint64(0)
	search := treeSearch{
		tree: rootTree, minObject: orphanObject, maxObject: orphanObject, maxOffset: all, maxTransaction: all,
		minType: orphanItem, maxType: orphanItem, items: 100,
	}
	err := v.control(".", searchTree, unsafe.Pointer(&search))
	return search.items, err
}

// traffic is counted by the kernel in units of 512 bytes, whatever the device's sectors are.
func (v *btrfs) traffic() (read, written trial.Bytes, err error) {
	all, err := blockdevice.NewDefaultFS()
	if err != nil {
		return 0, 0, err
	}
	stats, _, err := all.SysBlockDeviceStat(filepath.Base(v.device))
	return trial.Bytes(stats.ReadSectors * 512), trial.Bytes(stats.WriteSectors * 512), err
}

func (v *btrfs) close(ctx context.Context) error {
	if err := v.top.Close(); err != nil {
		return err
	}
	return awaitDetached(ctx, v.device, v.file.Name())
}

// control sends a btrfs ioctl to a folder of the volume.
func (v *btrfs) control(folder string, request uintptr, args unsafe.Pointer) error {
	dir, err := os.Open(filepath.Join(v.dir(), folder))
	if err != nil {
		return err
	}
	defer dir.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), request, uintptr(args)); errno != 0 {
		return errno
	}
	return nil
}

// From the kernel's include/uapi/linux/btrfs.h.
const (
	subvolCreate   = 0x5000940e // BTRFS_IOC_SUBVOL_CREATE
	snapDestroy    = 0x5000940f // BTRFS_IOC_SNAP_DESTROY
	snapCreateV2   = 0x50009417 // BTRFS_IOC_SNAP_CREATE_V2
	subvolReadOnly = 1 << 1     // BTRFS_SUBVOL_RDONLY
	syncAll        = 0x9408     // BTRFS_IOC_SYNC
	searchTree     = 0xd0009411 // BTRFS_IOC_TREE_SEARCH

	rootTree     = 1              // BTRFS_ROOT_TREE_OBJECTID
	orphanObject = ^uint64(0) - 4 // BTRFS_ORPHAN_OBJECTID, which is -5
	orphanItem   = 48             // BTRFS_ORPHAN_ITEM_KEY
)

type treeSearch struct {
	tree                           uint64
	minObject, maxObject           uint64
	minOffset, maxOffset           uint64
	minTransaction, maxTransaction uint64
	minType, maxType               uint32
	items                          uint32 // the limit, then the number found
	_                              uint32
	_                              [4]uint64
	found                          [3992]byte
}

type volArgs struct {
	fd   int64
	name [4088]byte
}

type volArgsV2 struct {
	fd      int64
	transid uint64
	flags   uint64
	unused  [4]uint64
	name    [4040]byte
}
