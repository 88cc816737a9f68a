package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// runnerCommand has the test program be a runner, so that a test can kill one.
const runnerCommand = "runner"

// cleanerCommand has it remove what killed runs left.
const cleanerCommand = "cleaner"

// TestMain lets the test program be a machine's first process, a worker, a runner
// and what stands in for podman, as the real program is.
func TestMain(m *testing.M) {
	isolated.Main()
	kindcluster.Main()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case WorkerCommand:
			exitOn(Work(context.Background(), os.Stdin, os.Stdout))
		case cleanerCommand:
			_, err := Clean(context.Background(), true, func(u Update) { fmt.Fprintln(os.Stderr, u.Note) })
			exitOn(err)
		case runnerCommand:
			signalled, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGHUP)
			defer release()
			ctx, stop := context.WithCancelCause(signalled)
			go func() {
				// The test closes standard input to interrupt.
				bufio.NewReader(os.Stdin).ReadByte()
				stop(errors.New("interrupted"))
			}()
			exitOn(beRunner(ctx, os.Args[2], os.Args[3], os.Args[4], machine.Kind(os.Args[5])))
		}
	}
	os.Exit(m.Run())
}

// beRunner runs a spec and prints what trials were recorded.
func beRunner(ctx context.Context, file, root, resume string, kind machine.Kind) error {
	dir, err := runSpec(ctx, file, root, resume, kind)
	if err != nil && !errors.Is(err, ErrNoneReady) {
		return err
	}
	recorded, err := results.ReadRun(dir)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(recorded.Trials())
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// needMachines fails a test in CI, and skips it elsewhere, if no isolated machine
// can be started.
func needMachines(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	if err := machine.Possible(); err != nil {
		cannotRun(t, "no isolated machine can be had: %v", err)
	}
}

// cannotRun reports why a test cannot run here. In CI that is a failure.
func cannotRun(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func runSpec(ctx context.Context, file, root, resume string, kind machine.Kind) (string, error) {
	spec, err := spec.Load(file)
	if err != nil {
		return "", err
	}
	return Run(ctx, Options{Spec: spec, Plan: plan.Make(spec, spec.Design.Seed), Root: root, Resume: resume,
		Machine: kind, Report: func(u Update) {
			if u.Note != "" {
				fmt.Fprintln(os.Stderr, u.Note)
			}
		}})
}

// checkNothingLeft looks for anything of stratbench's on this host.
func checkNothingLeft(t *testing.T) {
	t.Helper()
	if left := leftovers(t); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "; "))
	}
}

func leftovers(t *testing.T) (left []string) {
	t.Helper()
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	groups, err := tree.IDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if !ofAnother(g) {
			left = append(left, "control group "+g)
		}
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, "stratbench") {
			left = append(left, "mount "+strings.TrimSpace(line))
		}
	}
	return append(left, ownProcesses(t)...)
}

// ofAnother is true of a control group whose name begins with the process of
// another run that is alive.
func ofAnother(group string) bool {
	owner, _, _ := strings.Cut(group, "-")
	pid, err := strconv.Atoi(owner)
	return err == nil && pid != os.Getpid() && syscall.Kill(pid, 0) == nil
}

// ownProcesses lists processes of this program other than the test itself.
func ownProcesses(t *testing.T) (found []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range programs {
		pid := filepath.Base(filepath.Dir(p))
		if program, err := os.Readlink(p); err == nil && program == self && pid != strconv.Itoa(os.Getpid()) {
			found = append(found, "process "+pid)
		}
	}
	return found
}

func readTrials(t *testing.T, dir string) (results.Run, []results.Record) {
	t.Helper()
	r, err := results.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, copied(r.Trials())
}

func copied(shared []*results.Record) (trials []results.Record) {
	for _, r := range shared {
		trials = append(trials, *r)
	}
	return trials
}

// TestStrategiesOnBothEngines runs a strategy that builds, part by part and at
// once, and one that pulls on real Podman and real Docker through a real
// cluster. The other tests of this package run serial and parallel.
func TestStrategiesOnBothEngines(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/strategies.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	recorded, trials := readTrials(t, dir)
	if len(trials) != 8 || len(recorded.Records) != 11 || len(recorded.Done(results.KindReference)) != 1 || len(recorded.Plan.Refused) != 4 {
		t.Fatalf("%d trials, %d records, %d refused cells; want 8 trials, 2 preparations and a reference, and no node that pulls what 2+1 builds, nor a second registry for what is in one",
			len(trials), len(recorded.Records), len(recorded.Plan.Refused))
	}
	for _, r := range recorded.Records {
		if r.Verdict.Outcome != trial.OK {
			logText, _ := os.ReadFile(filepath.Join(dir, r.Log))
			t.Errorf("%s: %s: %s\n%s", r.Trial, r.Verdict.Outcome, r.Verdict.Error, tail(string(logText)))
		}
	}
	for _, r := range trials {
		checkTrial(t, r)
		path, _ := r.Trial.Cell.Level("load.path")
		pulls := 0
		for _, s := range r.Spans {
			if s.Phase == trial.PhaseLoad && strings.HasPrefix(s.Name, "pull ") {
				pulls++
			}
		}
		if want := map[string]int{"registry": 3, "node-pull": 3}[path]; pulls != want {
			t.Errorf("%s: the nodes pulled %d images, want %d", r.Trial, pulls, want)
		}
	}
	checkNothingLeft(t)
}

