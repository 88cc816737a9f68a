package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked is the error of a lock that somebody else has.
var ErrLocked = errors.New("it is locked by another process")

// TryLock takes the lock of a folder, or of a file, which is made if there is
// none. The lock ends when it is closed or this process ends, however it ends.
// The error is ErrLocked if somebody else has it, in this process or another.
func TryLock(path string) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	taken, err := lock.TryLock()
	// O_CREATE only now: with it, another user's file in a folder such as /tmp could
	// not be opened at all.
	if errors.Is(err, fs.ErrNotExist) {
		lock = flock.New(path, flock.SetFlag(os.O_RDONLY|os.O_CREATE), flock.SetPermissions(0o644))
		taken, err = lock.TryLock()
	}
	if err == nil && !taken {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return lock, nil
}

// Lock waits for the lock until ctx ends. It polls, because a process that waits
// inside the kernel cannot give up.
func Lock(ctx context.Context, path string) (*flock.Flock, error) {
	for {
		lock, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
