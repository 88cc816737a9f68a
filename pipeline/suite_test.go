package pipeline

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// shellSuite runs a shell script as the suite, and only it.
func shellSuite(t *testing.T, test spec.Test, script string) (Result, *Trace) {
	t.Helper()
	return suiteOf(t, Config{WorkDir: t.TempDir(), Limits: limits(trial.PhaseTest, 5*time.Second)}, test, script)
}

func suiteOf(t *testing.T, cfg Config, test spec.Test, script string) (Result, *Trace) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("the suite of this test is a shell script")
	}
	test.Command = []string{"sh", "-c", script}
	if test.Dir == "" {
		test.Dir = t.TempDir()
	}
	cfg.Test = test
	trace := &Trace{}
	result := start(t.Context(), cfg, &scriptedEngine{}, NewClock(0), trace.Add, func(r *run) error {
		return r.runPhase(t.Context(), trial.PhaseTest, r.test)
	})
	return result, trace
}

const passAndFail = `echo "--- PASS: TestA (0.10s)"; echo "--- FAIL: TestB (0.20s)"; exit 1`

func TestFailedTestsFailTheTrial(t *testing.T) {
	result, trace := shellSuite(t, spec.Test{Format: "go-verbose"}, passAndFail)
	v := result.Verdict()
	if v.Outcome != trial.TestFailed || !strings.Contains(v.Error, "1 of 2 tests failed: TestB") {
		t.Errorf("got %+v", v)
	}
	if tests := trace.Tests; len(tests) != 2 || tests[1].Status != trial.TestFail || tests[1].Known {
		t.Errorf("got %+v", tests)
	}
}

func TestKnownFailuresDoNot(t *testing.T) {
	cfg := Config{WorkDir: t.TempDir(), Test: spec.Test{Command: []string{"sh", "-c", passAndFail}, Dir: t.TempDir(), Format: "go-verbose", KnownFailures: []string{"TestB", "TestA"}}}
	trace, log := &Trace{}, ""
	result := start(t.Context(), cfg, &scriptedEngine{}, NewClock(0), func(e Event) {
		trace.Add(e)
		log += e.Text + "\n"
	}, func(r *run) error { return r.runPhase(t.Context(), trial.PhaseTest, r.test) })
	if v := result.Verdict(); v.Outcome != trial.OK {
		t.Errorf("got %+v", v)
	}
	if tests := trace.Tests; !tests[1].Known || tests[0].Known {
		t.Errorf("got %+v", tests)
	}
	if !strings.Contains(log, "the known failure TestA passed") {
		t.Errorf("a known failure that passes is noted, got %q", log)
	}
}

func TestASuiteWithoutResultsHasFailed(t *testing.T) {
	for script, want := range map[string]string{
		"echo cannot start; exit 3":                          "exit status 3",
		"echo nothing to do":                                 "no test results",
		`echo "--- PASS: TestA (0.10s)"; exit 2`:             "no test failed, but the test command did: exit status 2",
		`echo "=== RUN   TestA"; exit 2`:                     "1 of 1 tests failed: TestA",
		"echo '{\"Action\":\"pass\",\"Test\":\"TestJSON\"}'": "no test results",
	} {
		result, _ := shellSuite(t, spec.Test{Format: "go-verbose"}, script)
		if v := result.Verdict(); v.Outcome != trial.TestFailed || !strings.Contains(v.Error, want) {
			t.Errorf("%s: got %+v", script, v)
		}
	}
}

func TestACommandThatIsNotThereFailsTheSuite(t *testing.T) {
	cfg := Config{Test: spec.Test{Command: []string{"./none"}, Dir: t.TempDir(), Format: "go-json"}, WorkDir: t.TempDir()}
	result := start(t.Context(), cfg, &scriptedEngine{}, NewClock(0), func(Event) {}, func(r *run) error {
		return r.runPhase(t.Context(), trial.PhaseTest, r.test)
	})
	if !errors.Is(result.Err, os.ErrNotExist) {
		t.Errorf("got %v", result.Err)
	}
}

