package isolated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"github.com/stratbench/stratbench/runtimes/machine/store"
	"golang.org/x/sys/unix"
)

// Sweep removes what machines of killed runs left: their control groups, and their copies
// of roots in s. It returns what it removed. It does not touch what belongs to a living
// run.
func Sweep(ctx context.Context, s *store.Store) (swept []string, err error) {
	defer runtimes.Doing(&err, "removing what killed runs left")
	swept, err = sweepGroups(ctx)
	if err != nil {
		return swept, err
	}
	left, err := s.Sweep()
	return append(swept, left...), err
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

// killAll kills processes that the kernel has not ended yet.
func killAll(g *cgroup.Group) error {
	pids, err := g.Pids()
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("killing process %d of a machine without an owner: %w", pid, err)
		}
	}
	return errors.Join(err, g.Thaw())
}

var machines atomic.Int64

// newID names a machine after this process, so that Sweep can see whether the owner of
// what it finds is alive. A process number alone is not enough, because numbers are used
// again.
func newID() (string, error) {
	start, err := host.Began(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("naming a machine: %w", err)
	}
	return fmt.Sprintf("%d-%s-%d", os.Getpid(), start, machines.Add(1)), nil
}

// orphaned reports whether id names a machine whose owner is gone. Any other name is never
// orphaned: it is not ours to remove.
func orphaned(id string) bool {
	part := strings.Split(id, "-")
	if len(part) != 3 {
		return false
	}
	pid, err := strconv.Atoi(part[0])
	if err != nil {
		return false
	}
	start, err := host.Began(pid)
	return err != nil || start != part[1]
}
