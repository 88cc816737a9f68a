package isolated

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

func TestMain(m *testing.M) {
	Main()
	if address := os.Getenv("ISOLATED_TEST_DIAL"); address != "" {
		playClient(address)
	}
	if address := os.Getenv("ISOLATED_TEST_FETCH"); address != "" {
		playFetcher(address)
	}
	if path := os.Getenv("ISOLATED_TEST_RUNNER"); path != "" {
		playRunner(path)
	}
	dir, err := os.MkdirTemp("", "stratbench-isolated-")
	if err != nil {
		panic(err)
	}
	sharedStore = filepath.Join(dir, "store")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// sharedStore is one store for all tests, which open it one after the other: an engine's
// root takes longer to unpack than most tests run.
var sharedStore string

// playClient, inside a machine, reads from an address outside.
func playClient(address string) {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_, err = io.Copy(os.Stdout, conn)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// playRunner starts a machine in this process, to be killed.
func playRunner(path string) {
	ctx := context.Background()
	s, err := store.Open(ctx, path, 16<<30)
	if err == nil {
		var m *Machine
		m, err = Start(ctx, Config{Store: s, From: store.Root("test"), Runtime: trial.Docker, Memory: 1 << 30, Log: path + ".log", WayOut: &WayOut{}})
		if err == nil {
			fmt.Println(m.id, m.init.Process.Pid, m.leader.Process.Pid)
			select {}
		}
	}
	fmt.Println("error", err)
	os.Exit(1)
}

// engineRoot finds the engine root that package lab made on this host.
func engineRoot(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	found, err := filepath.Glob(filepath.Join(cache, "stratbench/lab/engine-trixie-*/root.tar"))
	must(t, err)
	switch {
	case os.Getuid() == 0 && len(found) > 0:
		return found[len(found)-1]
	case os.Getenv("CI") == "true":
		t.Fatal("where CI=true, this test must run as root, with an engine root of package lab")
	}
	t.Skip("a machine needs root and an engine root of package lab")
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openStore opens a store with the engine root in it.
func openStore(t *testing.T) *store.Store {
	t.Helper()
	archive, err := os.Open(engineRoot(t))
	must(t, err)
	defer archive.Close()
	s, err := store.Open(t.Context(), sharedStore, 16<<30)
	must(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	must(t, s.ImportRoot(t.Context(), "test", archive))
	return s
}

func start(t *testing.T, s *store.Store, runtime trial.Runtime, memory trial.Bytes) *Machine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	began := time.Now()
	m, err := Start(ctx, Config{
		Store: s, From: store.Root("test"), Runtime: runtime, Memory: memory,
		Log: filepath.Join(t.TempDir(), "engine.log"),
	})
	must(t, err)
	t.Logf("%s answers after %v", runtime, time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the engine's log:\n%s", m.lastWords())
		}
		m.Close(context.Background())
	})
	return m
}

// output runs a program in the machine.
func output(t *testing.T, m *Machine, stdin []byte, argv ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &out
	if err := m.Start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

func engines(t *testing.T, test func(t *testing.T, s *store.Store, runtime trial.Runtime)) {
	s := openStore(t)
	for _, r := range trial.Runtimes() {
		t.Run(string(r), func(t *testing.T) { test(t, s, r) })
	}
}

func TestContainersRunInAMachine(t *testing.T) {
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		m := start(t, s, r, 3<<30)
		loadTools(t, m, r)
		out, err := output(t, m, nil, string(r), "run", "--rm", "tools", "/bin/sh", "-c", "echo from a container")
		if err != nil || out != "from a container\n" {
			t.Errorf("got %q, %v", out, err)
		}
		began := time.Now()
		must(t, m.Close(t.Context()))
		t.Logf("closed after %v", time.Since(began).Round(time.Millisecond))
	})
}

