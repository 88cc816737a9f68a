package isolated

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"github.com/stratbench/stratbench/runtimes/machine/store"
	"golang.org/x/sys/unix"
)

// Sweep removes what machines of killed runs left: their control groups, and
// in s their copies of roots. It tells what it removed. What belongs to a run
// that is alive it does not touch.
func Sweep(ctx context.Context, s *store.Store) ([]string, error) {
	swept, err := sweepGroups(ctx)
	if err != nil {
		return swept, fmt.Errorf("removing what killed runs left: %w", err)
	}
	left, err := s.Sweep()
	if err != nil {
		return swept, fmt.Errorf("removing what killed runs left: %w", err)
	}
	return append(swept, left...), nil
}

func sweepGroups(ctx context.Context) (swept []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		return nil, err
	}
	ids, err := tree.IDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !orphaned(id) {
			continue
		}
		g := tree.Open(id)
		if err := errors.Join(killAll(g), g.Remove(ctx)); err != nil {
			return swept, err
		}
		swept = append(swept, "control group "+id)
	}
	return swept, nil
}

// killAll ends what the kernel is still about to end.
func killAll(g *cgroup.Group) error {
	pids, err := g.Pids()
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("killing process %d of a machine without an owner: %w", pid, err)
		}
	}
	return err
}
