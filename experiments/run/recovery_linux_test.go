package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// TestACrashUnderOnCrashSerialEndsReady kills real engines, Podman's and Docker's,
// while they build and while they create a cluster.
func TestACrashUnderOnCrashSerialEndsReady(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/crash.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	_, trials := readTrials(t, dir)
	if len(trials) != 4 {
		t.Fatalf("%d trials", len(trials))
	}
	for _, r := range trials {
		fault, _ := r.Trial.Cell.Level("fault")
		phase := map[string]trial.Phase{"in-build": trial.PhaseBuild, "in-cluster": trial.PhaseCluster}[fault]
		if r.Verdict.Outcome != trial.OK || r.Crash == nil || r.Crash.Outcome != trial.EngineCrash || r.Crash.Phase != phase {
			logText, _ := os.ReadFile(filepath.Join(dir, r.Log))
			t.Errorf("%s: %s, after %+v\n%s", r.Trial, r.Verdict.Outcome, r.Crash, tail(string(logText)))
			continue
		}
		checkWentOn(t, r, phase)
		t.Logf("%s: %s, set up in %s", r.Trial, report.Ending(&r), r.Setup.Duration())
	}
	checkNothingLeft(t)
}

// checkWentOn: the record has both attempts, what lies between them, and a time
// to ready that spans all of it.
func checkWentOn(t *testing.T, r results.Record, crashed trial.Phase) {
	t.Helper()
	span := func(name string) trial.Span {
		i := slices.IndexFunc(r.Spans, func(s trial.Span) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("%s has no span %s", r.Trial, name)
		}
		return r.Spans[i]
	}
	crash, recovery, deploy := span("crash"), span("recovery"), span("deploy")
	began := span("build").Start // the cluster comes after
	if crash.Start < *r.Fault.At || crash.End > recovery.Start || recovery.End > deploy.Start || crash.Phase != crashed {
		t.Errorf("%s: crash %+v, recovery %+v, fault at %v", r.Trial, crash, recovery, *r.Fault.At)
	}
	if whole := deploy.End - began; r.Setup == nil || *r.Setup < whole-trial.Seconds(1e8) || *r.Setup > whole+trial.Seconds(1e9) {
		t.Errorf("%s: the time to ready is %v; from the first build to services ready it took %v", r.Trial, r.Setup, whole)
	}
	if len(r.Images) != 2 || len(r.Tests) == 0 {
		t.Errorf("%s: images %+v, %d tests", r.Trial, r.Images, len(r.Tests))
	}
	// What was finished before the cluster's engine died is not built again.
	var after []trial.Span
	for _, s := range r.Spans {
		if strings.HasPrefix(s.Name, "build ") && s.Image != "" && s.Step == "" && s.Start > recovery.End {
			after = append(after, s)
		}
	}
	if want := map[trial.Phase]int{trial.PhaseBuild: 2, trial.PhaseCluster: 0}[crashed]; len(after) != want {
		t.Errorf("%s: %d images were built after the crash, want %d", r.Trial, len(after), want)
	}
	if len(after) == 2 && after[1].Start < after[0].End {
		t.Errorf("%s: two images were built at a time after the crash: %+v", r.Trial, after)
	}
	for i := 1; i < len(r.Samples); i++ {
		if r.Samples[i].CPU < r.Samples[i-1].CPU {
			t.Errorf("%s: the CPU time of sample %d falls", r.Trial, i)
		}
	}
}

// checkLoadedAsBuilt: each image went into the node by itself, after its build and the
// cluster, and the deployment began before the last one was there.
func checkLoadedAsBuilt(t *testing.T, r results.Record) {
	t.Helper()
	spans := map[string]trial.Span{}
	for _, s := range r.Spans {
		if s.Step == "" {
			spans[s.Name] = s
		}
	}
	for _, image := range r.Images {
		load, is := spans["load "+image.Name]
		if build := spans["build "+image.Name]; !is || load.Start < build.End || load.Start < spans["cluster"].End {
			t.Errorf("%s: %s was built by %+v and loaded by %+v; the cluster: %+v", r.Trial, image.Name, build, load, spans["cluster"])
		}
	}
	if deploy, load := spans["deploy"], spans["load"]; deploy.Start < spans["cluster"].End || deploy.Start > load.End {
		t.Errorf("%s: loaded by %+v, and deployed by %+v", r.Trial, load, deploy)
	}
}