// loadTools makes the image tools of a few programs of the machine's root.
func loadTools(t *testing.T, m *Machine, r trial.Runtime) {
	t.Helper()
	tar, err := output(t, m, nil, "tar", "-C", "/", "-c", "bin", "lib", "lib64",
		"usr/bin/sh", "usr/bin/dash", "usr/bin/cat", "usr/bin/sleep", "usr/bin/dd",
		"usr/lib64", "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
	must(t, err)
	if out, err := output(t, m, []byte(tar), string(r), "import", "-", "tools"); err != nil {
		t.Fatalf("importing an image: %v: %s", err, out)
	}
}

func TestLimitHolds(t *testing.T) {
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		const limit = 256 << 20
		m := start(t, s, r, limit)
		loadTools(t, m, r)
		// One read into one large buffer: if the program filled its memory slowly, it would
		// be paged in again and again, and killed only after minutes.
		out, err := output(t, m, nil, string(r), "run", "--rm", "tools", "dd", "if=/dev/zero", "of=/dev/null", "bs=1G", "count=1")
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("a container that needs 1 GiB under 256 MiB: %v: %s", err, out)
		}
		// The client is under the limit too, and may fail before its container does.
		ofDD := func(k OOMKill) bool { return k.Name == "dd" && k.Group != "" }
		for end := time.Now().Add(time.Minute); !slices.ContainsFunc(m.OOMKills(), ofDD) && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
		}
		sample, err := m.Sample()
		must(t, err)
		if sample.OOMKills == 0 || sample.Memory > limit || sample.Memory == 0 || sample.CPU == 0 || !sample.Pressure.Known {
			t.Errorf("sample after it ended with %v: %s: %+v", exit, out, sample)
		}
		kills := m.OOMKills()
		if !slices.ContainsFunc(kills, ofDD) {
			t.Errorf("the kernel killed %+v, want dd in a container", kills)
		}
		if slices.ContainsFunc(kills, func(k OOMKill) bool { return k.PID == m.init.Process.Pid }) {
			t.Errorf("the kernel killed the machine's init: %+v", kills)
		}
		t.Logf("%+v %+v", kills, sample)
	})
}

func TestWorkersRunOutsideTheLimit(t *testing.T) {
	s := openStore(t)
	m := start(t, s, trial.Podman, 512<<20)
	out, err := output(t, m, nil, "cat", "/proc/self/cgroup", "/etc/hostname")
	must(t, err)
	// On version 1 a worker counts in the machine's pressure, which belongs to version 2, and
	// in no group with a limit.
	version1 := strings.Contains(out, ":memory:")
	for line := range strings.Lines(out) {
		if strings.Contains(line, m.group.Path()) && !(version1 && strings.HasPrefix(line, "0::")) {
			t.Errorf("a worker finds itself in %s", line)
		}
	}
	if !strings.Contains(out, hostname) {
		t.Errorf("a worker's host name is not %s:\n%s", hostname, out)
	}
	if out, err := output(t, m, nil, m.Self(), "-test.list", "^TestLimitHolds$"); err != nil || !strings.Contains(out, "TestLimitHolds") {
		t.Errorf("this program inside: %v: %s", err, out)
	}
	if _, err := output(t, m, nil, "no-such-program"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
	pids, err := m.Processes()
	must(t, err)
	if len(pids) < 2 {
		t.Errorf("processes: %+v", pids)
	}
}

func TestMachinesReachTheRunnerAndNobodyElse(t *testing.T) {
	s := openStore(t)
	m := start(t, s, trial.Podman, 0)
	l, err := net.Listen("tcp", net.JoinHostPort(m.RegistryHost(), "0"))
	must(t, err)
	defer l.Close()
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			conn.Write([]byte("from the runner"))
			conn.Close()
		}
	}()
	if out, err := output(t, m, nil, "env", "ISOLATED_TEST_DIAL="+l.Addr().String(), m.Self()); err != nil || out != "from the runner" {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := output(t, m, nil, "env", "ISOLATED_TEST_DIAL=192.0.2.77:80", m.Self()); err == nil || !strings.Contains(out, "network is unreachable") {
		t.Errorf("dialling elsewhere: %q, %v", out, err)
	}
}

