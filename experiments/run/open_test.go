package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// TestWhatIsDoneAgain: a continued run repeats trials that could not be measured,
// except those whose runner fault was injected.
func TestWhatIsDoneAgain(t *testing.T) {
	lost := trial.Verdict{Outcome: trial.RunnerFault}
	injected := &results.Injected{Do: "worker-kill", Truth: []trial.Outcome{trial.RunnerFault}}
	for name, c := range map[string]struct {
		record results.Record
		want   bool
	}{
		"ok":               {results.Record{Verdict: trial.Verdict{Outcome: trial.OK}}, true},
		"a crash":          {results.Record{Verdict: trial.Verdict{Outcome: trial.EngineCrash}}, true},
		"cancelled":        {results.Record{Verdict: trial.Verdict{Outcome: trial.Cancelled}}, false},
		"a runner's fault": {results.Record{Verdict: lost}, false},
		"an injected one":  {results.Record{Verdict: lost, Fault: injected}, true},
		"one beside another fault": {results.Record{Verdict: lost,
			Fault: &results.Injected{Do: "step-fail", Truth: []trial.Outcome{trial.BuildFailed}}}, false},
	} {
		if got := measured(c.record); got != c.want {
			t.Errorf("%s: measured is %v", name, got)
		}
	}
}

// A hook that runs stratbench would begin trials within trials.
func TestNoTrialsWithinATrial(t *testing.T) {
	t.Setenv("STRATBENCH_CLUSTER", "stratbench-x-t001")
	_, err := Run(t.Context(), Options{})
	if !errors.Is(err, ErrCannotRun) || !strings.Contains(err.Error(), "the trial's cluster is stratbench-x-t001") {
		t.Errorf("got %v", err)
	}
}

func TestSourcesTellImagesApart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.Dockerfile", "b.Dockerfile"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("FROM scratch\n# "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := spec.Workload{Images: []spec.Image{
		{Name: "a", Context: dir, Dockerfile: "a.Dockerfile"},
		{Name: "b", Context: dir, Dockerfile: "b.Dockerfile"},
		{Name: "gone", Context: filepath.Join(dir, "gone"), Dockerfile: "Dockerfile"},
	}}
	before := sourcesOf(w)
	if before[0].Context == "" || before[0].Context != before[1].Context || before[0].Recipe == before[1].Recipe {
		t.Errorf("images of one context with recipes of their own: %+v", before)
	}
	if before[2].Context != "" || before[2].Recipe != "" {
		t.Errorf("an image without a context has a source: %+v", before[2])
	}
	w.Images[0].Args = map[string]string{"SLOW": "yes"}
	after := sourcesOf(w)
	if after[0].Recipe == before[0].Recipe || after[1] != before[1] {
		t.Errorf("an argument of a changed %+v to %+v", before, after)
	}
}

// comparing is a runner of two states of testdata/one.yaml, of which the last
// good one has another memory, workload and limits.
func comparing(t *testing.T) *runner {
	t.Helper()
	present, good := loaded(t), loaded(t)
	good.Settings.Memory, good.SHA256 = 5<<30, "other"
	good.Workload.Dir = "/elsewhere"
	good.Limits.Phase[trial.PhaseBuild] = 1
	r := looking(t, nil)
	r.spec = present
	r.states = []State{{results.State{Level: results.LastGood}, good}, {results.State{Level: results.Present}, present}}
	return r
}

func loaded(t *testing.T) *spec.Spec {
	t.Helper()
	spec, err := spec.Load("testdata/one.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func ofState(level string) trial.Cell {
	return trial.Cell{{Factor: "clusterStart", Level: "with"}, {Factor: results.StateFactor, Level: level}}
}

func TestACellIsOfItsState(t *testing.T) {
	r := comparing(t)
	for level, want := range map[string]trial.Bytes{results.LastGood: 5 << 30, results.Present: 3 << 30} {
		c, err := r.cell(ofState(level))
		if err != nil {
			t.Fatal(err)
		}
		if s, w := c.settings, c.workload; s.Memory != want || s.ClusterStart != trial.ClusterWith || (w.Dir == "/elsewhere") != (level == results.LastGood) {
			t.Errorf("%s: %+v in %s", level, s, w.Dir)
		}
		if (c.spec.Limits.Phase[trial.PhaseBuild] == 1) != (level == results.LastGood) {
			t.Errorf("%s: the limits are not those of the state", level)
		}
	}
	if c, err := r.cell(trial.Cell{}); err != nil || c.spec != r.spec {
		t.Errorf("a cell of no state is of another spec, %v", err)
	}
	if binds := r.binds(); !slices.Contains(binds, "/elsewhere") || len(binds) < 2 {
		t.Errorf("machines see only %v", binds)
	}
}

func TestStatesAreKept(t *testing.T) {
	r := comparing(t)
	if err := r.keepStates(); err != nil {
		t.Fatal(err)
	}
	if len(r.env.States) != 2 || r.env.States[0].Level != results.LastGood {
		t.Errorf("%+v", r.env.States)
	}
	if err := r.keepStates(); err == nil {
		t.Error("a kept file was written over")
	}
}

// The cell with the most memory makes what several cells start from. Cells without
// trials left make nothing.
func TestWhichCellsMakeWhatTrialsStartFrom(t *testing.T) {
	r := comparing(t)
	present, good := ofState(results.Present), ofState(results.LastGood) // 3 GiB, 5 GiB
	r.plan.Trials = []trial.Trial{{ID: "t1", Cell: present}, {ID: "t2", Cell: good}, {ID: "t3", Cell: present}}
	one := func(resolved) (string, error) { return "one for all", nil }
	for name, c := range map[string]struct {
		needs func(resolved) (string, error)
		done  string
		want  []trial.Cell
	}{
		"one":       {one, "", []trial.Cell{good}},
		"one, late": {one, "t2", []trial.Cell{present}},
		"its own":   {func(c resolved) (string, error) { return c.Key(), nil }, "", []trial.Cell{present, good}},
		"nothing":   {func(resolved) (string, error) { return "", nil }, "", nil},
	} {
		r.done = map[string]bool{c.done: true}
		got, err := r.makers(c.needs)
		if err != nil || !slices.EqualFunc(got, c.want, func(a resolved, b trial.Cell) bool { return a.Key() == b.Key() }) {
			t.Errorf("%s: %d makers, %v; want %v", name, len(got), err, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := r.makers(func(resolved) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
