package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestFaultsAreToldApart kills and stops real engines in the middle of
// parallel builds, and has a build and a worker fail beside that.
func TestFaultsAreToldApart(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/faults.yaml", t.TempDir(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	_, trials := readTrials(t, dir)
	if len(trials) != 8 {
		t.Fatalf("%d trials are recorded, want 8", len(trials))
	}
	for _, r := range trials {
		t.Run(r.Trial.Cell.String(), func(t *testing.T) {
			checkFault(t, r)
			if r.Fault != nil && r.Fault.Do == string(spec.EngineKill) && r.Machine.Runtime == string(trial.Podman) {
				checkSeedCase(t, r)
			}
		})
	}
	checkNothingLeft(t)
}

func checkFault(t *testing.T, r results.Record) {
	t.Helper()
	if r.Fault == nil || r.Fault.At == nil || r.Fault.Error != "" {
		t.Fatalf("the fault is recorded as %+v", r.Fault)
	}
	if r.Verdict.Outcome != r.Fault.Truth[0] || r.Verdict.Phase != r.Fault.Phase {
		t.Errorf("classified as %s, truly %s in %s; error %q, evidence %+v", report.Verdict(r.Verdict), r.Fault.Truth[0], r.Fault.Phase, r.Verdict.Error, r.Verdict.Evidence)
	}
	if len(r.Observed) == 0 {
		t.Error("nothing was looked at afterwards")
	}
	recovered := false
	for _, s := range r.Spans {
		recovered = recovered || s.Name == "recovery" && s.Error == "" && s.Length() > 0
	}
	if want := lost(r.Verdict.Outcome); recovered != want {
		t.Errorf("recovered: %v, want %v", recovered, want)
	}
	if !lost(r.Verdict.Outcome) {
		return
	}
	for _, e := range r.Verdict.Evidence {
		if late := e.At - *r.Fault.At; e.Rule == "watch" && late > trial.Seconds(5*time.Second) {
			t.Errorf("%s was noticed after %s", e.State, late.Duration())
		}
	}
}

// checkSeedCase: Podman's service killed in the middle of a parallel build is
// an engine's crash, and the client's error is among the evidence.
func checkSeedCase(t *testing.T, r results.Record) {
	t.Helper()
	for _, e := range r.Verdict.Evidence {
		if strings.Contains(e.Text, "server probably quit: unexpected EOF") {
			return
		}
	}
	t.Errorf("no evidence has what the client said: %+v", r.Verdict.Evidence)
}

// stopAfterFirst runs three short trials into root, and does something once
// the first is recorded.
func stopAfterFirst(t *testing.T, root, resume string, do func(dir string)) (dir string, err error) {
	t.Helper()
	spec, err := spec.Load("testdata/failing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first := true
	return Run(t.Context(), Options{Spec: spec, Plan: plan.Make(spec, 1), Root: root, Resume: resume, Report: func(u Update) {
		if u.Ended == nil || !first {
			return
		}
		first = false
		dirs, err := results.Runs(root)
		if err != nil || len(dirs) != 1 {
			t.Errorf("runs in %s: %v, %v", root, dirs, err)
			return
		}
		do(dirs[0])
	}})
}

// checkStopped: the run stopped with an error that says why, what was recorded
// before is whole, and the run can be continued once the cause is gone.
func checkStopped(t *testing.T, dir string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the run ended with %v, want %v", err, want)
	}
	t.Log(err)
	_, trials := readRecorded(t, dir)
	if len(trials) == 0 || len(trials) == 3 {
		t.Fatalf("%d trials are recorded after the stop", len(trials))
	}
}

func checkContinues(t *testing.T, root, dir string) {
	t.Helper()
	if _, err := stopAfterFirst(t, root, dir, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if _, trials := readRecorded(t, dir); len(trials) != 3 {
		t.Errorf("%d trials are recorded once the run was continued, want 3", len(trials))
	}
}

// readRecorded reads a run whose journal may hold a line that was cut off.
func readRecorded(t *testing.T, dir string) (results.Run, []results.Record) {
	t.Helper()
	run, err := results.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Damaged) > 1 {
		t.Errorf("more than the last line is damaged: %v", run.Damaged)
	}
	return run, copied(run.Trials())
}

// TestDiskFullWhileRecording fills the disk of the results in the middle of a
// run.
func TestDiskFullWhileRecording(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	if err := unix.Mount("stratbench-test", root, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	filler := filepath.Join(root, "filler")
	dir, err := stopAfterFirst(t, root, "", func(string) {
		f, err := os.Create(filler)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for chunk := make([]byte, 4096); err == nil; {
			_, err = f.Write(chunk)
		}
	})
	checkStopped(t, dir, err, syscall.ENOSPC)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	checkContinues(t, root, dir)
}

// TestResultsReadOnly makes the run's folder read-only in the middle of a run, also
// for root.
func TestResultsReadOnly(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	var sealed []string
	seal := func(on bool) {
		for _, dir := range sealed {
			if err := immutable(dir, on); err != nil {
				cannotRun(t, "the file system of %s cannot make a folder immutable: %v", dir, err)
			}
		}
	}
	t.Cleanup(func() { seal(false) })
	var unsupported error
	dir, err := stopAfterFirst(t, root, "", func(dir string) {
		for _, d := range []string{dir, filepath.Join(dir, "trials")} {
			if unsupported = immutable(d, true); unsupported != nil {
				return
			}
			sealed = append(sealed, d)
		}
	})
	if unsupported != nil {
		cannotRun(t, "no folder can be made immutable here: %v", unsupported)
	}
	checkStopped(t, dir, err, syscall.EPERM)
	seal(false)
	sealed = nil
	checkContinues(t, root, dir)
}

// immutable sets or clears the flag that chattr calls i.
func immutable(dir string, on bool) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	const immutableFlag = 0x10
	if flags &^= immutableFlag; on {
		flags |= immutableFlag
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
}

// TestNoFaultOnAHost: whatever the command line asks for, nothing of the user's is
// broken.
func TestNoFaultOnAHost(t *testing.T) {
	spec, err := spec.Load("testdata/failing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{spec: spec, places: map[trial.Runtime]place{trial.Podman: &borrowedPlace{of: machine.Host}}}
	c, err := r.cell(spec.Cells()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := r.checkFault(c); err == nil || !strings.Contains(err.Error(), "only isolated machines may be broken") {
		t.Errorf("a fault on the host is checked with %v", err)
	}
	x := &execution{r: r, do: pipeline.Trial, resolved: c}
	if err := x.prepareFault(&borrowed{}, &pipeline.Config{}); err == nil {
		t.Error("a fault was prepared for a machine of the user's")
	}
}
