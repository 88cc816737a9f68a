package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

var whole struct {
	sync.Mutex
	busy   int
	ending bool
}

var idle = sync.NewCond(&whole.Mutex)

// Whole does work that must not be left half done where a signal ends the program at once.
func Whole(work func() error) error {
	whole.Lock()
	for whole.ending && whole.busy == 0 {
		idle.Wait() // for the end of the program
	}
	whole.busy++
	whole.Unlock()
	defer func() {
		whole.Lock()
		defer whole.Unlock()
		if whole.busy--; whole.busy == 0 {
			idle.Broadcast()
		}
	}()
	return work()
}

// AwaitWhole waits until all such work is done, after which none begins any more: the
// program may end.
func AwaitWhole() {
	whole.Lock()
	defer whole.Unlock()
	whole.ending = true
	for whole.busy > 0 {
		idle.Wait()
	}
}

// WriteFile writes a file as os.WriteFile does, but whole or not at all, because the
// program or the machine may end at any moment. What is no regular file, such as
// /dev/stdout, is written to directly.
func WriteFile(path string, text []byte) error {
	return Whole(func() error { return writeFile(path, text) })
}

func writeFile(path string, text []byte) (err error) {
	mode := os.FileMode(0o644)
	if strings.HasPrefix(path, "/dev/") { // it may lead to a file that is open already
		return os.WriteFile(path, text, mode)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // else the link would be replaced
	}
	info, err := os.Lstat(path) // a link that is left leads to nothing yet
	there := err == nil
	if there {
		if !info.Mode().IsRegular() {
			return os.WriteFile(path, text, mode)
		}
		mode = info.Mode().Perm()
		old, err := os.OpenFile(path, os.O_WRONLY, 0) // a protected file stays
		if err != nil {
			return err
		}
		old.Close()
	}
	part := fmt.Sprintf("%s.%d.new", path, os.Getpid())
	defer func() {
		if err != nil {
			os.Remove(part)
		}
	}()
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		// The user may be allowed to write to the file and not to its folder.
		return os.WriteFile(path, text, mode)
	}
	_, err = f.Write(text)
	if err == nil && there {
		err = f.Chmod(mode) // which umask has cut
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

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
