package analyse_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/simulated"
)

// run builds a simulated run: a list of set-up times per strategy, by block;
// 0 is a crash that cost 100 s and 20 s of recovery.
func run(times map[string][]float64, order ...string) results.Run {
	r := results.Run{Dir: "simulated"}
	position := 0
	for _, strategy := range order {
		cell := trial.Cell{{Factor: "strategy", Level: strategy}}
		r.Plan.Cells = append(r.Plan.Cells, cell)
		for i, s := range times[strategy] {
			position++
			rec := results.Record{Schema: results.Schema, Kind: results.KindTrial, Simulated: true,
				Trial:   trial.Trial{ID: fmt.Sprintf("t%03d", position), Cell: cell, Block: i + 1, Position: position},
				Verdict: trial.Verdict{Outcome: trial.OK}}
			if s > 0 {
				setup := trial.Seconds(s * 1e9)
				rec.Setup, rec.Elapsed = &setup, setup
			} else {
				rec.Verdict = trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild}
				rec.Elapsed = 120e9
				rec.Spans = []trial.Span{{Name: "recovery", Start: 100e9, End: 120e9}}
			}
			r.Records = append(r.Records, rec)
		}
	}
	return r
}

func analysed(t *testing.T, runs ...results.Run) analyse.Analysis {
	t.Helper()
	a, err := analyse.Gather(runs).Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Fatalf("the analysis is no JSON: %v", err)
	}
	return a
}

func near(t *testing.T, what string, got analyse.Value, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance) {
		t.Errorf("%s = %v, want %v", what, float64(got), want)
	}
}

// The worked example behind this tool: serial 0 of 5, parallel 2 of 2 crashed.
// Clopper-Pearson by R's binom.test; Boschloo by SciPy's boschloo_exact.
func TestSerialAgainstParallel(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"serial": {300, 310, 320, 330, 340}, "parallel": {0, 0}}, "serial", "parallel"))
	serial, parallel := a.Cells[0], a.Cells[1]
	near(t, "serial lower", serial.Failed.Interval.Lower, 0, 0)
	near(t, "serial upper", serial.Failed.Interval.Upper, 0.5218237501, 1e-9)
	near(t, "parallel lower", parallel.Failed.Interval.Lower, 0.1581138830, 1e-9)
	near(t, "Boschloo", a.Compared[0].Rates.P, 0.03036, 1e-5)
	near(t, "difference", a.Compared[0].Rates.Difference, -1, 0)
	if serial.SetupTime.Interval.Bounded() {
		t.Error("five times bound a median at 95 %")
	}
	if !parallel.RunningTime.Infinite || !(parallel.RunningTime.Floor > 0) {
		t.Errorf("running time without a success: %+v", parallel.RunningTime)
	}
	if serial.CleanRuns != 29 {
		t.Errorf("clean runs for 10 %% = %d, want 29", serial.CleanRuns)
	}
}

// Three successes of 11, one crash of 4+3: 38/... by the definition of the
// expected running time: all time over successes.
func TestExpectedRunningTimeCountsFailures(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"2+1": {60, 60, 0}}, "2+1"))
	near(t, "expected running time", a.Cells[0].RunningTime.Mean, (60+60+120)/2.0, 1e-9)
	near(t, "restricted mean", a.Cells[0].RestrictedMean.Mean, 60, 1e-9)
}

// Inside blocks each pair can only be swapped: with 5 blocks the least
// two-sided p is 2/32, with 6 it is 2/64.
func TestPermutationIsInsideBlocks(t *testing.T) {
	five := analysed(t, run(map[string][]float64{"serial": {100, 200, 300, 400, 500}, "parallel": {90, 190, 290, 390, 490}}, "serial", "parallel"))
	near(t, "p of 5 blocks", five.Compared[0].Time.P, 2.0/32, 1e-12)
	if kinds(five.Compared[0].Warnings)[analyse.FewTrials] == 0 {
		t.Error("no warning that 5 blocks cannot reach 0.05")
	}
	six := analysed(t, run(map[string][]float64{"serial": {100, 200, 300, 400, 500, 600}, "parallel": {90, 190, 290, 390, 490, 590}}, "serial", "parallel"))
	near(t, "p of 6 blocks", six.Compared[0].Time.P, 2.0/64, 1e-12)
}

