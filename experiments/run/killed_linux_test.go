package run

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// TestRunnerKilledAtRandom kills a runner again and again at random moments and
// continues its run: no recorded trial is lost, changed or doubled, and the
// results can be read after each kill. STRATBENCH_KILLS is how often (make
// kill-test: 50).
func TestRunnerKilledAtRandom(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	dir, took := oneMoreTrial(t, root, "")
	recorded := checkKept(t, dir, nil)
	for kill := range kills(t) {
		// Twice as long as a trial hits every moment of one, and those between
		// two.
		life := rand.N(2 * took)
		killAfter(t, root, dir, life)
		recorded = checkKept(t, dir, recorded)
		t.Logf("kill %d after %.1f s: %d trials are recorded", kill+1, life.Seconds(), trials(recorded))
	}
	oneMoreTrial(t, root, dir)
	if now := checkKept(t, dir, recorded); trials(now) <= trials(recorded) {
		t.Errorf("%d trials were recorded and %d are, after one more", trials(recorded), trials(now))
	}
	checkNothingLeft(t)
}

// oneMoreTrial begins or continues a run and interrupts it after the next
// trial. It returns the run's folder and how long that took.
func oneMoreTrial(t *testing.T, root, dir string) (string, time.Duration) {
	t.Helper()
	began, had := time.Now(), 0
	if dir != "" {
		_, done := readTrials(t, dir)
		had = len(done)
	}
	cmd, interrupt := startRunner(t, "testdata/killed.yaml", root, dir)
	for time.Since(began) < 5*time.Minute {
		time.Sleep(250 * time.Millisecond)
		if dir = onlyRun(t, root, dir); dir == "" {
			continue
		}
		if _, done := readTrials(t, dir); len(done) > had {
			interrupt.Close()
			took := time.Since(began)
			cmd.Wait()
			return dir, took
		}
	}
	t.Fatalf("no trial was recorded in five minutes after %d", had)
	return "", 0
}

func trials(records []results.Record) (n int) {
	for _, r := range records {
		if r.Kind == results.KindTrial {
			n++
		}
	}
	return n
}

func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("STRATBENCH_KILLS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("STRATBENCH_KILLS=%q is no number of kills", text)
	}
	return n
}

// killAfter starts or continues a run and kills the runner after a time.
func killAfter(t *testing.T, root, dir string, life time.Duration) {
	t.Helper()
	cmd, _ := startRunner(t, "testdata/killed.yaml", root, dir)
	time.Sleep(life)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatalf("killing the runner: %v", err)
	}
	if err := cmd.Wait(); err == nil || err.(*exec.ExitError).Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the runner ended before it was killed: %v", err)
	}
	awaitEndOfProcesses(t)
}

// awaitEndOfProcesses waits until what the killed runner started is gone: all of it must
// end before stratbench starts again.
func awaitEndOfProcesses(t *testing.T) {
	t.Helper()
	var left []string
	for range 100 {
		if left = ownProcesses(t); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("ten seconds after the runner was killed: %s", strings.Join(left, "; "))
}

// onlyRun is the folder of the run below root that can be continued. A runner
// that is killed while it makes a folder leaves one that is no run.
func onlyRun(t *testing.T, root, known string) string {
	t.Helper()
	dirs, err := results.Runs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, results.PlanFile)); err == nil {
			if known != "" && dir != known {
				t.Fatalf("%s was to be continued, and %s was begun", known, dir)
			}
			return dir
		}
	}
	return ""
}

// checkKept reads a run after a kill and returns its records: those of before
// are there unchanged, and no trial that was completed was done again.
func checkKept(t *testing.T, dir string, before []results.Record) []results.Record {
	t.Helper()
	run, err := results.ReadRun(dir)
	if err != nil {
		t.Fatalf("the results cannot be read after a kill: %v", err)
	}
	for _, f := range run.Damaged {
		if !strings.Contains(f.Message, "cut off") {
			t.Errorf("after a kill: %s", f)
		}
	}
	if len(run.Records) < len(before) {
		t.Fatalf("%d records were there before, %d are now", len(before), len(run.Records))
	}
	for i, old := range before {
		if now := run.Records[i]; now.Trial.ID != old.Trial.ID || !now.Started.Equal(old.Started) || now.Elapsed != old.Elapsed {
			t.Errorf("record %d was %s of %v and is %s of %v", i, old.Trial, old.Started, now.Trial, now.Started)
		}
	}
	completed := map[string]bool{}
	for _, r := range run.Records {
		if r.Kind != results.KindTrial || r.Verdict.Outcome == trial.Cancelled {
			continue
		}
		if completed[r.Trial.ID] {
			t.Errorf("%s was completed twice", r.Trial)
		}
		completed[r.Trial.ID] = true
		if r.Verdict.Outcome != trial.OK {
			t.Errorf("%s: %s: %s", r.Trial, r.Verdict.Outcome, r.Verdict.Error)
		}
	}
	return run.Records
}
