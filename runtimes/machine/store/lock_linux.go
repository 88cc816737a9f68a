package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/host"
)

// lock locks f for this process. The lock belongs to the open file, which a loop device
// made of it shares, so the lock lasts as long as the device. host.Lock cannot do this,
// because it opens the file itself.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	pid, err := holder(f)
	if err != nil {
		return err
	}
	return &InUseError{Path: f.Name(), PID: pid}
}

// lockSoon is lock, but waits if the holder is dead: its loop device is removed a moment
// later.
func lockSoon(ctx context.Context, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := lock(f)
		var used *InUseError
		if !errors.As(err, &used) || host.Alive(used.PID) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d is gone, and what it ran still holds %s: %w", used.PID, f.Name(), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// holder returns the process that has the lock on f, or 0 if it cannot be seen from
// here.
func holder(f *os.File) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("looking at %s: %w", f.Name(), err)
	}
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return 0, fmt.Errorf("finding who uses %s: %w", f.Name(), err)
	}
	defer locks.Close()
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF
		word := strings.Fields(lines.Text())
		if len(word) > 5 && word[1] == "FLOCK" && word[5] == file {
			return strconv.Atoi(word[4])
		}
	}
	return 0, nil
}
