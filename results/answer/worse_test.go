package answer

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// states is a run of two states: set-up times by block, 0 is a crash.
func states(good, present []float64) results.Run {
	r := results.Run{Dir: "simulated"}
	for level, times := range map[string][]float64{"good": good, "present": present} {
		cell := trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: "state", Level: level}}
		r.Plan.Cells = append(r.Plan.Cells, cell)
		for i, s := range times {
			rec := results.Record{Schema: results.Schema, Kind: results.KindTrial, Simulated: true,
				Trial:   trial.Trial{ID: fmt.Sprint(level, i), Cell: cell, Block: i + 1, Position: 2 * i},
				Verdict: trial.Verdict{Outcome: trial.OK}, Elapsed: trial.Seconds(s * 1e9)}
			if setup := rec.Elapsed; s > 0 {
				rec.Setup = &setup
			} else {
				rec.Verdict, rec.Elapsed = trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild}, 120e9
			}
			r.Records = append(r.Records, rec)
		}
	}
	return r
}

func worsened(t *testing.T, r results.Run, asked ...study.Metric) Worsening {
	t.Helper()
	w, err := Worsened(study.Gather([]results.Run{r}), "state", "good", "present", asked)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(w); err != nil {
		t.Fatal(err)
	}
	return w
}

func in(t *testing.T, w Worsening, m study.Metric) Worse {
	t.Helper()
	for _, c := range w.Comparisons {
		if c.Metric == m {
			return c
		}
	}
	t.Fatalf("no comparison of %s", m)
	return Worse{}
}

func isNear(t *testing.T, what string, got study.Value, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, float64(got), want)
	}
}

// With a pair in each of five blocks there are 2^5 = 32 arrangements; of those
// only the one observed puts all of the smaller times on one side.
func TestAWorseningInEveryBlock(t *testing.T) {
	w := worsened(t, states([]float64{100, 101, 102, 103, 104}, []float64{120, 121, 122, 123, 124}), study.MetricSetup)
	setup := in(t, w, study.MetricSetup)
	isNear(t, "p", setup.P, 1.0/32, 1e-12)
	isNear(t, "change", setup.Change, 122.0/102-1, 1e-3)
	isNear(t, "lower", setup.Interval.Lower, 124.0/104-1, 1e-12)
	if w.Verdict != Confirmed || !setup.Worse || w.Blocks != 5 || setup.Cell.Key() != "runtime=podman" {
		t.Errorf("%s, %d blocks needed, %+v", w.Verdict, w.Blocks, setup)
	}
	back := worsened(t, states([]float64{120, 121, 122, 123, 124}, []float64{100, 101, 102, 103, 104}), study.MetricSetup)
	if isNear(t, "p of an improvement", in(t, back, study.MetricSetup).P, 1, 1e-12); back.Verdict != NotConfirmed {
		t.Error(back.Verdict)
	}
}

// The one block in which the present state is faster differs least: its rank is
// 1, and p is 2/32.
func TestOneBlockTheOtherWay(t *testing.T) {
	w := worsened(t, states([]float64{10, 11, 12, 13, 15}, []float64{20, 21, 22, 23, 14}), study.MetricSetup)
	isNear(t, "p", in(t, w, study.MetricSetup).P, 2.0/32, 1e-12)
	if w.Verdict != NotConfirmed {
		t.Error(w.Verdict)
	}
}

// Both must be passed: the test, and a change of 5 %.
func TestASmallWorseningIsNotConfirmed(t *testing.T) {
	w := worsened(t, states([]float64{100, 101, 102, 103, 104}, []float64{103.5, 104.6, 105.5, 106.5, 107.5}), study.MetricSetup)
	if setup := in(t, w, study.MetricSetup); w.Verdict != NotConfirmed || float64(setup.P) > 0.05 || setup.Worse {
		t.Errorf("%s: %+v", w.Verdict, setup)
	}
}

