package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	switch os.Getenv("CGROUP_TEST_PLAYS") {
	case "container":
		playContainer(true)
	case "crowded container":
		playContainer(false)
	case "holder":
		playHolder()
	}
	os.Exit(m.Run())
}

// here finds the host's control groups. The test makes real groups in them.
func here(t *testing.T) *Tree {
	t.Helper()
	if testing.Short() {
		t.Skip("real control groups: not in -short")
	}
	tree, err := Find("/proc/self")
	switch {
	case os.Getuid() == 0 && err == nil:
		return tree
	case os.Getenv("CI") == "true":
		t.Fatal("where CI=true, this test must run as root, with a memory controller:", err)
	}
	t.Skip("control groups need root and a memory controller:", err)
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testID() string { return fmt.Sprintf("%d-test-%d", os.Getpid(), time.Now().UnixNano()) }

// handedDown is what the roots of all hierarchies of version 2 hand down.
func handedDown(tree *Tree) string {
	var all []string
	for _, m := range tree.mounts() {
		down, _ := words(m, "cgroup.subtree_control")
		slices.Sort(down)
		all = append(all, m+": "+strings.Join(down, " "))
	}
	return strings.Join(all, "\n")
}

func TestWhatWasLentIsGivenBack(t *testing.T) {
	tree := here(t)
	before := handedDown(tree)
	var groups []*Group
	for range 2 {
		g, err := tree.Create(testID(), 64<<20, 0.5)
		t.Cleanup(func() { g.Remove(context.Background()) })
		must(t, err)
		groups = append(groups, g)
	}
	for _, controller := range []string{"memory", "cpu", "pids"} {
		if tree.Version() == 1 {
			break
		}
		if has, err := words(groups[0].of(controller), "cgroup.controllers"); err != nil || !slices.Contains(has, controller) {
			t.Errorf("a machine has no controller %s: %v, %v", controller, has, err)
		}
	}
	must(t, groups[0].Remove(t.Context()))
	if has, err := tree.IDs(); err != nil || slices.Contains(has, groups[0].id) || !slices.Contains(has, groups[1].id) {
		t.Errorf("with one removed, there are %v, %v", has, err)
	}
	if n, err := readNumber(groups[1].of("memory"), map[int]string{1: "memory.limit_in_bytes", 2: "memory.max"}[tree.Version()]); err != nil || n != 64<<20 {
		t.Errorf("the other's limit is %s, %v", n, err)
	}
	must(t, groups[1].Remove(t.Context()))
	ids, err := tree.IDs()
	must(t, err)
	if after := handedDown(tree); after != before && len(ids) == 0 {
		t.Errorf("handed down before:\n%s\nafter:\n%s", before, after)
	}
}

// playHolder holds the requested memory until its input ends.
func playHolder() {
	size, err := strconv.Atoi(os.Getenv("CGROUP_TEST_HOLDS"))
	if err != nil {
		os.Exit(1)
	}
	held := make([]byte, size)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	fmt.Println("holding")
	io.Copy(io.Discard, os.Stdin)
	fmt.Println("held", held[size-1])
	os.Exit(0)
}

// holder starts a process that holds memory in the group.
func holder(t *testing.T, g *Group, memory trial.Bytes) (alive func() bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "CGROUP_TEST_PLAYS=holder", fmt.Sprintf("CGROUP_TEST_HOLDS=%d", memory))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, startIn(g, cmd))
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	said := make([]byte, len("holding\n"))
	if _, err := io.ReadFull(out, said); err != nil {
		t.Fatalf("the process that should hold %s: %v", memory, err)
	}
	return func() bool { return cmd.Process.Signal(syscall.Signal(0)) == nil && !zombie(cmd.Process.Pid) }
}

// startIn starts a command that joins the group before it does anything.
func startIn(g *Group, cmd *exec.Cmd) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd.Path = "/bin/sh"
	cmd.Args = []string{"sh", "-c", `self=$1; shift; for f; do echo 0 >"$f" || exit 1; done; exec "$self"`, "sh", self}
	for _, dir := range g.dirs() {
		cmd.Args = append(cmd.Args, filepath.Join(dir, "cgroup.procs"))
	}
	return cmd.Start()
}

func zombie(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Contains(string(b), "State:\tZ")
}