func TestBindsAreThereAndReadOnly(t *testing.T) {
	s := openStore(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("of the host"), 0o644))
	m, err := Start(t.Context(), Config{
		Store: s, From: store.Root("test"), Runtime: trial.Podman,
		Log: filepath.Join(t.TempDir(), "log"), Binds: []string{dir},
	})
	must(t, err)
	defer m.Close(context.Background())
	if out, err := output(t, m, nil, "cat", filepath.Join(dir, "file")); err != nil || out != "of the host" {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := output(t, m, nil, "touch", filepath.Join(dir, "file")); err == nil || !strings.Contains(out, "Read-only") {
		t.Errorf("writing to it: %q, %v", out, err)
	}
}

func TestMachineThatCannotStartLeavesNothing(t *testing.T) {
	s := openStore(t)
	_, err := Start(t.Context(), Config{
		Store: s, From: store.Root("test"), Runtime: trial.Podman,
		Log: filepath.Join(t.TempDir(), "log"), Binds: []string{"/no/such/path"},
	})
	if err == nil || !strings.Contains(err.Error(), "/no/such/path") {
		t.Fatalf("got %v", err)
	}
	id := fmt.Sprintf("%s-%d", ownPrefix(t), machines.Load())
	if left := (trace{id: id}).left(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// ownPrefix begins the ids of this process's machines.
func ownPrefix(t *testing.T) string {
	t.Helper()
	began, err := host.Began(os.Getpid())
	must(t, err)
	return fmt.Sprintf("%d-%s", os.Getpid(), began)
}

func TestKilledEngineIsReportedWithItsSignal(t *testing.T) {
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		m := start(t, s, r, 1<<30)
		process, err := os.FindProcess(m.EnginePID())
		must(t, err)
		must(t, process.Kill())
		select {
		case <-m.EngineExited():
		case <-time.After(5 * time.Second):
			t.Fatal("it is not reported")
		}
		if want := (trial.Exit{Cause: trial.CauseSIGKILL, Text: "signal: killed"}); m.Exit() != want {
			t.Errorf("it ended with %+v", m.Exit())
		}
	})
}

