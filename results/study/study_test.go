package study_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
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

func analysed(t *testing.T, runs ...results.Run) study.Analysis {
	t.Helper()
	a := study.Gather(runs).Analyse()
	if _, err := json.Marshal(a); err != nil {
		t.Fatalf("the analysis is no JSON: %v", err)
	}
	return a
}

func near(t *testing.T, what string, got study.Value, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance) {
		t.Errorf("%s = %v, want %v", what, float64(got), want)
	}
}

// The worked example behind this tool: serial 0 of 5, parallel 2 of 2 crashed.
// Clopper-Pearson by R's binom.test.
func TestSerialAgainstParallel(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"serial": {300, 310, 320, 330, 340}, "parallel": {0, 0}}, "serial", "parallel"))
	serial, parallel := a.Cells[0], a.Cells[1]
	near(t, "serial lower", serial.Failed.Interval.Lower, 0, 0)
	near(t, "serial upper", serial.Failed.Interval.Upper, 0.5218237501, 1e-9)
	near(t, "parallel lower", parallel.Failed.Interval.Lower, 0.1581138830, 1e-9)
	if serial.SetupTime.Interval.Bounded() {
		t.Error("five times bound a median at 95 %")
	}
	if !math.IsInf(float64(parallel.WithRetries), 1) {
		t.Errorf("time with retries and no success: %v", parallel.WithRetries)
	}
}

// All time over successes.
func TestTimeWithRetriesCountsFailures(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"2+1": {60, 60, 0}}, "2+1"))
	near(t, "time with retries", a.Cells[0].WithRetries, (60+60+120)/2.0, 1e-9)
}

func TestNothingRunIsNothingRanked(t *testing.T) {
	a := analysed(t, run(map[string][]float64{"serial": {100, 110}}, "serial", "parallel"))
	if a.Cells[1].N != 0 || a.Cells[1].Failed.Estimate.Finite() || a.Cells[1].WithRetries.Finite() {
		t.Errorf("parallel was not run, and: %+v", a.Cells[1])
	}
	if kinds(a.Cells[1].Warnings)[study.NotRun] == 0 {
		t.Error("no warning that parallel was not run")
	}
}

func TestOneTrialAndAllCrashed(t *testing.T) {
	one := analysed(t, run(map[string][]float64{"serial": {100}}, "serial"))
	if one.Cells[0].SetupTime.Interval.Bounded() {
		t.Errorf("one trial: %+v", one)
	}
	none := analysed(t, run(map[string][]float64{"serial": {0, 0, 0}, "parallel": {0, 0, 0}}, "serial", "parallel"))
	if none.Cells[0].SetupTime.N != 0 || none.Cells[0].WithRetries.Finite() {
		t.Errorf("all crashed: %+v", none.Cells[0])
	}
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
	if kinds(a.Cells[0].Warnings)[study.Residue] != 1 {
		t.Errorf("warnings: %+v", a.Cells[0].Warnings)
	}
	r.Records[0].Machine.Rootless = true
	if a = analysed(t, r); kinds(a.Cells[0].Warnings)[study.Residue] != 2 {
		t.Errorf("warnings with a rootless engine among others: %+v", a.Cells[0].Warnings)
	}
}

func kinds(warnings []study.Warning) map[study.WarningKind]int {
	n := map[study.WarningKind]int{}
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
	a := analysed(t, simulated.Run(arms, 6, 1))
	serial, parallel := a.Cells[0].Contention, a.Cells[1].Contention
	if len(serial) > 0 || len(parallel) != 3 {
		t.Fatalf("%+v, %+v", serial, parallel)
	}
	for _, i := range parallel {
		if !(i.Slowdown > 1.8 && i.Slowdown < 2.2) || i.N != 6 {
			t.Errorf("%+v", i)
		}
	}
}

func TestMetricsParse(t *testing.T) {
	for _, m := range study.Metrics() {
		if got, err := study.ParseMetric(string(m)); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if _, err := study.ParseMetric("speed"); err == nil || len(study.Metrics()) != 9 {
		t.Error("speed is a metric", study.Metrics())
	}
}