func TestHolmOverTheComparisonsAskedFor(t *testing.T) {
	data := run(map[string][]float64{"serial": {100, 200, 300, 400, 500, 600}, "parallel": {90, 190, 290, 390, 490, 590}, "2+1": {95, 205, 295, 405, 495, 595}}, "serial", "parallel", "2+1")
	all := analysed(t, data)
	one, err := analyse.Gather([]results.Run{data}).Analyse([]analyse.Question{{Factor: "strategy", First: "serial", Second: "parallel"}})
	if err != nil || len(all.Compared) != 3 || len(one.Compared) != 1 {
		t.Fatalf("%d and %d comparisons, %v", len(all.Compared), len(one.Compared), err)
	}
	near(t, "one", one.Compared[0].Time.Adjusted, 2.0/64, 1e-12)
	near(t, "of three", all.Compared[0].Time.Adjusted, 3*2.0/64, 1e-12)
}

func TestNothingRunIsNothingRanked(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"serial": {100, 110}}, "serial", "parallel"))
	if a.Cells[1].N != 0 || !a.Compared[0].NotRun || a.Compared[0].Time.P.Finite() || a.Compared[0].Rates.P.Finite() {
		t.Errorf("parallel was not run, and: %+v", a.Compared[0])
	}
	if kinds(a.Cells[1].Warnings)[analyse.NotRun] == 0 {
		t.Error("no warning that parallel was not run")
	}
}

func TestOneTrialAndAllCrashed(t *testing.T) {
	one := analysed(t, run(map[string][]float64{"serial": {100}}, "serial"))
	if len(one.Compared) != 0 || one.Cells[0].SetupTime.Interval.Bounded() {
		t.Errorf("one trial: %+v", one)
	}
	none := analysed(t, run(map[string][]float64{"serial": {0, 0, 0}, "parallel": {0, 0, 0}}, "serial", "parallel"))
	if none.Cells[0].SetupTime.N != 0 || !none.Cells[0].RunningTime.Infinite {
		t.Errorf("all crashed: %+v", none.Cells[0])
	}
	near(t, "p of no difference", none.Compared[0].Time.P, 1, 0)
}

func TestInvalidTrialsEnterNoSample(t *testing.T) {
	r := run(map[string][]float64{"serial": {100, 110, 120}}, "serial")
	r.Records[1].Verdict.Outcome = trial.RunnerFault
	a := analysed(t, r)
	if a.Cells[0].N != 2 || a.Cells[0].Invalid != 1 {
		t.Errorf("n = %d, invalid = %d", a.Cells[0].N, a.Cells[0].Invalid)
	}
}

func TestResidueIsReported(t *testing.T) {
	r := run(map[string][]float64{"serial": {100, 110, 120}}, "serial")
	for i := range r.Records {
		r.Records[i].Machine.EngineVersion = "5.4." + fmt.Sprint(i/2)
	}
	a := analysed(t, r)
	if kinds(a.Cells[0].Warnings)[analyse.Residue] != 1 {
		t.Errorf("warnings: %+v", a.Cells[0].Warnings)
	}
}

func kinds(warnings []analyse.Warning) map[analyse.WarningKind]int {
	n := map[analyse.WarningKind]int{}
	for _, w := range warnings {
		n[w.Kind]++
	}
	return n
}

// Three images built together take longer than each alone, in the cell that
// differs in the strategy only: by the made-up world's own shares the parallel
// phase is as long as its longest image, and the serial one's is half of it.
func TestContentionIsMadeVisible(t *testing.T) {
	var arms []simulated.Arm
	for _, strategy := range []string{"serial", "parallel"} {
		arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: strategy}}, Median: 1000, Spread: 0.02})
	}
	a := analysed(t, simulated.Run(simulated.WithBuilds(arms), 6, 1))
	serial, parallel := a.Cells[0].Contention, a.Cells[1].Contention
	if serial.Concurrency != 1 || parallel.Concurrency != 3 || len(parallel.Images) != 3 {
		t.Fatalf("%+v, %+v", serial, parallel)
	}
	for _, i := range parallel.Images {
		if !(i.Slowdown > 1.8 && i.Slowdown < 2.2) || !(i.SlowdownInterval.Lower > 1.5) || i.Time.N != 6 || i.AloneTime.N != 6 {
			t.Errorf("%+v", i)
		}
	}
	if b := parallel.Bound; !(b.Reached > 0.45 && b.Reached < 0.55) || !(serial.Bound.Reached > 0.9) {
		t.Errorf("bounds %+v, %+v", serial.Bound, b)
	}
}
