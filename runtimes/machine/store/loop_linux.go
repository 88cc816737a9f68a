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

	"github.com/stratbench/stratbench/internal/trial"
	"golang.org/x/sys/unix"
)

// attach makes a loop device of a file. The kernel detaches it by itself when
// its last user is gone: the mount, this process, or both at once.
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

// awaitDetached waits for the kernel to let go of the file behind a device.
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

// deviceTraffic reads what a device moved since it was attached. The kernel
// counts in sectors of 512 bytes, whatever those of the device are.
func deviceTraffic(device string) (read, written trial.Bytes, err error) {
	b, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(device), "stat"))
	if err != nil {
		return 0, 0, err
	}
	var reads, merged, sectorsRead, ticks, writes, mergedWrites, sectorsWritten int64
	if _, err := fmt.Sscan(string(b), &reads, &merged, &sectorsRead, &ticks, &writes, &mergedWrites, &sectorsWritten); err != nil {
		return 0, 0, fmt.Errorf("reading the statistics of %s: %w", device, err)
	}
	return trial.Bytes(sectorsRead * 512), trial.Bytes(sectorsWritten * 512), nil
}
