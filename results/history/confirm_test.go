package history

import (
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

// sideBySide is a run of both states in the night after so many.
func sideBySide(nights int, slower float64) results.Run {
	var states []simulated.Arm
	for _, level := range []string{results.LastGood, results.Present} {
		for i, arm := range arms() {
			if i == 0 && level == results.Present {
				arm.Median *= slower
			}
			arm.Cell = append(slices.Clone(arm.Cell), trial.Assignment{Factor: results.StateFactor, Level: level})
			states = append(states, arm)
		}
	}
	var last results.Run
	for run := range simulated.Nights("nightly-confirm", states, nights+1, 3, func(_ int, n *simulated.Night) { n.Blocks = 8 }) {
		last = run
	}
	last.Environment.States = []results.State{{Level: results.LastGood}, {Level: results.Present}}
	return last
}

// What too few nights only suspect, trials of both states decide.
func TestTrialsOfBothStatesDecideWhatIsSuspected(t *testing.T) {
	const nights = 14
	h, before := judged(t, nights, func(night int, n *simulated.Night) {
		if night == 11 {
			n.Arms[0].Median *= 1.3
		}
	})
	if before.Verdict != Inconclusive || count(before, FindingSuspect) == 0 {
		t.Fatalf("before: %s\n%s", before.Verdict, lines(before))
	}
	if good := before.Findings[0].LastGood; good != h.Runs[10].RunID {
		t.Errorf("the last good run is %s, want that of night 11", good)
	}
	for slower, want := range map[float64]Verdict{1.3: Regression, 1: NoRegression} {
		h := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), nights, 7, func(night int, n *simulated.Night) {
			if night == 11 {
				n.Arms[0].Median *= 1.3
			}
		}))...)
		addTo(t, h, sideBySide(nights, slower))
		c := check(h)
		if c.Verdict != want || c.Nights != nights {
			t.Errorf("%v times as slow side by side: %s over %d nights, want %s\n%s", slower, c.Verdict, c.Nights, want, lines(c))
		}
		if want == Regression && c.Findings[0].Certainty != "confirmed" {
			t.Errorf("certainty %s, want confirmed", c.Findings[0].Certainty)
		}
	}
}

// Trials too few to confirm anything, because they were cut short, refute
// nothing either: the suspicion stays.
func TestTooFewTrialsDecideNothing(t *testing.T) {
	const nights = 14
	h := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), nights, 7, func(night int, n *simulated.Night) {
		if night == 11 {
			n.Arms[0].Median *= 1.3
		}
	}))...)
	short := sideBySide(nights, 1.3)
	short.Records = slices.DeleteFunc(short.Records, func(r results.Record) bool { return r.Trial.Block > 3 })
	addTo(t, h, short)
	c := check(h)
	if c.Verdict != Inconclusive || count(c, FindingSuspect) == 0 || count(c, FindingRefuted) > 0 {
		t.Errorf("%s\n%s", c.Verdict, lines(c))
	}
	if f := c.Findings[0]; f.Tried != short.Environment.RunID {
		t.Errorf("tried in %q, want %q", f.Tried, short.Environment.RunID)
	}
}

// What the nights are certain of falls when the trials exclude it, and when all
// that changed with it is part of a state: an engine is the same in both.
func TestTrialsTakeBackWhatIsCertain(t *testing.T) {
	const nights = enough
	for engine, want := range map[string]Verdict{"1.0.0": NoRegression, "1.1.0": Regression} {
		happens := func(night int, n *simulated.Night) {
			if night == nights-3 {
				n.Arms[0].Median *= 1.3
				n.Engine = engine
			}
		}
		_, before := judged(t, nights, happens)
		if before.Verdict != Regression {
			t.Fatalf("engine %s, before: %s\n%s", engine, before.Verdict, lines(before))
		}
		again := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), nights, 7, happens))...)
		addTo(t, again, sideBySide(nights, 1))
		if c := check(again); c.Verdict != want {
			t.Errorf("engine %s, not slower side by side: %s, want %s\n%s", engine, c.Verdict, want, lines(c))
		}
	}
}

func TestAlarmsAndTheirBlocks(t *testing.T) {
	c := Check{Findings: []Finding{
		{ID: "new", Kind: FindingRegression, LastGood: "r1"}, {ID: "tried", Kind: FindingRegression, LastGood: "r1", Tried: "r2"},
		{ID: "standing", Kind: FindingStanding, LastGood: "r1"}, {ID: "suspect", Kind: FindingSuspect, LastGood: "r1"},
		{ID: "better", Kind: FindingImprovement, LastGood: "r1"}, {ID: "from the first night", Kind: FindingSuspect},
	}}
	var ids []string
	for _, f := range c.Alarms() {
		ids = append(ids, f.ID)
	}
	if !slices.Equal(ids, []string{"new", "suspect"}) {
		t.Errorf("alarms %v", ids)
	}
	// Of n pairs one arrangement in 2^n is the observed one: five for 0.05,
	// six for two series, and one more.
	for _, want := range []struct {
		alarms []Finding
		blocks int
	}{{make([]Finding, 1), 6}, {make([]Finding, 2), 7}, {[]Finding{{Unit: study.UnitShare}}, blocksOfRate}} {
		if got := BlocksToConfirm(want.alarms); got != want.blocks {
			t.Errorf("%d alarms need %d blocks, want %d", len(want.alarms), got, want.blocks)
		}
	}
}
