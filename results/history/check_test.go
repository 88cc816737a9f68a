package history

import (
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

// enough is a history long enough to judge by.
const enough = 40

func judged(t *testing.T, nights int, alter func(int, *simulated.Night)) (*History, Check) {
	t.Helper()
	h := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), nights, 7, alter))...)
	return h, check(h)
}

func check(h *History) Check {
	return h.Check("nightly", "simulated", detect.DefaultThreshold)
}

func count(c Check, kind FindingKind) (n int) {
	for _, f := range c.Findings {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

func lines(c Check) string {
	var all []string
	for _, f := range c.Findings {
		all = append(all, string(f.Kind)+" "+f.Cell.String()+" "+string(f.Metric)+" ["+told(f.Causes)+"]")
	}
	return strings.Join(append(all, c.Why...), "\n")
}

func TestVerdicts(t *testing.T) {
	slower := func(by float64) func(*simulated.Night) {
		return func(n *simulated.Night) { n.Arms[0].Median *= by; n.Engine = "1.1.0" }
	}
	for name, c := range map[string]struct {
		nights int
		at     int
		alter  func(*simulated.Night)
		want   Verdict
	}{
		"quiet":                  {enough, 30, func(*simulated.Night) {}, NoRegression},
		"a step":                 {enough, enough - 3, slower(1.3), Regression},
		"a step that stands":     {enough + 20, enough, slower(1.3), Regression},
		"an improvement":         {enough, enough - 3, slower(0.7), NoRegression},
		"crashes":                {enough, enough - 4, func(n *simulated.Night) { n.Arms[0].Crash, n.Arms[0].Lost = 0.9, 100 }, Regression},
		"failed tests":           {enough, enough - 4, func(n *simulated.Night) { n.FailedTests = 2 }, Regression},
		"memory":                 {enough, enough - 3, func(n *simulated.Night) { n.Memory = 3 << 30 }, Regression},
		"too few nights":         {4, 1, func(*simulated.Night) {}, Inconclusive},
		"a slow host":            {enough, enough - 2, func(n *simulated.Night) { n.Slow = 1.5 }, NotFit},
		"a busy host":            {enough, enough - 1, func(n *simulated.Night) { n.Load = results.Load{Load1: 9} }, NotFit},
		"a cell that is missing": {enough, enough - 1, func(n *simulated.Night) { n.Blocks = 0 }, NoData},
	} {
		_, got := judged(t, c.nights, func(night int, n *simulated.Night) {
			if night == c.at {
				c.alter(n)
			}
		})
		if got.Verdict != c.want {
			t.Errorf("%s: %s, want %s\n%s", name, got.Verdict, c.want, lines(got))
		}
		if (got.Needs > 0) != (name == "too few nights") {
			t.Errorf("%s: needs %d more nights", name, got.Needs)
		}
		if !got.Simulated {
			t.Errorf("%s is not marked as simulated", name)
		}
	}
}

func TestARegressionNamesItsCause(t *testing.T) {
	_, c := judged(t, enough, func(night int, n *simulated.Night) {
		if night == enough-3 {
			n.Arms[0].Median *= 1.3
			n.Engine = "1.1.0"
		}
	})
	if len(c.Findings) == 0 {
		t.Fatal("no finding")
	}
	i := slices.IndexFunc(c.Findings, func(f Finding) bool { return f.Metric == study.MetricSetup && !f.Better })
	if i < 0 {
		t.Fatalf("no finding on set-up time:\n%s", lines(c))
	}
	f := c.Findings[i]
	if f.Cell.String() != "serial" || f.Ratio < 1.2 || f.Ratio > 1.4 || f.Interval.Lower > 1.3 || f.Interval.Upper < 1.3 {
		t.Errorf("finding %+v, want serial, 1.3", f)
	}
	if len(f.Causes) != 1 || f.Causes[0].What != "engine" || f.Causes[0].To != "1.1.0" || f.Causes[0].RunID != f.Since.RunID {
		t.Errorf("causes %+v, want the engine in the night of the change", f.Causes)
	}
}

// Once accepted, a change is no longer reported, and what comes later is.
func TestAcceptedChangesAreNotReportedAgain(t *testing.T) {
	world := func(night int, n *simulated.Night) {
		switch night {
		case enough - 3:
			n.Arms[0].Median *= 1.3
		case enough + 30:
			n.Arms[0].Median *= 1.3
		}
	}
	runs := slices.Collect(simulated.Nights("nightly", arms(), enough+33, 7, world))
	dir, h := filled(t, runs[:enough]...)
	c := check(h)
	if c.Verdict != Regression {
		t.Fatalf("%s", lines(c))
	}
	for _, f := range c.Findings {
		if _, err := h.Decide(Baseline{Do: BaselineAccept, When: later, Who: "someone", Reason: "wanted", Experiment: "nightly", Host: "simulated",
			RunID: f.Since.RunID, From: f.Since.When, Cell: f.Cell, Metric: f.Metric, Finding: f.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if c := check(read(t, dir)); c.Verdict == Regression {
		t.Errorf("after accepting: %s\n%s", c.Verdict, lines(c))
	}
	addTo(t, h, runs[enough:enough+30]...)
	if c := check(h); c.Verdict != NoRegression {
		t.Errorf("quiet nights after accepting: %s\n%s", c.Verdict, lines(c))
	}
	addTo(t, h, runs[enough+30:]...)
	if c := check(h); c.Verdict != Regression {
		t.Errorf("a second step after accepting the first: %s\n%s", c.Verdict, lines(c))
	}
}

func TestJudgingStartsAtTheRunThatIsSet(t *testing.T) {
	h := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), 2*enough, 7, func(night int, n *simulated.Night) {
		if night == enough {
			n.Arms[0].Median *= 1.3
		}
	}))...)
	if c := check(h); c.Verdict != Regression {
		t.Fatalf("%s", lines(c))
	}
	first := h.Runs[enough]
	if _, err := h.Decide(Baseline{Do: BaselineSet, When: later, Who: "someone", Reason: "new hardware", Experiment: "nightly", Host: "simulated",
		RunID: first.RunID, From: first.Environment.Started}); err != nil {
		t.Fatal(err)
	}
	if c := check(h); c.Verdict != NoRegression {
		t.Errorf("%s\n%s", c.Verdict, lines(c))
	}
}

func TestNoRunsIsNoData(t *testing.T) {
	if c := check(newHistory(t.TempDir(), later)); c.Verdict != NoData {
		t.Errorf("an empty history is %s", c.Verdict)
	}
}

func TestACellOutOfThePlanIsNotMissed(t *testing.T) {
	runs := nights(6)
	last := &runs[5]
	last.Plan.Cells = last.Plan.Cells[:1]
	last.Records = slices.DeleteFunc(last.Records, func(r results.Record) bool {
		return r.Kind == results.KindTrial && r.Trial.Cell.Key() != last.Plan.Cells[0].Key()
	})
	h := recorded(t, runs...)
	if c := check(h); len(c.Missing) > 0 {
		t.Errorf("missing %v", c.Missing)
	}
	last.Plan.Cells = append(last.Plan.Cells, trial.Cell(arms()[1].Cell))
	h = recorded(t, runs...)
	if c := check(h); len(c.Missing) != 1 || c.Verdict != NoData {
		t.Errorf("missing %v, %s", c.Missing, c.Verdict)
	}
}
