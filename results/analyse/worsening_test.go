package analyse_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

func worsening(t *testing.T, good, present []float64, asked ...analyse.Metric) analyse.Worsening {
	t.Helper()
	r := run(map[string][]float64{"good": good, "present": present}, "good", "present")
	w, err := analyse.Gather([]results.Run{r}).Worsening("strategy", "good", "present", asked)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(w); err != nil {
		t.Fatal(err)
	}
	return w
}

func of(t *testing.T, w analyse.Worsening, m analyse.Metric) analyse.WorseTest {
	t.Helper()
	for _, one := range w.Tests {
		if one.Metric == m {
			return one
		}
	}
	t.Fatalf("no test of %s", m)
	return analyse.WorseTest{}
}

// With a pair in each of five blocks there are 2^5 = 32 arrangements; of those
// only the one observed puts all of the smaller times on one side.
func TestAWorseningInEveryBlock(t *testing.T) {
	w := worsening(t, []float64{100, 101, 102, 103, 104}, []float64{120, 121, 122, 123, 124}, analyse.MetricSetup)
	setup := of(t, w, analyse.MetricSetup)
	near(t, "p", setup.P, 1.0/32, 1e-12)
	near(t, "smallest p", setup.Smallest, 1.0/32, 1e-12)
	near(t, "change", setup.Change, 122.0/102-1, 1e-12)
	if w.Verdict != analyse.Confirmed || !setup.Worse || w.Blocks != 5 {
		t.Errorf("%s, %d blocks needed, %+v", w.Verdict, w.Blocks, setup)
	}
	back := worsening(t, []float64{120, 121, 122, 123, 124}, []float64{100, 101, 102, 103, 104}, analyse.MetricSetup)
	if near(t, "p of an improvement", of(t, back, analyse.MetricSetup).P, 1, 1e-12); back.Verdict != analyse.NotConfirmed {
		t.Error(back.Verdict)
	}
}

// The ranks of the good times are 1, 2, 3, 4, 6, of the present ones 7, 8, 9,
// 10, 5: exchanging the last pair alone gives a smaller sum, so p is 2/32.
func TestOneBlockTheOtherWay(t *testing.T) {
	w := worsening(t, []float64{10, 11, 12, 13, 15}, []float64{20, 21, 22, 23, 14}, analyse.MetricSetup)
	near(t, "p", of(t, w, analyse.MetricSetup).P, 2.0/32, 1e-12)
	if w.Verdict != analyse.NotConfirmed {
		t.Error(w.Verdict)
	}
}

// Both must be passed: the test, and a change of 5 %.
func TestASmallWorseningIsNotConfirmed(t *testing.T) {
	w := worsening(t, []float64{100, 101, 102, 103, 104}, []float64{103.5, 104.6, 105.5, 106.5, 107.5}, analyse.MetricSetup)
	if setup := of(t, w, analyse.MetricSetup); w.Verdict != analyse.NotConfirmed || float64(setup.P) > 0.05 || setup.Worse {
		t.Errorf("%s: %+v", w.Verdict, setup)
	}
}

// A crash ranks behind all times. Boschloo's one-sided p of 0 of 5 against 5
// of 5 is 0.5^10, at the success rate of one half that makes it largest.
func TestCrashesAreWorse(t *testing.T) {
	w := worsening(t, []float64{100, 101, 102, 103, 104}, []float64{0, 0, 0, 0, 0}, analyse.MetricFailures)
	failures := of(t, w, analyse.MetricFailures)
	near(t, "p", failures.P, math.Pow(0.5, 10), 1e-6)
	near(t, "change", failures.Change, 1, 0)
	if setup := of(t, w, analyse.MetricSetup); w.Verdict != analyse.Confirmed || setup.Asked || setup.Worse || !math.IsInf(float64(setup.Change), 1) {
		t.Errorf("%s, setup %+v", w.Verdict, setup)
	}
}

// Four pairs give 1/16 at best; and all metrics asked for at once need more
// blocks than one does.
func TestTooFewBlocksAreSaid(t *testing.T) {
	if w := worsening(t, []float64{1, 1.1, 1.2, 1.3}, []float64{9, 9.1, 9.2, 9.3}, analyse.MetricSetup); w.Verdict != analyse.TooFew || w.Blocks != 5 {
		t.Errorf("%s, %d blocks needed", w.Verdict, w.Blocks)
	}
	if w := worsening(t, []float64{1, 1.1, 1.2, 1.3, 1.4}, []float64{1.1, 1, 1.3, 1.2, 1.4}); w.Verdict != analyse.TooFew || w.Blocks != 6 {
		t.Errorf("%s, %d blocks needed for setup and failures", w.Verdict, w.Blocks)
	}
	if w := worsening(t, []float64{1, 1.1, 1.2, 1.3, 1.4}, nil, analyse.MetricSetup); w.Verdict != analyse.TooFew {
		t.Errorf("a side that was not run: %s", w.Verdict)
	}
	for tests, blocks := range map[int]int{0: 5, 1: 5, 2: 6, 9: 8, 18: 9} {
		if got := analyse.BlocksToConfirm(tests); got != blocks || math.Pow(0.5, float64(got))*float64(tests) > 0.05 {
			t.Errorf("%d tests need %d blocks, want %d", tests, got, blocks)
		}
	}
}

func TestMetricsOfATrial(t *testing.T) {
	r := run(map[string][]float64{"good": {100}, "present": {0}}, "good", "present")
	good, present := &r.Records[0], &r.Records[1]
	good.Spans = []trial.Span{{Name: "build", Phase: trial.PhaseBuild, Start: 1e9, End: 31e9}, {Name: "load", Phase: trial.PhaseLoad, Start: 31e9, End: 36e9}}
	good.Samples = []trial.Sample{{Memory: 1 << 30}, {Memory: 3 << 30}, {Memory: 2 << 30}}
	good.Tests = []trial.TestResult{{Status: trial.TestFail}, {Status: trial.TestFail, Known: true}, {Status: trial.TestPass}}
	present.Spans = []trial.Span{{Name: "build", Phase: trial.PhaseBuild, Start: 1e9, End: 90e9, Error: "gone"}}
	w, err := analyse.Gather([]results.Run{r}).Worsening("strategy", "good", "present", nil)
	if err != nil {
		t.Fatal(err)
	}
	build, load := of(t, w, "build"), of(t, w, "load")
	if build.N != [2]int{1, 1} || build.Typical[0] != 30 || !math.IsInf(float64(build.Typical[1]), 1) {
		t.Errorf("build: %+v", build)
	}
	if load.N != [2]int{1, 0} || load.Typical[0] != 5 || load.P.Finite() {
		t.Errorf("load, which never began: %+v", load)
	}
	if m := of(t, w, analyse.MetricPeakMemory); m.Typical[0] != 3<<30 || m.N[1] != 0 {
		t.Errorf("memory: %+v", m)
	}
	if m := of(t, w, analyse.MetricFailedTests); m.Typical[0] != 1 || m.N[1] != 0 {
		t.Errorf("failed tests: %+v", m)
	}
}

func TestMetricsParse(t *testing.T) {
	for _, m := range analyse.Metrics() {
		if got, err := analyse.ParseMetric(string(m)); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if _, err := analyse.ParseMetric("speed"); err == nil || len(analyse.Metrics()) != 9 {
		t.Error("speed is a metric", analyse.Metrics())
	}
}
