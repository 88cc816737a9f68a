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

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/host"
)

// machineControllers are the controllers that a machine gets, if the host has them.
var machineControllers = []string{"cpuset", "cpu", "io", "memory", "pids"}

// A group of version 2 has only the controllers that the group above hands down. What
// stratbench makes the hierarchy's root hand down is recorded on stratbench's own group
// there, and reverted when the last machine is gone.
const lentName = "user.stratbench.lent"

// aside is the group to which the processes in the root of a container are moved, because a
// group that hands memory down must not contain processes. Docker in Docker does the same.
const aside = "stratbench-aside"

// makeGroups makes, in one hierarchy, stratbench's group and the machine's group below it.
// The lock prevents another run, whose last machine ends, from removing stratbench's group
// meanwhile.
func (t *Tree) makeGroups(mount, id string) error {
	lock, err := host.Lock(context.Background(), mount)
	if err != nil {
		return err
	}
	defer lock.Close()
	top := filepath.Join(mount, parent)
	for _, dir := range []string{top, filepath.Join(top, id)} {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if t.Version() == 2 {
			continue
		}
		if err := inherit(filepath.Dir(dir), dir); err != nil {
			return err
		}
	}
	if t.Version() == 1 {
		return nil
	}
	if err := lend(mount, top); err != nil {
		return err
	}
	return handDown(top)
}

// lend hands controllers down from the root of the hierarchy that this process sees. It
// records them first, so that a killed run loses nothing.
func lend(root, top string) error {
	missing, err := notHandedDown(root)
	if err != nil || len(missing) == 0 {
		return err
	}
	all := slices.Concat(lentBy(top), missing)
	slices.Sort(all)
	if err := unix.Setxattr(top, lentName, []byte(strings.Join(slices.Compact(all), " ")), 0); err != nil {
		return fmt.Errorf("recording on %s which controllers are handed down for it: %w", top, err)
	}
	err = handDown(root)
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	// Only the root of all groups may both contain processes and hand controllers down, so
	// this is the root of a container.
	if err := moveProcesses(root, filepath.Join(root, aside)); err != nil {
		return fmt.Errorf("making room in %s, whose own processes prevent it from handing controllers down: %w", root, err)
	}
	return handDown(root)
}

func lentBy(top string) []string {
	value := make([]byte, 256)
	n, err := unix.Getxattr(top, lentName, value)
	if err != nil {
		return nil
	}
	return strings.Fields(string(value[:n]))
}

// handDown gives the groups below dir all controllers that machines get. It is a single
// write, of which the kernel does all or nothing: the kernel would accept cpu alone if
// processes are in dir, and make dir a threaded domain, in which memory can no longer be
// limited.
func handDown(dir string) error {
	missing, err := notHandedDown(dir)
	if err != nil || len(missing) == 0 {
		return err
	}
	return write(dir, "cgroup.subtree_control", "+"+strings.Join(missing, " +"))
}

func notHandedDown(dir string) (missing []string, err error) {
	has, err := words(dir, "cgroup.controllers")
	if err != nil {
		return nil, err
	}
	down, err := words(dir, "cgroup.subtree_control")
	for _, c := range machineControllers {
		if slices.Contains(has, c) && !slices.Contains(down, c) {
			missing = append(missing, c)
		}
	}
	return missing, err
}

func words(dir, name string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	return strings.Fields(string(b)), err
}

// moveProcesses moves all processes in one group to another, which it makes.
func moveProcesses(from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	const rounds = 100 // processes may start others while they are moved
	for range rounds {
		pids := readPids(filepath.Join(from, "cgroup.procs"))
		if len(pids) == 0 {
			return hidden(from)
		}
		for _, pid := range pids {
			err := write(to, "cgroup.procs", strconv.Itoa(pid))
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("moving process %d to %s: %w", pid, to, err)
			}
		}
	}
	return fmt.Errorf("moving the processes of %s to %s: new ones keep starting; end what starts them, or run stratbench in a container of its own", from, to)
}

// hidden returns an error if a group contains processes of an outer pid namespace. The
// kernel lists them as 0, and they cannot be moved from here.
func hidden(dir string) error {
	pids, err := words(dir, "cgroup.procs")
	if err == nil && slices.Contains(pids, "0") {
		return fmt.Errorf("%s contains processes that cannot be seen from this pid namespace, and so cannot be moved: start stratbench in a container in which nothing else runs, or outside of containers", dir)
	}
	return err
}

// removeTop removes stratbench's own group and reverts what lend did, unless other machines
// are in the group. The kernel does not revoke a controller that others hand further down by
// now.
func (t *Tree) removeTop(mount string) error {
	lock, err := host.Lock(context.Background(), mount)
	if err != nil {
		return err
	}
	defer lock.Close()
	top := filepath.Join(mount, parent)
	lent := lentBy(top)
	if err := os.Remove(top); err != nil {
		return nil // it contains other machines, or does not exist
	}
	for _, c := range lent {
		_ = write(mount, "cgroup.subtree_control", "-"+c)
	}
	if _, err := os.Stat(filepath.Join(mount, aside)); len(lent) == 0 || err != nil {
		return nil
	}
	// While others still need the controllers, the processes stay where they are.
	if moveProcesses(filepath.Join(mount, aside), mount) == nil {
		return removeTree(context.Background(), filepath.Join(mount, aside))
	}
	return nil
}