func checkTrial(t *testing.T, r results.Record) {
	t.Helper()
	runtime, _ := r.Trial.Cell.Level("runtime")
	strategy, _ := r.Trial.Cell.Level("strategy")
	if r.Machine.NodeProvider != runtime {
		t.Errorf("%s: the node is hosted by %q", r.Trial, r.Machine.NodeProvider)
	}
	if r.Setup == nil || len(r.Samples) < 5 || len(r.Tests) != 4 || len(r.Images) != 3 {
		t.Errorf("%s: setup %v, %d samples, %d tests, %d images", r.Trial, r.Setup, len(r.Samples), len(r.Tests), len(r.Images))
	}
	phases, steps := map[trial.Phase]bool{}, 0
	for _, s := range r.Spans {
		if s.Name == string(s.Phase) {
			phases[s.Phase] = true
		}
		if s.Phase == trial.PhaseBuild && s.Step != "" {
			steps++
		}
		if s.End < s.Start || s.End > r.Elapsed || s.Unfinished {
			t.Errorf("%s: span %+v in a trial of %v s", r.Trial, s, r.Elapsed.Duration().Seconds())
		}
	}
	if len(phases) != len(trial.Phases()) {
		t.Errorf("%s: phases %v", r.Trial, phases)
	}
	if builds := strategy != "registry"; builds && steps < 9 {
		t.Errorf("%s: %d build steps, want at least three for each image", r.Trial, steps)
	}
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// startRunner starts the test program as a runner. Closing the returned pipe
// interrupts it.
func startRunner(t *testing.T, spec, root, resume string) (*exec.Cmd, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], runnerCommand, spec, root, resume, string(machine.Isolated))
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close(); cmd.Process.Kill(); cmd.Wait() })
	return cmd, w
}

// awaitLog waits until the log of the trial in some run below root has a text.
func awaitLog(t *testing.T, root, id, text string) (dir string) {
	t.Helper()
	for range 6000 {
		logs, _ := filepath.Glob(filepath.Join(root, "*", "trials", id, "log.txt"))
		for _, l := range logs {
			if b, err := os.ReadFile(l); err == nil && strings.Contains(string(b), text) {
				return filepath.Dir(filepath.Dir(filepath.Dir(l)))
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the log of %s never said %q", id, text)
	return ""
}

// TestKilledRunner kills a runner in its second trial: the next start removes
// what it left, and continues without losing or repeating a trial.
func TestKilledRunner(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	cmd, _ := startRunner(t, "testdata/one.yaml", root, "")
	dir := awaitLog(t, root, "t002", "> build")
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	before, trials := readTrials(t, dir)
	if len(trials) != 1 || len(before.Damaged) != 0 {
		t.Fatalf("after the kill: %d trials, damaged %v", len(trials), before.Damaged)
	}

	resumed, err := runSpec(t.Context(), "testdata/one.yaml", root, dir, machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	after, trials := readTrials(t, resumed)
	if len(after.Records) != 4 || len(trials) != 2 || trials[0].Started != before.Trials()[0].Started {
		t.Errorf("after --resume: %d records, %d trials", len(after.Records), len(trials))
	}
	if r := after.Done(results.KindReference); len(r) != 2 || r[1].Trial.ID != "r001" || r[1].Attempt != 2 {
		t.Errorf("the block that was gone on with has the references %+v", r)
	}
	for _, r := range trials {
		if r.Verdict.Outcome != trial.OK {
			t.Errorf("%s: %s: %s", r.Trial, r.Verdict.Outcome, r.Verdict.Error)
		}
	}
	checkNothingLeft(t)
}

// TestInterruptedRunner interrupts a runner: the trial is recorded as
// cancelled, and all is gone within ten seconds.
func TestInterruptedRunner(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	cmd, stdin := startRunner(t, "testdata/one.yaml", root, "")
	dir := awaitLog(t, root, "t001", "> build")
	began := time.Now()
	stdin.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted run exits 0")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	_, trials := readTrials(t, dir)
	if len(trials) != 1 || trials[0].Verdict.Outcome != trial.Cancelled {
		t.Errorf("trials = %+v, want one that was cancelled", trials)
	}
	checkNothingLeft(t)
}
