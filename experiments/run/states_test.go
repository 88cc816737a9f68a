package run

import (
	"slices"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

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
		s, w, err := r.cell(ofState(level))
		if err != nil {
			t.Fatal(err)
		}
		if s.Memory != want || s.ClusterStart != trial.ClusterWith || (w.Dir == "/elsewhere") != (level == results.LastGood) {
			t.Errorf("%s: %+v in %s", level, s, w.Dir)
		}
	}
	if r.specOf(ofState(results.LastGood)).Limits.Phase[trial.PhaseBuild] != 1 || r.specOf(trial.Cell{}) != r.spec {
		t.Error("limits are not those of the state")
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
