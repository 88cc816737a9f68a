// Package cgroup gives a machine a control group of its own, which limits its engine and
// counts what it uses. It works with both versions. On version 1, a version 2 group beside
// the others counts the pressure.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// parent is the group that contains all of stratbench's groups.
const parent = "stratbench"

// Tree is where the host's control groups are mounted.
type Tree struct {
	// V1 are the mounts of version 1 with their options, such as "memory" or
	// "cpu,cpuacct" or "name=systemd".
	V1 []Hierarchy
	// Unified is the mount of version 2, beside V1 or alone; it may be empty.
	Unified string
}

// Hierarchy is one mount of version 1.
type Hierarchy struct {
	Controllers string
	Mount       string
}

// Find reads from proc, normally /proc/self, where the groups are mounted.
func Find(proc string) (*Tree, error) {
	b, err := os.ReadFile(filepath.Join(proc, "mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("finding the control groups: %w", err)
	}
	t := &Tree{}
	// 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
	for line := range strings.Lines(string(b)) {
		mount, super, found := strings.Cut(line, " - ")
		where, what := strings.Fields(mount), strings.Fields(super)
		switch {
		case !found || len(where) < 5 || len(what) < 3:
		case what[0] == "cgroup2":
			t.Unified = where[4]
		case what[0] == "cgroup":
			t.V1 = append(t.V1, Hierarchy{controllers(what[2]), where[4]})
		}
	}
	if t.Version() == 0 {
		return nil, errors.New("finding the control groups: no hierarchy with a memory controller is mounted below /sys/fs/cgroup; mount one, or use --machine host")
	}
	return t, nil
}

// controllers removes from mount options what is not a controller.
func controllers(options string) string {
	words := strings.Split(options, ",")
	words = slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{"rw", "ro", "xattr", "clone_children"}, w) || strings.HasPrefix(w, "release_agent=")
	})
	return strings.Join(words, ",")
}

// Version is the version of the hierarchy with the memory controller, or 0 without one.
func (t *Tree) Version() int {
	if t.mountOf("memory") != "" {
		return 1
	}
	if t.Unified != "" {
		return 2
	}
	return 0
}

// mountOf returns the mount of a controller's version 1 hierarchy, or nothing.
func (t *Tree) mountOf(controller string) string {
	for _, h := range t.V1 {
		if slices.Contains(strings.Split(h.Controllers, ","), controller) {
			return h.Mount
		}
	}
	return ""
}

func (t *Tree) mounts() []string {
	var mounts []string
	for _, h := range t.V1 {
		mounts = append(mounts, h.Mount)
	}
	if t.Unified != "" {
		mounts = append(mounts, t.Unified)
	}
	return mounts
}

// IDs lists the ids of all groups of stratbench's that exist.
func (t *Tree) IDs() ([]string, error) {
	var ids []string
	for _, m := range t.mounts() {
		entries, err := os.ReadDir(filepath.Join(m, parent))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("listing control groups: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() {
				ids = append(ids, e.Name())
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Limits returns why the host cannot limit a group's memory, or nil if it can.
func (t *Tree) Limits() error {
	if t.Version() == 1 {
		_, err := os.Stat(filepath.Join(t.mountOf("memory"), "memory.limit_in_bytes"))
		return err
	}
	has, err := words(t.Unified, "cgroup.controllers")
	if err != nil {
		return err
	}
	if !slices.Contains(has, "memory") {
		return fmt.Errorf("%s has the controllers %s and not memory", t.Unified, strings.Join(has, " "))
	}
	// The root of all groups has no type; the root of a container has one.
	if b, err := os.ReadFile(filepath.Join(t.Unified, "cgroup.type")); err == nil && strings.TrimSpace(string(b)) != "domain" {
		return fmt.Errorf("%s is a group of the type %q, in which memory cannot be limited: something handed down cpu alone while processes were in it; end this container and start another", t.Unified, strings.TrimSpace(string(b)))
	}
	if err := unix.Access(filepath.Join(t.Unified, "cgroup.subtree_control"), unix.W_OK); err != nil {
		return fmt.Errorf("no groups can be made in %s: %w; in a container, make it privileged", t.Unified, err)
	}
	if missing, err := notHandedDown(t.Unified); err != nil || len(missing) == 0 || !t.inContainer() {
		return err
	}
	return hidden(t.Unified)
}

// inContainer reports whether the mounted root is not the root of all groups, which is the
// only one without a type.
func (t *Tree) inContainer() bool {
	_, err := os.Stat(filepath.Join(t.Unified, "cgroup.type"))
	return err == nil
}

// InTheWay counts the processes that are moved to a group of their own while there are
// machines: those in the root of a container that does not hand its controllers down yet.
func (t *Tree) InTheWay() int {
	if t.Version() == 1 || !t.inContainer() {
		return 0
	}
	if missing, err := notHandedDown(t.Unified); err != nil || len(missing) == 0 {
		return 0
	}
	return len(readPids(filepath.Join(t.Unified, "cgroup.procs")))
}