// checkPrebooted: the trial found its cluster, and started it.
func checkPrebooted(t *testing.T, r results.Record) {
	t.Helper()
	if r.Verdict.Outcome != trial.OK || r.Machine.ClusterAge == nil || *r.Machine.ClusterAge <= 0 {
		t.Errorf("%s: %s: %s; the cluster's age is %v", r.Trial, r.Verdict.Outcome, r.Verdict.Error, r.Machine.ClusterAge)
		return
	}
	checkTrial(t, r)
	if !slices.ContainsFunc(r.Spans, func(s trial.Span) bool { return s.Name == "Starting nodes" }) {
		t.Errorf("%s: no nodes were started", r.Trial)
	}
}

// TestAdaptiveOnBothEngines runs the strategy adaptive by what serial trials have
// measured before it on clusters that were made before, loads each image as soon as it
// is built, and deploys beside that.
func TestAdaptiveOnBothEngines(t *testing.T) {
	needMachines(t)
	root := t.TempDir()
	before, err := runSpec(t.Context(), "testdata/alone.yaml", root, "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	_, alone := readTrials(t, before)
	for _, r := range alone {
		checkPrebooted(t, r)
	}
	dir, err := runSpec(t.Context(), "testdata/adaptive.yaml", root, "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	recorded, trials := readTrials(t, dir)
	for _, e := range recorded.Expected {
		t.Logf("expected of %s by %s: %s in %s, by %d builds", e.Image, e.Runtime, e.Peak, e.Takes.Duration(), e.Builds)
		if !e.NoCache || e.Peak < 64<<20 || e.CPU <= 0 || e.Takes <= 0 {
			t.Errorf("expected: %+v", e)
		}
	}
	if len(recorded.Expected) != 6 || len(trials) != 2 {
		t.Errorf("%d trials, %d expectations; want 3 images by 2 engines", len(trials), len(recorded.Expected))
	}
	for _, r := range trials {
		text, err := os.ReadFile(filepath.Join(dir, r.Log))
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict.Outcome != trial.OK {
			t.Errorf("%s: %s: %s\n%s", r.Trial, r.Verdict.Outcome, r.Verdict.Error, tail(string(text)))
			continue
		}
		checkTrial(t, r)
		checkLoadedAsBuilt(t, r)
		if p := r.Predicted; p == nil || p.Build <= 0 || p.Peak <= 0 {
			t.Errorf("%s: predicted: %+v", r.Trial, p)
		} else {
			t.Logf("%s: builds were predicted to take %s", r.Trial, p.Build.Duration())
		}
		admitted := 0
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, string(strategies.Admitted)+" ") || strings.Contains(line, string(strategies.BackedOff)) {
				t.Log(r.Trial, strings.TrimSpace(line))
			}
			if strings.Contains(line, string(strategies.Admitted)+" ") {
				admitted++
			}
		}
		if admitted < 3 {
			t.Errorf("%s: %d builds were admitted", r.Trial, admitted)
		}
		// An isolated machine tells its pressure wherever the kernel keeps it.
		blind := slices.ContainsFunc(r.Observed, func(e trial.Evidence) bool { return strings.HasPrefix(e.Text, string(strategies.Blind)) })
		if known := r.Samples[len(r.Samples)-1].Pressure.Known; known == blind {
			t.Errorf("%s: pressure is known: %v, and it went by prediction alone: %v", r.Trial, known, blind)
		}
	}
	checkNothingLeft(t)
}