// A crash ranks behind all times. Fisher's one-sided p of 0 of 5 against 5 of 5
// is 1/252.
func TestCrashesAreWorse(t *testing.T) {
	w := worsened(t, states([]float64{100, 101, 102, 103, 104}, []float64{0, 0, 0, 0, 0}), study.MetricFailures)
	failures := in(t, w, study.MetricFailures)
	isNear(t, "p", failures.P, 1.0/252, 1e-12)
	isNear(t, "change", failures.Change, 1, 0)
	if setup := in(t, w, study.MetricSetup); w.Verdict != Confirmed || setup.Asked || setup.Worse || !math.IsInf(float64(setup.Change), 1) {
		t.Errorf("%s, setup %+v", w.Verdict, setup)
	}
}

// Four pairs give 1/16 at best; and all metrics asked for at once need more
// blocks than one does.
func TestTooFewBlocksAreSaid(t *testing.T) {
	if w := worsened(t, states([]float64{1, 1.1, 1.2, 1.3}, []float64{9, 9.1, 9.2, 9.3}), study.MetricSetup); w.Verdict != TooFew || w.Blocks != 5 {
		t.Errorf("%s, %d blocks needed", w.Verdict, w.Blocks)
	}
	if w := worsened(t, states([]float64{1, 1.1, 1.2, 1.3, 1.4}, []float64{1.1, 1, 1.3, 1.2, 1.4})); w.Verdict != TooFew || w.Blocks != 6 {
		t.Errorf("%s, %d blocks needed for setup and failures", w.Verdict, w.Blocks)
	}
	if w := worsened(t, states([]float64{1, 1.1, 1.2, 1.3, 1.4}, nil), study.MetricSetup); w.Verdict != TooFew {
		t.Errorf("a side that was not run: %s", w.Verdict)
	}
}

func TestMetricsOfATrial(t *testing.T) {
	r := states([]float64{100}, []float64{0})
	of := func(level string) *results.Record {
		for i := range r.Records {
			if l, _ := r.Records[i].Trial.Cell.Level("state"); l == level {
				return &r.Records[i]
			}
		}
		return nil
	}
	good, present := of("good"), of("present")
	good.Spans = []trial.Span{{Name: "build", Phase: trial.PhaseBuild, Start: 1e9, End: 31e9}, {Name: "load", Phase: trial.PhaseLoad, Start: 31e9, End: 36e9}}
	good.Samples = []trial.Sample{{Memory: 1 << 30}, {Memory: 3 << 30}, {Memory: 2 << 30}}
	good.Tests = []trial.TestResult{{Status: trial.TestFail}, {Status: trial.TestFail, Known: true}, {Status: trial.TestPass}}
	present.Spans = []trial.Span{{Name: "build", Phase: trial.PhaseBuild, Start: 1e9, End: 90e9, Error: "gone"}}
	w := worsened(t, r)
	build, load := in(t, w, "build"), in(t, w, "load")
	if build.N != [2]int{1, 1} || build.Typical[0] != 30 || !math.IsInf(float64(build.Typical[1]), 1) {
		t.Errorf("build: %+v", build)
	}
	if load.N != [2]int{1, 0} || load.Typical[0] != 5 || load.P.Finite() {
		t.Errorf("load, which never began: %+v", load)
	}
	if m := in(t, w, study.MetricPeakMemory); m.Typical[0] != 3<<30 || m.N[1] != 0 {
		t.Errorf("memory: %+v", m)
	}
	if m := in(t, w, study.MetricFailedTests); m.Typical[0] != 1 || m.N[1] != 0 {
		t.Errorf("failed tests: %+v", m)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	s := study.Gather([]results.Run{states([]float64{1}, []float64{1})})
	for _, c := range [][3]string{{"mood", "good", "present"}, {"state", "good", "past"}} {
		if _, err := Worsened(s, c[0], c[1], c[2], nil); err == nil {
			t.Errorf("%v was compared", c)
		}
	}
}