func TestAReportFromBeforeIsNotRead(t *testing.T) {
	dir := t.TempDir()
	report := filepath.Join(dir, "report.xml")
	old := `<testsuite><testcase name="old"/></testsuite>`
	if err := os.WriteFile(report, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	test := spec.Test{Format: "junit", Report: "report.xml", Dir: dir}
	result, trace := shellSuite(t, test, "exit 1")
	if v := result.Verdict(); v.Outcome != trial.TestFailed || !strings.Contains(v.Error, "did not write") || len(trace.Tests) > 0 {
		t.Errorf("got %+v, %+v", v, trace.Tests)
	}
	result, trace = shellSuite(t, test, `echo '<testsuite><testcase name="this one is new"/></testsuite>' > report.xml`)
	if result.Err != nil || len(trace.Tests) != 1 || trace.Tests[0].Name != "this one is new" {
		t.Errorf("got %v, %+v", result.Err, trace.Tests)
	}
}

func TestTheSuiteKnowsTheTrialsNames(t *testing.T) {
	cfg := Config{ClusterName: "of-t001", WorkDir: t.TempDir(), Limits: limits(trial.PhaseTest, 5*time.Second)}
	cfg.Images = []Image{{Image: spec.Image{Name: "shop-api"}, Ref: "trial/t001/shop-api"}}
	cfg.Schedule.Stages = []strategies.Stage{{Images: []string{"shop-api"}}}
	test := spec.Test{Format: "go-verbose", Env: map[string]string{"SHOP": "open"}}
	result, trace := suiteOf(t, cfg, test, `test -n "$KUBECONFIG" && test "$KIND_CLUSTER_NAME" = "$STRATBENCH_CLUSTER" && echo "--- PASS: Test-$SHOP-$STRATBENCH_CLUSTER-$STRATBENCH_IMAGE_SHOP_API (0.00s)"`)
	if want := "Test-open-of-t001-trial/t001/shop-api"; result.Err != nil || trace.Tests[0].Name != want {
		t.Errorf("got %v, %+v, want %s", result.Err, trace.Tests, want)
	}
}

func TestASuiteEndsWithAllItStarted(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{WorkDir: dir, Limits: limits(trial.PhaseTest, 200*time.Millisecond),
		Test: spec.Test{Command: []string{"sh", "-c", `echo "=== RUN   TestHangs"; (sleep 2; echo late > late) & wait`}, Dir: dir, Format: "go-verbose"}}
	trace := &Trace{}
	began := time.Now()
	result := start(t.Context(), cfg, &scriptedEngine{}, NewClock(0), trace.Add, func(r *run) error {
		return r.runPhase(t.Context(), trial.PhaseTest, r.test)
	})
	if v := result.Verdict(); !v.TimedOut || v.Outcome != trial.TestFailed || time.Since(began) > 2*time.Second {
		t.Errorf("got %+v after %v", v, time.Since(began))
	}
	if tests := trace.Tests; len(tests) != 1 || tests[0].Name != "TestHangs" || tests[0].Status != trial.TestFail {
		t.Errorf("what was known is lost: %+v", tests)
	}
	time.Sleep(2200*time.Millisecond - time.Since(began))
	if _, err := os.Stat(filepath.Join(dir, "late")); err == nil {
		t.Error("a process of the suite outlived it")
	}
}

func TestCancelledTrial(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := Config{WorkDir: t.TempDir()}
	result := start(ctx, cfg, &scriptedEngine{}, NewClock(0), func(Event) {}, func(r *run) error {
		return r.runPhase(ctx, trial.PhaseBuild, func(ctx context.Context, ph *phase) error {
			cancel()
			return hang(ctx, ph)
		})
	})
	if v := result.Verdict(); v.Outcome != trial.Cancelled || v.Phase != trial.PhaseBuild || v.TimedOut {
		t.Errorf("got %+v", v)
	}
}
