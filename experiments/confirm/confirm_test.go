package confirm

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func factors(levels ...string) []trial.Factor {
	f := trial.Factor{Name: "strategy"}
	for _, l := range levels {
		f.Levels = append(f.Levels, trial.Level{Name: l, Value: l})
	}
	return []trial.Factor{{Name: "runtime", Levels: []trial.Level{{Name: "podman", Value: "podman"}, {Name: "docker", Value: "docker"}}}, f}
}

func TestChoose(t *testing.T) {
	present := &spec.Spec{Path: "spec.yaml", Factors: factors("serial", "parallel", "2+1")}
	good := &spec.Spec{Factors: factors("serial", "parallel")}
	slices.Reverse(good.Factors)
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{[]string{"strategy=serial"}, "[podman serial docker serial]"},
		{[]string{"runtime=podman strategy=parallel"}, "[podman parallel]"},
		{[]string{"strategy=serial, runtime=docker", "strategy=parallel,runtime=podman"}, "[podman parallel docker serial]"},
		{[]string{"strategy=serial", "runtime=docker,strategy=serial"}, "[podman serial docker serial]"},
	} {
		if got, err := choose(present, good, c.texts); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%q: %v, %v; want %s", c.texts, got, err, c.want)
		}
	}
	for _, texts := range [][]string{nil, {"strategy=2+1"}, {"strategy=parallell"}, {"strategy"}, {""}} {
		if got, err := choose(present, good, texts); !errors.Is(err, ErrCells) {
			t.Errorf("%q: %v, %v", texts, got, err)
		}
	}
}

// Every block runs each chosen cell once in each state, in an order of its own;
// the present spec stays as it is.
func TestStatesAreInterleavedInBlocks(t *testing.T) {
	present := &spec.Spec{Name: "nightly", Factors: factors("serial", "parallel"), Design: spec.Design{Replicates: 3, WarmUp: 1, Stop: spec.StopDecided}}
	combined := combine(present, 6)
	cells := present.Cells()[1:3]
	if len(present.Factors) != 2 || present.Design.Replicates != 3 || combined.Name != "nightly-confirm" || combined.Design.Stop != "" {
		t.Errorf("present %+v, combined %+v", present, combined)
	}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		p := plan.Of(combined, inStates(cells), seed)
		if len(p.Trials) != 4+6*4 || !p.Trials[3].WarmUp || p.Trials[4].WarmUp {
			t.Fatalf("%d trials, want a warm-up of each engine in each state and six blocks of four", len(p.Trials))
		}
		for block := range 6 {
			seen, order := map[string]bool{}, ""
			for _, tr := range p.Trials[4+4*block:][:4] {
				seen[tr.Cell.Key()] = true
				order += tr.Cell.Key() + ";"
			}
			if len(seen) != 4 {
				t.Fatalf("seed %d: block %d has %v", seed, block+1, seen)
			}
			orders[order] = true
		}
	}
	if len(orders) < 15 {
		t.Errorf("only %d orders in 120 blocks", len(orders))
	}
}

func TestCellsOfOneRegistryCannotBeToldApart(t *testing.T) {
	present := &spec.Spec{Factors: factors("serial", "registry")}
	good := *present
	good.Settings.Registry.Prefix = "registry.example.com/bench"
	all := present.Cells()
	if err := separable([]*spec.Spec{&good, present}, all); !errors.Is(err, ErrCells) {
		t.Error(err)
	}
	if err := errors.Join(separable([]*spec.Spec{present, present}, all), separable([]*spec.Spec{&good, present}, all[:1])); err != nil {
		t.Error(err)
	}
}

func TestBlocks(t *testing.T) {
	// 1/2^5 ≤ 0.05; 2/2^6 ≤ 0.05; 9/2^8 ≤ 0.05.
	for want, o := range map[int]Options{6: {Metrics: []study.Metric{study.MetricSetup}}, 9: {}, 3: {Blocks: 3}} {
		if got := blocks(o, 1); got != want {
			t.Errorf("%+v: %d blocks, want %d", o, got, want)
		}
	}
}

func simulatedRun(t *testing.T, good, present float64, blocks int) results.Run {
	t.Helper()
	var arms []simulated.Arm
	for _, cell := range inStates([]trial.Cell{{{Factor: "runtime", Level: "podman"}}}) {
		median := good
		if level, _ := cell.Level(results.StateFactor); level == results.Present {
			median = present
		}
		arms = append(arms, simulated.Arm{Cell: cell, Median: median, Spread: 0.03})
	}
	return simulated.Run(arms, blocks, 1)
}

func TestJudge(t *testing.T) {
	setup := []study.Metric{study.MetricSetup}
	for _, c := range []struct {
		present float64
		blocks  int
		want    answer.WorseningVerdict
	}{
		{150, 6, answer.Confirmed}, {100, 6, answer.NotConfirmed}, {70, 6, answer.NotConfirmed}, {150, 4, answer.TooFew},
	} {
		measured := study.Gather([]results.Run{simulatedRun(t, 100, c.present, c.blocks)})
		w, err := answer.Worsened(measured, results.StateFactor, results.LastGood, results.Present, setup)
		if err != nil || w.Verdict != c.want {
			t.Errorf("%g s in %d blocks: %s, %v; want %s", c.present, c.blocks, w.Verdict, err, c.want)
		}
	}
}

func TestEngineChangesAreSeen(t *testing.T) {
	good, again := simulatedRun(t, 1, 1, 1), simulatedRun(t, 1, 1, 2)
	for i := range good.Records {
		good.Records[i].Trial.Cell = results.WithoutState(good.Records[i].Trial.Cell)
		good.Records[i].Machine.Runtime, good.Records[i].Machine.EngineVersion = "podman", "5.4.2"
	}
	for i := range again.Records {
		again.Records[i].Machine.Runtime, again.Records[i].Machine.EngineVersion = "podman", "5.5.0"
	}
	if got := fmt.Sprint(EngineChanges(good, again)); got != "[podman 5.4.2 → 5.5.0]" {
		t.Error(got)
	}
	if got := EngineChanges(good, good); len(got) != 0 {
		t.Error(got)
	}
}
