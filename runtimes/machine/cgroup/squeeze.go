package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"golang.org/x/sys/unix"
)

// Squeeze lowers the memory limit of a group that contains processes. If they hold more than
// the kernel can reclaim, the error is EBUSY, the limit stays as it was, and nothing is
// killed.
func (g *Group) Squeeze(memory trial.Bytes) error {
	if g.tree.Version() == 1 {
		return g.limit(memory) // here the kernel itself refuses
	}
	// On version 2 the kernel kills processes if a limit is set that it cannot reach by
	// reclaiming. Meanwhile memory.high slows down processes that grow.
	dir := g.of("memory")
	high, err := os.ReadFile(filepath.Join(dir, "memory.high"))
	if err != nil {
		return err
	}
	limit := strconv.FormatInt(int64(memory), 10)
	if err := set(dir, "memory.high", limit); err != nil {
		return err
	}
	err = reclaim(dir, memory)
	if err == nil {
		err = set(dir, "memory.max", limit)
	}
	return errors.Join(err, set(dir, "memory.high", strings.TrimSpace(string(high))))
}

// reclaim reclaims memory from a group until it holds no more than to.
func reclaim(dir string, to trial.Bytes) error {
	const attempts = 5
	for n := 0; ; n++ {
		held, err := readNumber(dir, "memory.current")
		if err != nil || held <= to {
			return err
		}
		if n == attempts {
			return fmt.Errorf("%s are in use that cannot be reclaimed: %w", held, unix.EBUSY)
		}
		err = set(dir, "memory.reclaim", strconv.FormatInt(int64(held-to), 10))
		// EAGAIN means that less was reclaimed. Kernels before 5.19 have no such file;
		// they reclaim when memory.high is set.
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
}

// set writes to a file of the kernel and blocks until the kernel is done. Package os opens
// files in non-blocking mode if it can: the kernel would then set a limit and reclaim
// nothing, and os would wait forever on EAGAIN, which is a result here.
func set(dir, name, value string) error {
	path := filepath.Join(dir, name)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	defer unix.Close(fd)
	for {
		_, err = unix.Write(fd, []byte(value))
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("writing %s to %s: %w", value, path, err)
	}
	return nil
}
