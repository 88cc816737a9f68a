package analyse_test

import (
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/simulated"
)

// Blocks in which one arm always crashes and the other never does give
// e = 1, 3.01, 10.28, 36.8: over 1/0.05 from the fourth on (arXiv 2106.02693,
// formula of safestats).
func TestFourOneSidedBlocksDecide(t *testing.T) {
	times := map[string][]float64{}
	for block := 1; block <= 5; block++ {
		times["serial"], times["parallel"] = append(times["serial"], 300+float64(block)), append(times["parallel"], 0)
		stop, err := analyse.Gather([]results.Run{run(times, "serial", "parallel")}).Stopping(nil, 0.5)
		if err != nil || stop.Settled != (block >= 4) {
			t.Errorf("after block %d: %+v, %v", block, stop, err)
		}
	}
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

// With four blocks planned three one-sided ones decide: under equal rates
// their probability is at most 2/64, and three quarters of 0.05 may be spent
// by then; with five planned that is 0.03, too little.
func TestAPlanSpendsAlphaByItsBlocks(t *testing.T) {
	times := map[string][]float64{"serial": {1, 2, 3}, "parallel": {0, 0, 0}}
	for blocks, settled := range map[int]bool{4: true, 5: false} {
		stop, err := analyse.Gather([]results.Run{planned(run(times, "serial", "parallel"), blocks)}).Stopping(nil, 0.9)
		if err != nil || stop.Settled != settled {
			t.Errorf("%d blocks planned: %+v, %v", blocks, stop, err)
		}
	}
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

// A comparison with a retired cell gets no more blocks: it keeps no run going.
func TestARetiredCellKeepsNothingWaiting(t *testing.T) {
	arms := []simulated.Arm{arm("serial", 600, 0.6), arm("parallel", 300, 1)}
	stop, err := analyse.Gather([]results.Run{simulated.Run(arms, 12, 3)}).Stopping(nil, 0.5)
	if err != nil || len(stop.Retire) != 1 || stop.Open != 0 || !stop.Settled {
		t.Errorf("%+v, %v", stop, err)
	}
}

func TestWhatKeepsFailingIsRetired(t *testing.T) {
	dead := arm("parallel", 300, 1)
	stop, err := analyse.Gather([]results.Run{simulated.Run([]simulated.Arm{arm("serial", 600, 0), dead}, 15, 1)}).Stopping(nil, 0.5)
	if err != nil || len(stop.Retire) != 1 || stop.Retire[0].String() != "parallel" {
		t.Errorf("%+v, %v", stop, err)
	}
}

// Equal arms are called different in at most 5 % of runs, however often one
// looks.
func TestPeekingDoesNotErr(t *testing.T) {
	const runs = 300
	wrong := 0
	for seed := range uint64(runs) {
		stop, err := analyse.Gather([]results.Run{simulated.Run([]simulated.Arm{arm("serial", 300, 0.3), arm("parallel", 300, 0.3)}, 20, seed)}).Stopping(nil, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if stop.Decided > 0 {
			wrong++
		}
	}
	// Of 300 at 5 % more than 27 are found in one of a thousand simulations;
	// the error itself is counted out in the tests of the statistics.
	if wrong > 27 {
		t.Errorf("%d of %d runs found a difference that was not there", wrong, runs)
	}
}
