package run

import (
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// looking is a runner of two cells in three blocks of which nothing is run.
func looking(t *testing.T, decide func(results.Run) (results.Look, error)) *runner {
	t.Helper()
	j, err := results.OpenJournal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	r := &runner{journal: j, decide: decide, done: map[string]bool{}, report: func(Update) {},
		referenced: map[int]time.Duration{}, references: map[int]int{}}
	for block := 1; block <= 3; block++ {
		for i, strategy := range []string{"serial", "parallel"} {
			r.plan.Trials = append(r.plan.Trials, trial.Trial{ID: string(rune('a' + 2*block + i)), Block: block,
				Cell: trial.Cell{{Factor: "strategy", Level: strategy}}})
		}
	}
	r.plan.Cells = plan.Cells(nil)
	for name, value := range map[string]any{results.EnvironmentFile: results.Environment{}, results.PlanFile: results.Plan{}} {
		if err := j.WriteOnce(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestALookIsOnlyBeforeABlock(t *testing.T) {
	asked := 0
	r := looking(t, func(results.Run) (results.Look, error) {
		asked++
		return results.Look{}, nil
	})
	for i := range r.plan.Trials {
		if stop, err := r.look(i); stop || err != nil {
			t.Fatal(stop, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times in three blocks, want before the second and the third", asked)
	}
}

func TestALookStopsAndIsRecorded(t *testing.T) {
	r := looking(t, func(results.Run) (results.Look, error) {
		return results.Look{Stopped: true, Reason: "all is decided"}, nil
	})
	if stop, err := r.look(2); !stop || err != nil {
		t.Fatal(stop, err)
	}
	run, err := results.ReadRun(r.journal.Dir())
	if err != nil || len(run.Looks) != 1 || run.Looks[0].Block != 2 || run.Looks[0].Reason != "all is decided" {
		t.Errorf("%+v, %v", run.Looks, err)
	}
}

func TestARetiredCellIsNotRunAgain(t *testing.T) {
	r := looking(t, func(results.Run) (results.Look, error) {
		return results.Look{Retired: []trial.Cell{{{Factor: "strategy", Level: "parallel"}}}}, nil
	})
	if stop, err := r.look(2); stop || err != nil {
		t.Fatal(stop, err)
	}
	if !r.done[r.plan.Trials[3].ID] || !r.done[r.plan.Trials[5].ID] || r.done[r.plan.Trials[4].ID] {
		t.Errorf("left out: %v", r.done)
	}
	if stop, err := r.look(4); stop || err != nil {
		t.Fatalf("a cell retired twice: %v, %v", stop, err)
	}
}
