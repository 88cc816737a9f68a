package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// lockVolume is the volume by which one run at a time uses an engine of a
// user's. It is on the engine, where all its users see it, and its labels say
// who holds it.
const lockVolume = "stratbench-lock"

// heldError says that another run uses an engine.
type heldError struct {
	runtime trial.Runtime
	by      holder
}

func (e *heldError) Error() string {
	if e.by.Mark == "" {
		return fmt.Sprintf("%s has a volume %s that no run of stratbench made; rename or remove it", e.runtime, lockVolume)
	}
	return fmt.Sprintf("another run uses this %s engine: %s; wait for it to end. If it was killed there: stratbench clean on that host, or %s volume rm %s",
		e.runtime, e.by, e.runtime, lockVolume)
}

// lock takes an engine for a run. dead is the holder that it was taken over
// from, because it was killed on this very host.
func (h holder) lock(ctx context.Context, runtime trial.Runtime, engine runtimes.Engine) (dead *holder, err error) {
	// Nobody removes the lock of a dead holder but a process of its host, and
	// of these only one at a time.
	unlock, err := lockHost(ctx, runtime)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range 2 {
		labels, err := engine.Claim(ctx, lockVolume, h.labels())
		if err != nil {
			return nil, fmt.Errorf("taking the %s engine for this run: %w", runtime, err)
		}
		by := holderOf(labels)
		switch {
		case by.Mark == h.Mark:
			return dead, nil
		case !by.dead(h):
			return nil, &heldError{runtime, by}
		}
		dead = &by
		if err := engine.Release(ctx, lockVolume); err != nil {
			return nil, fmt.Errorf("taking the %s engine over from a killed run: %w", runtime, err)
		}
	}
	return nil, &heldError{runtime, *dead}
}

// unlock gives the engine back, unless the lock is another's by now.
func (h holder) unlock(ctx context.Context, runtime trial.Runtime, engine runtimes.Engine) error {
	contents, err := engine.Contents(ctx)
	if err == nil && lockOf(contents).Mark == h.Mark {
		err = engine.Release(ctx, lockVolume)
	}
	if err != nil {
		return fmt.Errorf("giving the %s engine back: %w", runtime, err)
	}
	return nil
}

// lockOf is the holder of an engine, or a holder without a mark.
func lockOf(c runtimes.Contents) holder {
	for _, v := range c.Volumes {
		if v.Name == lockVolume {
			return holderOf(v.Labels)
		}
	}
	return holder{}
}

// lockHost keeps other processes of this host, whosever they are, from doing
// the same until unlock is called.
func lockHost(ctx context.Context, runtime trial.Runtime) (unlock func(), err error) {
	path := filepath.Join(os.TempDir(), "stratbench-"+string(runtime)+".lock")
	lock, err := host.Lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("keeping other runs of this host out: %w", err)
	}
	return func() { os.Remove(path); lock.Close() }, nil
}
