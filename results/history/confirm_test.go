package history

import (
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
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
	if before.Verdict != Inconclusive || before.count(FindingSuspect) == 0 {
		t.Fatalf("before: %s\n%s", before.Verdict, lines(before))
	}
	if good := before.Findings[0].LastGood; good != h.Runs[10].RunID {
		t.Errorf("the last good run is %s, want that of night 11", good)
	}
	for slower, want := range map[float64]Verdict{1.3: Regression, 1: NoRegression} {
		_, h := filled(t, slices.Collect(simulated.Nights("nightly", arms(), nights, 7, func(night int, n *simulated.Night) {
			if night == 11 {
				n.Arms[0].Median *= 1.3
			}
		}))...)
		add(t, h, sideBySide(nights, slower))
		c := check(t, h)
		if c.Verdict != want || c.Nights != nights {
			t.Errorf("%v times as slow side by side: %s over %d nights, want %s\n%s", slower, c.Verdict, c.Nights, want, lines(c))
		}
		if want == Regression && c.Findings[0].Certainty != "confirmed" {
			t.Errorf("certainty %s, want confirmed", c.Findings[0].Certainty)
		}
	}
}
