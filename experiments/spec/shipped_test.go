package spec_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

func TestShippedExperimentsLoad(t *testing.T) {
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shipped experiment found: %v", err)
	}
	for _, want := range []string{"../podman-vs-docker.yaml", "../quick.yaml", "../memory-frontier.yaml", "../nightly.yaml", "../crash-repro.yaml", "../adaptive.yaml", "../speed.yaml"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is not among %q", want, files)
		}
	}
	for _, file := range files {
		spec, err := spec.Load(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if name := "../" + spec.Name + ".yaml"; name != file {
			t.Errorf("%s is named %q", file, spec.Name)
		}
		for _, cell := range spec.Cells() {
			settings, workload, err := spec.Cell(cell)
			if err != nil || settings.Memory == 0 || len(workload.Images) != 3 {
				t.Errorf("%s, cell %s: %v; %+v, %d images", file, cell.Key(), err, settings, len(workload.Images))
			}
		}
	}
}

// The demo has a quarter of an hour on two cores, where a trial takes up to a
// minute.
func TestQuickIsQuick(t *testing.T) {
	spec := load(t, "../quick.yaml")
	p := plan.Make(spec, 1)
	if n := len(p.Trials); n > 16 {
		t.Errorf("quick.yaml plans %d trials", n)
	}
	if longest := spec.Limits.Longest(); longest > 15*time.Minute {
		t.Errorf("one trial of quick.yaml that hangs may take %v", longest)
	}
	for factor, atLeast := range map[string]int{"runtime": 2, "memory": 2, "strategy": 4} {
		i := slices.IndexFunc(spec.Factors, func(f trial.Factor) bool { return f.Name == factor })
		if i < 0 || len(spec.Factors[i].Levels) < atLeast {
			t.Errorf("quick.yaml has fewer than %d levels of %s", atLeast, factor)
		}
	}
}

func TestFullMatrixHasWhatWasObserved(t *testing.T) {
	spec := load(t, "../podman-vs-docker.yaml")
	for _, level := range []string{"7GiB", "12.5GiB"} {
		if !slices.ContainsFunc(spec.Factors[1].Levels, func(l trial.Level) bool { return l.Name == level }) {
			t.Errorf("memory has no level %s", level)
		}
	}
	if cells := len(spec.Cells()); cells != 32 {
		t.Errorf("%d cells", cells)
	}
}

// Experiments that ask which strategy to use stop when that is decided. All
// others need as many trials of each cell.
func TestShippedExperimentsStopWhenDecided(t *testing.T) {
	for file, want := range map[string]string{"../podman-vs-docker.yaml": spec.StopDecided, "../quick.yaml": spec.StopDecided,
		"../memory-frontier.yaml": "", "../crash-repro.yaml": "", "../adaptive.yaml": "", "../speed.yaml": "", "../nightly.yaml": "", "../faults/fault-matrix.yaml": "", "../nightly-demo/1-before.yaml": ""} {
		if got := load(t, file).Design.Stop; got != want {
			t.Errorf("%s stops %q, want %q", file, got, want)
		}
	}
}

// The hypotheses of adaptive.yaml are about three ways to build, and a fourth one that
// only parallel builds have; Docker has one version.
func TestAdaptiveComparesFourWays(t *testing.T) {
	spec := load(t, "../adaptive.yaml")
	ways := map[string]int{}
	cells := spec.Cells()
	for _, cell := range cells {
		strategy, _ := cell.Level("strategy")
		after, _ := cell.Level("onCrash")
		ways[strategy+" "+after]++
	}
	if len(cells) != 24 || len(ways) != 4 || ways["parallel serial"] != 6 {
		t.Errorf("%d cells: %v", len(cells), ways)
	}
	kinds := map[trial.HypothesisKind]bool{}
	for _, h := range spec.Design.Hypotheses {
		kinds[h.Kind] = true
	}
	if len(kinds) != len(trial.HypothesisKinds()) {
		t.Errorf("hypotheses of %d kinds", len(kinds))
	}
}

// Each way of speed.yaml differs from the first levels in what it says, and runs on both
// engines. Each hypothesis has trials on both of its sides that differ in nothing else.
func TestSpeedComparesLikeWithLike(t *testing.T) {
	spec := load(t, "../speed.yaml")
	cells := spec.Cells()
	if len(cells) != 2*len(spec.Design.Cells) {
		t.Errorf("%d cells", len(cells))
	}
	for _, h := range spec.Design.Hypotheses {
		pairs := 0
		for _, cell := range cells {
			if !h.Of.In(cell) {
				continue
			}
			other := trial.Levels{}
			for _, a := range cell {
				other[a.Factor] = a.Level
			}
			if slices.ContainsFunc(cells, other.With(h.Against).In) {
				pairs++
			}
		}
		if pairs != 2 {
			t.Errorf("%+v has %d cells to compare", h, pairs)
		}
	}
}

func load(t *testing.T, file string) *spec.Spec {
	t.Helper()
	spec, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestNightlyDemoLoads: the states of the demo are of one experiment and have
// the same cell, or their nights would not make one series.
func TestNightlyDemoLoads(t *testing.T) {
	files, err := filepath.Glob("../nightly-demo/[0-9]-*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("states of the nightly demo: %q, %v; want 4", files, err)
	}
	for _, file := range files {
		spec, err := spec.Load(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		cells := spec.Cells()
		if spec.Name != "nightly-demo" || len(cells) != 1 || cells[0].Key() != "runtime=podman strategy=serial" {
			t.Errorf("%s is of experiment %s with the cells %v", file, spec.Name, cells)
		}
	}
}
