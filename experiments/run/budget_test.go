package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/internal/trial"
)

// A budget without room for the first block measures nothing, and is no success;
// one that is used up later is.
func TestABudgetThatMeasuresNothing(t *testing.T) {
	trials := []trial.Trial{{ID: "t001", WarmUp: true}, {ID: "t002", Block: 1}, {ID: "t003", Block: 2}}
	for done, want := range map[string]error{"t001": ErrNoneReady, "t001 t002": nil} {
		var notes []string
		r := &runner{plan: plan.Plan{Trials: trials}, done: map[string]bool{}, budget: time.Minute, started: time.Now(),
			took: map[string][]time.Duration{"": {7 * time.Minute}}, counted: 1, ready: true,
			report: func(u Update) { notes = append(notes, u.Note) }}
		for id := range strings.FieldsSeq(done) {
			r.done[id] = true
		}
		if err := r.trials(t.Context()); !errors.Is(err, want) || (want == nil) != (len(notes) == 1) {
			t.Errorf("after %s: %v, %q", done, err, notes)
		}
	}
}
