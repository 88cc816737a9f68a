package inject

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// balloon takes the machine's memory, as the balloon of a virtual machine does: it
// leaves little more than what the processes hold already, so that pages of
// programs must be read from the disk again and again.
func (i *Injector) balloon() (string, error) {
	const spare = 4 << 20
	before, err := i.target.Sample()
	if err != nil {
		return "", err
	}
	// The kernel refuses a limit down to which it cannot reclaim, so take less.
	for to := before.MemoryAnon + spare; to < before.Memory+64<<20; to += 8 << 20 {
		if err = i.target.Squeeze(to); err == nil {
			return fmt.Sprintf("left the machine %s of memory, of which its processes held %s", to, before.MemoryAnon), nil
		}
	}
	return "tried to take the machine's memory", err
}

// fillDisk gives the machine's whole disk to one file. Its blocks are only
// allocated: a disk that is a sparse file of the host's does not grow.
func (i *Injector) fillDisk() (string, error) {
	name := filepath.Join(i.target.Root(), "stratbench-fault")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var size int64
	const smallest = 64 << 10
	for step := int64(1) << 36; step >= smallest; {
		switch err := unix.Fallocate(int(f.Fd()), 0, size, step); {
		case err == nil:
			size += step
		case errors.Is(err, unix.ENOSPC):
			step /= 2
		case !errors.Is(err, unix.EINTR):
			return "tried to fill the machine's disk", err
		}
	}
	return "filled the machine's disk with a file of " + trial.Bytes(size).String(), nil
}

// exhaustInotify takes all inotify instances that the user root has left. They are
// counted for the whole host: no other program of root's can watch files until the
// trial has ended.
func (i *Injector) exhaustInotify() (string, error) {
	for { // Stop reads i.taken only when this has ended
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			if errors.Is(err, unix.EMFILE) {
				err = nil
			}
			return fmt.Sprintf("took all %d inotify instances that root had left on this host", len(i.taken)), err
		}
		i.taken = append(i.taken, fd)
	}
}
