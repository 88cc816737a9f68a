package analyse_test

import (
	"testing"

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
	if wrong > 15 {
		t.Errorf("%d of %d runs found a difference that was not there", wrong, runs)
	}
}
