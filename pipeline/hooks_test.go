package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

func TestHooksArePartsOfTheirPhase(t *testing.T) {
	dir := t.TempDir()
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	for name, c := range map[string]struct {
		hooks  spec.Hook
		failed bool
		want   []string
	}{
		"both":   {spec.Hook{Before: sh("echo before >>log"), After: sh("echo after >>log")}, false, []string{"build", "hook before build", "work", "hook after build"}},
		"first":  {spec.Hook{Before: sh("exit 3")}, true, []string{"build", "hook before build"}},
		"second": {spec.Hook{After: sh("exit 3")}, true, []string{"build", "work", "hook after build"}},
	} {
		run, trace := newRun(Config{ClusterName: "c", Hooks: spec.Hooks{trial.PhaseBuild: c.hooks}, HooksDir: dir, Limits: limits(trial.PhaseBuild, time.Minute)})
		err := run.phase(trial.PhaseBuild, func(_ context.Context, ph *phase) error {
			return ph.within("work", "", "", func() error { return nil })
		})(t.Context())
		var got []string
		for _, s := range trace.Spans(0) {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, c.want) || (err != nil) != c.failed || err != nil && !strings.Contains(err.Error(), "build: running sh: exit status 3") {
			t.Errorf("%s: got %q and %v", name, got, err)
		}
	}
}

func TestWhatAHookLeavesRunningServesTheTrialAndEnds(t *testing.T) {
	dir := t.TempDir()
	result := start(t.Context(), Config{ClusterName: "c", HooksDir: dir, WorkDir: t.TempDir()}, &scriptedEngine{}, NewClock(0), func(Event) {}, func(r *run) error {
		return r.runPhase(t.Context(), trial.PhaseDeploy, func(ctx context.Context, ph *phase) error {
			for _, script := range []string{`(sleep 1; echo late >late) >/dev/null 2>&1 & echo $! >pid`, `kill -0 "$(cat pid)"`} {
				if err := r.hook(ctx, ph, "after", []string{"sh", "-c", script}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	time.Sleep(1200 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(dir, "late")); err == nil {
		t.Error("a process of the hook outlived the trial")
	}
}

func TestACommandThatHasItsExitCodeAlone(t *testing.T) {
	result, trace := shellSuite(t, spec.Test{Format: "exit-code"}, "echo some words; exit 0")
	if v := result.Verdict(); v.Outcome != trial.OK || len(trace.Tests) != 1 || trace.Tests[0].Name != "sh" {
		t.Errorf("got %+v, %+v", v, trace.Tests)
	}
	result, trace = shellSuite(t, spec.Test{Format: "exit-code"}, "exit 7")
	if v := result.Verdict(); v.Outcome != trial.TestFailed || len(trace.Tests) != 1 || trace.Tests[0].Status != trial.TestFail {
		t.Errorf("got %+v, %+v", v, trace.Tests)
	}
}

func TestSeveralReportsAreOne(t *testing.T) {
	const script = `mkdir -p out
printf '<testsuite name="%s"><testcase name="A"/></testsuite>' one >out/one.xml
printf '<testsuite name="%s"><testcase name="B"><failure message="no"/></testcase></testsuite>' two >out/two.xml
exit 1`
	result, trace := shellSuite(t, spec.Test{Format: "junit", Report: "out/*.xml"}, script)
	if v := result.Verdict(); v.Outcome != trial.TestFailed || len(trace.Tests) != 2 {
		t.Errorf("got %+v, %+v", v, trace.Tests)
	}
	result, _ = shellSuite(t, spec.Test{Format: "junit", Report: "gone/*.xml"}, script)
	if v := result.Verdict(); v.Outcome != trial.TestFailed || !strings.Contains(v.Error, "did not write gone/*.xml") {
		t.Errorf("got %+v", v)
	}
}