func TestWorkersDieWithTheMachine(t *testing.T) {
	s := openStore(t)
	m := start(t, s, trial.Podman, 1<<30)
	worker := exec.Command("sleep", "1000")
	must(t, m.Start(worker))
	ended := make(chan error)
	go func() { ended <- worker.Wait() }()
	must(t, m.Close(t.Context()))
	if err := <-ended; err == nil || err.Error() != "signal: killed" {
		t.Errorf("the worker ended with %v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		m := start(t, s, r, 1<<30)
		trace := traceOf(t, m.id, m.init.Process.Pid)
		loadTools(t, m, r)
		out, err := output(t, m, nil, string(r), "run", "-d", "tools", "/bin/sleep", "1000")
		if err != nil {
			t.Fatal(err, out)
		}
		if seen := trace.left(t, s); len(seen) < 4 {
			t.Fatalf("of a running machine only %v is seen: this test sees too little", seen)
		}
		must(t, m.Close(t.Context()))
		if left := trace.left(t, s); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestKilledRunnerLeavesNothingThatASweepDoesNotFind(t *testing.T) {
	s := openStore(t)
	must(t, s.Close(t.Context()))
	runner := exec.Command("/proc/self/exe")
	runner.Env = append(os.Environ(), "ISOLATED_TEST_RUNNER="+sharedStore)
	out, err := runner.StdoutPipe()
	must(t, err)
	must(t, runner.Start())
	var id string
	var init, leader int
	if _, err := fmt.Fscan(out, &id, &init, &leader); err != nil {
		t.Fatal(err)
	}
	trace := traceOf(t, id, init)
	program := fmt.Sprintf("/proc/%d/exe", leader)
	if _, err := os.Readlink(program); err != nil {
		t.Errorf("its way out: %v", err)
	}
	must(t, runner.Process.Kill())
	runner.Wait()

	s, err = store.Open(t.Context(), sharedStore, 16<<30)
	must(t, err)
	if !s.Has(store.Live(id)) {
		t.Error("the killed run left no copy of its root: this test tests nothing")
	}
	swept, err := Sweep(t.Context(), s)
	must(t, err)
	t.Logf("swept %v", swept)
	// The process that adopts the runner's orphans may take a moment to reap them.
	left := trace.left(t, s)
	for range 100 {
		if len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
		left = trace.left(t, s)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Readlink(program); err == nil {
		t.Error("its way out lives on")
	}
	must(t, s.Close(t.Context()))
	loops, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	must(t, err)
	for _, l := range loops {
		if b, _ := os.ReadFile(l); strings.TrimSpace(string(b)) == sharedStore {
			t.Errorf("%s still holds the store", l)
		}
	}
}

func TestGoldenStateHoldsWhatWasLoaded(t *testing.T) {
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		key := "golden-" + string(r)
		defer s.Delete(store.Golden(key))
		c := Config{Store: s, From: store.Root("test"), Runtime: r, Log: filepath.Join(t.TempDir(), "golden.log")}
		if err := MakeGolden(t.Context(), c, key, func(context.Context, *Machine) error { return os.ErrInvalid }); !errors.Is(err, os.ErrInvalid) {
			t.Fatalf("with a failing fill: %v", err)
		}
		if s.Has(store.Golden(key)) {
			t.Fatal("a failed one is kept")
		}
		must(t, MakeGolden(t.Context(), c, key, func(_ context.Context, m *Machine) error { loadTools(t, m, r); return nil }))
		for range 2 {
			began := time.Now()
			m, err := Start(t.Context(), Config{Store: s, From: store.Golden(key), Runtime: r, Memory: 3 << 30, Log: c.Log})
			must(t, err)
			started := time.Since(began)
			out, err := output(t, m, nil, string(r), "run", "--rm", "tools", "/bin/sh", "-c", "echo golden; echo >/spoilt")
			if err != nil || out != "golden\n" {
				t.Errorf("got %q, %v", out, err)
			}
			sample, err := m.Sample()
			must(t, err)
			began = time.Now()
			must(t, m.Close(t.Context()))
			t.Logf("start %v, close %v, %+v", started.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), sample)
		}
	})
}

func TestChecksPassWhereMachinesRun(t *testing.T) {
	engineRoot(t)
	checks := Checks()
	for _, c := range checks {
		t.Logf("%+v", c)
	}
	if missing := checks.Missing(); len(missing) > 0 {
		t.Errorf("missing: %+v", missing)
	}
}

func TestSweepSparesTheLiving(t *testing.T) {
	s := openStore(t)
	m := start(t, s, trial.Podman, 0)
	_, err := sweepGroups(t.Context())
	must(t, err)
	if _, err := output(t, m, nil, "podman", "info"); err != nil {
		t.Errorf("after a sweep, the engine does not answer: %v", err)
	}
}

// trace is what can be looked for after a machine is gone.
type trace struct{ id, namespace string }

func traceOf(t *testing.T, id string, init int) trace {
	t.Helper()
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", init))
	must(t, err)
	return trace{id, namespace}
}

// left lists what the machine has left on the host.
func (tr trace) left(t *testing.T, s *store.Store) (left []string) {
	t.Helper()
	tree, err := cgroup.Find("/proc/self")
	must(t, err)
	ids, err := tree.IDs()
	must(t, err)
	if slices.Contains(ids, tr.id) {
		left = append(left, "control group")
	}
	if _, err := net.InterfaceByName(linkName(tr.id)); err == nil {
		left = append(left, "network link")
	}
	if s.Has(store.Live(tr.id)) {
		left = append(left, "root")
	}
	mounts, err := os.ReadFile("/proc/mounts")
	must(t, err)
	if strings.Contains(string(mounts), "subvol=/live/"+tr.id) {
		left = append(left, "mount")
	}
	namespaces, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	must(t, err)
	for _, n := range namespaces {
		l, _ := os.Readlink(n)
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(n), "../status"))
		// Only its parent can wait for a process that has ended.
		if l != "" && l == tr.namespace && !strings.Contains(string(status), "State:\tZ") {
			left = append(left, "process "+n)
		}
	}
	return left
}
