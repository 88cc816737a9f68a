package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// checkGood checks that every trial ended well.
func checkGood(t *testing.T, dir string, want int) []results.Record {
	t.Helper()
	_, trials := readTrials(t, dir)
	if len(trials) != want {
		t.Fatalf("%d trials, want %d", len(trials), want)
	}
	for _, r := range trials {
		if r.Verdict.Outcome != trial.OK || r.Setup == nil || len(r.Tests) != 1 {
			logText, _ := os.ReadFile(filepath.Join(dir, r.Log))
			t.Errorf("%s: %s: %s\n%s", r.Trial, r.Verdict.Outcome, r.Verdict.Error, tail(string(logText)))
		}
	}
	return trials
}

// TestEveryKindOfStep deploys by a definition, a kustomization, a chart with a
// hook, waits and a command, in a real cluster.
func TestEveryKindOfStep(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/steps.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	r := checkGood(t, dir, 1)[0]
	var steps, hooks []string
	for _, s := range r.Spans {
		if strings.HasPrefix(s.Name, "hook ") {
			hooks = append(hooks, s.Name)
		}
		if s.Phase == trial.PhaseDeploy && s.Step != "" {
			steps = append(steps, s.Name)
		}
	}
	want := []string{"definitions", "base", "helm green: namespace", "helm green: pre-install hooks 0", "chart", "migrated", "available", "asked", "objects ready", "urls answer"}
	steps = slices.DeleteFunc(steps, func(name string) bool { return !slices.Contains(want, name) }) // what was waited for besides
	if !slices.Equal(steps, want) {
		t.Errorf("the steps are\n%q, want\n%q", steps, want)
	}
	if !slices.Equal(hooks, []string{"hook before build", "hook after test"}) {
		t.Errorf("the hooks are %q", hooks)
	}
	checkNothingLeft(t)
}

// TestASetUpOfOnesOwn runs a script with Kind's own command on real engines, and
// finds its phases by what it prints and by what it marks.
func TestASetUpOfOnesOwn(t *testing.T) {
	needMachines(t)
	buildKind(t, "testdata/steps/bin/kind")
	dir, err := runSpec(t.Context(), "testdata/ownsetup.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range checkGood(t, dir, 2) {
		var phases []trial.Phase
		sum := trial.Seconds(0)
		for _, s := range r.Spans {
			if s.Name == string(s.Phase) && s.Phase != "" {
				phases = append(phases, s.Phase)
				if s.Phase != trial.PhaseTest {
					sum += s.Length()
				}
			}
		}
		if !slices.Equal(phases, trial.Phases()) {
			t.Errorf("%s: the phases are %q", r.Trial, phases)
		}
		if r.Setup != nil && (sum > *r.Setup || sum < *r.Setup*8/10) {
			t.Errorf("%s: the phases take %s, and the set-up %s", r.Trial, sum.Duration(), r.Setup.Duration())
		}
	}
	checkNothingLeft(t)
}

// buildKind builds Kind's own command, of the version that is a library here.
func buildKind(t *testing.T, name string) {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(path)) })
	out, err := exec.Command("go", "build", "-o", path, "sigs.k8s.io/kind").CombinedOutput()
	if err != nil {
		t.Fatalf("building kind: %v\n%s", err, out)
	}
}
