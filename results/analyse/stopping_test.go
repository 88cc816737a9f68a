package analyse_test

import (
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

// Blocks in which one arm always crashes and the other never does give
// e = 1, 3.01, 10.28, 36.8 (arXiv 2106.02693, formula of safestats).
func TestAnytimeOfFourOneSidedBlocks(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"serial": {1, 1, 1, 1}, "parallel": {0, 0, 0, 0}}, "serial", "parallel"))
	near(t, "anytime p after 4 blocks", a.Compared[0].Rates.Anytime, 1/36.82, 1e-4)
}

// planned gives a run the plan that its records are the beginning of.
func planned(r results.Run, blocks int) results.Run {
	for block := 1; block <= blocks; block++ {
		for _, c := range r.Plan.Cells {
			r.Plan.Trials = append(r.Plan.Trials, trial.Trial{Cell: c, Block: block})
		}
	}
	return r
}

// After a stop the figures that stay valid are the ones reported, and agree
// with the decision; of several runs together no plan is known.
func TestAfterAStopTheValidIntervalIsReported(t *testing.T) {
	data := planned(run(map[string][]float64{"serial": {1, 2, 3}, "parallel": {0, 0, 0}}, "serial", "parallel"), 4)
	fixed := analysed(t, data).Compared[0].Rates
	if fixed.Method != analyse.FixedLength {
		t.Errorf("a run that was not stopped: %+v", fixed)
	}
	data.Looks = []results.Look{{Block: 4, Stopped: true, Reason: "all is decided"}}
	a := analysed(t, data)
	got := a.Compared[0].Rates
	if got.Method != analyse.Sequential || !(got.P <= 0.05) || !(got.Interval.Upper < 0) || got.Interval.Lower < -1 || got.Interval == fixed.Interval {
		t.Errorf("%+v, fixed %+v", got, fixed)
	}
	if kinds(a.Warnings)[analyse.StoppedEarly] != 1 {
		t.Error("no warning that the run was stopped")
	}
	again := data
	again.Dir = "again"
	if got := analysed(t, data, again).Compared[0].Rates; got.Method != analyse.AnytimeValid || got.P != got.Anytime || got.Interval.Upper > 0 {
		t.Errorf("two runs: %+v", got)
	}
}