func TestASqueezeRefusesAndNeverKills(t *testing.T) {
	tree := here(t)
	g, err := tree.Create(testID(), 512<<20, 0)
	t.Cleanup(func() { g.Remove(context.Background()) })
	must(t, err)
	const holds = 24 << 20
	alive := holder(t, g, holds)

	began := time.Now()
	defer func() { t.Logf("both squeezes took %s", time.Since(began)) }()
	if err := g.Squeeze(holds / 2); !errors.Is(err, unix.EBUSY) {
		t.Errorf("to half of what is in use: %v, want EBUSY", err)
	}
	limit := map[int]string{1: "memory.limit_in_bytes", 2: "memory.max"}[tree.Version()]
	if n, err := readNumber(g.of("memory"), limit); err != nil || n != 512<<20 {
		t.Errorf("after a refusal the limit is %s, %v", n, err)
	}
	if !alive() {
		t.Fatal("the refused squeeze killed the process")
	}
	if tree.Version() == 2 {
		if b, err := os.ReadFile(filepath.Join(g.of("memory"), "memory.high")); err != nil || string(b) != "max\n" {
			t.Errorf("after a refusal memory.high is %q, %v", b, err)
		}
	}

	must(t, g.Squeeze(holds+32<<20))
	if n, err := readNumber(g.of("memory"), limit); err != nil || n != holds+32<<20 {
		t.Errorf("squeezed, the limit is %s, %v", n, err)
	}
	if s, err := g.Sample(); err != nil || s.OOMKills != 0 || !alive() {
		t.Errorf("squeezed to what is in use and more: alive %v, %+v, %v", alive(), s, err)
	}
}

// A container that was frozen when its engine died ends, once it is thawed.
func TestAFrozenProcessEnds(t *testing.T) {
	tree := here(t)
	g, err := tree.Create(testID(), 512<<20, 0)
	t.Cleanup(func() { g.Remove(context.Background()) })
	must(t, err)
	cmd := exec.Command("sleep", "600")
	must(t, cmd.Start())
	file, value := "freezer.state", "FROZEN"
	mount := tree.Unified
	for _, h := range tree.V1 {
		if h.Controllers == "freezer" {
			mount = h.Mount
		}
	}
	if mount == tree.Unified {
		file, value = "cgroup.freeze", "1"
	}
	dir := filepath.Join(g.in(mount), "container")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, write(dir, "cgroup.procs", strconv.Itoa(cmd.Process.Pid)))
	must(t, write(dir, file, value))
	must(t, cmd.Process.Kill())
	if err := g.Thaw(); err != nil {
		write(dir, file, "THAWED") // or the test would not end either
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		write(dir, file, "THAWED")
		t.Fatal("a process that was frozen does not end")
	}
}

// playContainer plays a process in the root of a container's control groups, which makes
// machines' groups as stratbench does there.
func playContainer(alone bool) {
	err := func() error {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH); err != nil {
			return err
		}
		if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
			return err
		}
		tree, err := Find("/proc/self")
		if err != nil {
			return err
		}
		if err := tree.Limits(); !alone {
			if err == nil || !strings.Contains(err.Error(), "cannot be seen") {
				return fmt.Errorf("beside a process that cannot be seen: %w", err)
			}
			return nil
		} else if err != nil {
			return err
		}
		if n := tree.InTheWay(); n != 1 {
			return fmt.Errorf("%d processes are in the way, want 1", n)
		}
		for range 2 { // the second finds what the first gave back
			g, err := tree.Create("7-a-machine", 64<<20, 0.5)
			if err != nil {
				return err
			}
			if n, err := readNumber(g.of("memory"), "memory.max"); err != nil || n != 64<<20 {
				return fmt.Errorf("the limit is %s, %w", n, err)
			}
			if err := g.Remove(context.Background()); err != nil {
				return err
			}
		}
		kind, err := os.ReadFile("/sys/fs/cgroup/cgroup.type")
		if err != nil || string(kind) != "domain\n" {
			return fmt.Errorf("the container's group is of type %q, %w", kind, err)
		}
		own, err := os.ReadFile("/proc/self/cgroup")
		if err != nil || string(own) != "0::/\n" {
			return fmt.Errorf("afterwards the process is in %q, %w", own, err)
		}
		if down, err := words("/sys/fs/cgroup", "cgroup.subtree_control"); err != nil || len(down) > 0 {
			return fmt.Errorf("still handed down: %v, %w", down, err)
		}
		return nil
	}()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// In a container, the processes themselves are in the root of the groups that stratbench
// sees.
func TestMachinesInAContainer(t *testing.T) {
	tree := here(t)
	if tree.Version() == 1 {
		t.Skip("only version 2 keeps processes and controllers apart: this runs in make vm-test")
	}
	before := handedDown(tree)
	// A group of stratbench's plays the container.
	outer, err := tree.Create(testID(), 0, 0)
	t.Cleanup(func() { outer.Remove(context.Background()) })
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	for plays, namespaces := range map[string]string{
		"container": "--cgroup --mount",
		// unshare itself stays in the group, and outside the pid namespace.
		"crowded container": "--cgroup --mount --pid --fork --mount-proc",
	} {
		cmd := exec.Command("/bin/sh", "-c", `echo 0 >"$1" && exec unshare `+namespaces+` "$2"`, "sh",
			filepath.Join(outer.of("memory"), "cgroup.procs"), self)
		cmd.Env = append(os.Environ(), "CGROUP_TEST_PLAYS="+plays)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", plays, err, out)
		}
	}
	must(t, outer.Remove(t.Context()))
	if after := handedDown(tree); after != before {
		t.Errorf("handed down before:\n%s\nafter:\n%s", before, after)
	}
}
