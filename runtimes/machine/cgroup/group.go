package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Group is the control group of one machine, in all of the host's hierarchies.
type Group struct {
	tree *Tree
	id   string
	lost lostKills
}

// Open returns the group with this id, whether it exists or not.
func (t *Tree) Open(id string) *Group { return &Group{tree: t, id: id} }

// Create makes the group with this id, limited to memory and to the time of cpus
// processors, unless these are 0. If it fails, Remove removes what it has made.
func (t *Tree) Create(id string, memory trial.Bytes, cpus float64) (*Group, error) {
	g := t.Open(id)
	for _, m := range t.mounts() {
		if err := t.makeGroups(m, id); err != nil {
			return g, fmt.Errorf("making the control group %s: %w", g.in(m), err)
		}
	}
	if memory > 0 {
		if err := g.limit(memory); err != nil {
			return g, fmt.Errorf("limiting the control group %s to %s: %w", id, memory, err)
		}
	}
	if cpus > 0 {
		if err := g.limitCPUs(cpus); err != nil {
			return g, fmt.Errorf("limiting the control group %s to %g processors: %w", id, cpus, err)
		}
	}
	return g, nil
}

// inherit copies processors and memory nodes to a new cpuset of version 1, which has none:
// no process could join it.
func inherit(above, dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		b, err := os.ReadFile(filepath.Join(above, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		own, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(own)) != "" || strings.TrimSpace(string(b)) == "" {
			continue
		}
		if err := write(dir, name, string(b)); err != nil {
			return err
		}
	}
	return nil
}

// limit limits memory, and memory with swap to the same, so that nothing is swapped out
// instead.
func (g *Group) limit(memory trial.Bytes) error {
	n := strconv.FormatInt(int64(memory), 10)
	limit, swap, swapped := "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", n
	if g.tree.Version() == 2 {
		limit, swap, swapped = "memory.max", "memory.swap.max", "0"
	}
	if err := write(g.of("memory"), limit, n); err != nil {
		return err
	}
	err := write(g.of("memory"), swap, swapped)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the kernel does not count swap
	}
	return err
}

// limitCPUs limits processor time. Programs still see all processors.
func (g *Group) limitCPUs(cpus float64) error {
	const period = 100_000 // microseconds, the kernel's default
	quota := strconv.Itoa(int(cpus * period))
	if g.tree.Version() == 2 {
		return write(g.of("cpu"), "cpu.max", fmt.Sprintf("%s %d", quota, period))
	}
	if err := write(g.of("cpu"), "cpu.cfs_period_us", strconv.Itoa(period)); err != nil {
		return err
	}
	return write(g.of("cpu"), "cpu.cfs_quota_us", quota)
}

func write(dir, name, value string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(value), 0)
}

func (g *Group) in(mount string) string { return filepath.Join(mount, parent, g.id) }

// Path is the group's path in every hierarchy: "/stratbench/…".
func (g *Group) Path() string { return "/" + parent + "/" + g.id }

func (g *Group) dirs() []string {
	dirs := g.tree.mounts()
	for i, m := range dirs {
		dirs[i] = g.in(m)
	}
	return dirs
}

// of is the group's folder in a controller's hierarchy.
func (g *Group) of(controller string) string {
	if g.tree.Version() == 2 {
		return g.in(g.tree.Unified)
	}
	return g.in(g.tree.mountOf(controller))
}

// Join moves the calling process into the group.
func (g *Group) Join() error {
	for _, dir := range g.dirs() {
		if err := write(dir, "cgroup.procs", "0"); err != nil {
			return fmt.Errorf("joining the control group %s: %w", dir, err)
		}
	}
	return nil
}

// AddToPressure makes the kernel count a process, and those that it starts from now on, in
// the group's pressure and nothing else. That is possible only on version 1: version 2 has a
// single hierarchy, and the process stays outside.
func (g *Group) AddToPressure(pid int) error {
	if g.tree.Version() == 2 || g.tree.Unified == "" {
		return nil
	}
	dir := g.in(g.tree.Unified)
	if err := write(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
		return fmt.Errorf("adding process %d to the pressure of %s: %w", pid, dir, err)
	}
	return nil
}

// InitGroup is the name of the group that MakeRoom makes below a machine's.
const InitGroup = "init"

// MakeRoom moves the calling process one level down on version 2, where a group with
// processes cannot hand controllers down. The engine then makes its containers' groups
// beside this process.
func (g *Group) MakeRoom() error {
	if g.tree.Version() == 1 {
		return nil
	}
	dir := g.in(g.tree.Unified)
	leaf := filepath.Join(dir, InitGroup)
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return fmt.Errorf("making the control group of the engine: %w", err)
	}
	if err := write(leaf, "cgroup.procs", "0"); err != nil {
		return fmt.Errorf("joining the control group of the engine: %w", err)
	}
	return handDown(dir)
}

// Pids lists the processes in the group and below, with the numbers that this process sees.
func (g *Group) Pids() ([]int, error) {
	var pids []int
	for _, dir := range g.dirs() {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && d.Name() == "cgroup.procs" {
				pids = append(pids, readPids(path)...)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing the processes of the control group %s: %w", dir, err)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// readPids treats a group that has just been removed as empty.
func readPids(path string) (pids []int) {
	b, _ := os.ReadFile(path)
	for _, w := range strings.Fields(string(b)) {
		if n, err := strconv.Atoi(w); err == nil && n > 0 {
			pids = append(pids, n)
		}
	}
	return pids
}

// Thaw lets the processes of frozen containers go on, so that they can end: on version 1 a
// frozen process does not even end when it is killed, and an engine that dies may leave a
// container frozen.
func (g *Group) Thaw() error {
	for _, h := range g.tree.V1 {
		if h.Controllers != "freezer" {
			continue
		}
		err := filepath.WalkDir(g.in(h.Mount), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "freezer.state" {
				err = os.WriteFile(path, []byte("THAWED"), 0)
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
				return nil // it has just ended, or was removed here before its run was killed
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("thawing the control group %s: %w", g.in(h.Mount), err)
		}
	}
	return nil
}

// Remove removes the group and everything below. Until ctx ends, it waits for processes that
// are about to end.
func (g *Group) Remove(ctx context.Context) error {
	for _, mount := range g.tree.mounts() {
		if err := removeTree(ctx, g.in(mount)); err != nil {
			pids, _ := g.Pids()
			return fmt.Errorf("removing the control group %s, which contains the processes %v: %w", g.in(mount), pids, err)
		}
		if err := g.tree.removeTop(mount); err != nil {
			return fmt.Errorf("removing the control group %s: %w", filepath.Join(mount, parent), err)
		}
	}
	return nil
}

func removeTree(ctx context.Context, dir string) error {
	for {
		err := removeOnce(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func removeOnce(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeOnce(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return os.Remove(dir)
}
