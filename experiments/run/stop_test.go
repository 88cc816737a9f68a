package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
)

// begin runs trials with these outcomes, in order, until the run is stopped, and
// returns how many ran.
func begin(t *testing.T, trials []trial.Trial, verdicts []trial.Verdict, injected bool) (ran int, stopped error) {
	t.Helper()
	r := &runner{done: map[string]bool{}, took: map[string][]time.Duration{}}
	for i := range trials {
		if err := r.beginning.stop(trials, i); err != nil {
			return i, err
		}
		rec := results.Record{Kind: results.KindTrial, Trial: trials[i], Verdict: verdicts[i]}
		if injected {
			rec.Fault = &results.Injected{}
		}
		r.take(rec, true)
	}
	return len(trials), nil
}

// trialsOf are warm-ups and two blocks of n trials.
func trialsOf(warmUps, n int) (all []trial.Trial) {
	for range warmUps {
		all = append(all, trial.Trial{WarmUp: true})
	}
	for block := 1; block <= 2; block++ {
		for range n {
			all = append(all, trial.Trial{Block: block})
		}
	}
	return all
}

func TestRunStopsWhenAllFailsAlike(t *testing.T) {
	bad := trial.Verdict{Outcome: trial.DeployFailed, Phase: trial.PhaseDeploy, Cause: "image", Error: "not ready: Deployment app"}
	other := trial.Verdict{Outcome: trial.DeployFailed, Phase: trial.PhaseDeploy, Cause: "probe"}
	ok := trial.Verdict{Outcome: trial.OK}
	lost := trial.Verdict{Outcome: trial.RunnerFault}
	all := func(n int, of trial.Verdict, but ...trial.Verdict) []trial.Verdict {
		list := append([]trial.Verdict{}, but...)
		for len(list) < n {
			list = append(list, of)
		}
		return list
	}
	for name, c := range map[string]struct {
		warmUps, cells int
		verdicts       []trial.Verdict
		injected       bool
		want           int
	}{
		"warm-ups of both engines":       {2, 4, all(10, bad), false, 2},
		"one warm-up is not enough":      {1, 4, all(9, bad), false, 2},
		"the first block":                {0, 4, all(8, bad), false, 4},
		"one cell":                       {0, 1, all(2, bad), false, 2},
		"a warm-up that worked":          {1, 2, all(5, bad, ok), false, 5},
		"another cause":                  {0, 2, all(4, bad, other), false, 4},
		"one that works":                 {0, 3, all(6, bad, bad, ok), false, 6},
		"broken on purpose":              {0, 4, all(8, bad), true, 8},
		"what could not be measured":     {2, 2, all(6, lost), false, 6},
		"one lost among those that fail": {0, 4, all(8, bad, lost), false, 4},
	} {
		ran, err := begin(t, trialsOf(c.warmUps, c.cells), c.verdicts, c.injected)
		if ran != c.want || (err != nil) != (ran < len(c.verdicts)) {
			t.Errorf("%s: stopped after %d of %d trials (%v), want %d", name, ran, len(c.verdicts), err, c.want)
		}
		if err != nil && (!errors.Is(err, ErrAlike) || !strings.Contains(err.Error(), "deploy-failed, image in the phase deploy, the first with: not ready: Deployment app")) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	b := beginning{over: true}
	b.take(bad)
	if err := b.stop(trialsOf(2, 4), 2); err != nil {
		t.Errorf("a run that keeps going or is resumed stops: %v", err)
	}
}

// A preparation that fails would fail in every trial, unless stratbench itself
// failed.
func TestFailedPreparation(t *testing.T) {
	for outcome, want := range map[trial.Outcome]bool{trial.BuildFailed: true, trial.PullFailed: true, trial.RunnerFault: false} {
		err := unprepared(pipeline.Publish, trial.Verdict{Outcome: outcome, Error: "why"}, "log.txt")
		if errors.Is(err, ErrNoneReady) != want || !strings.Contains(err.Error(), "why; its log is log.txt") {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}

// A budget without room for the first block is an error; one that is used up later
// is not.
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

// looking is a runner of two cells in three blocks of which nothing is run.
func looking(t *testing.T, decide func(results.Run) (results.Look, error)) *runner {
	t.Helper()
	j, err := results.OpenJournal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	r := &runner{journal: j, decide: decide, spec: &spec.Spec{Design: spec.Design{Stop: spec.StopDecided}}, done: map[string]bool{},
		report: func(Update) {}, referenced: map[int]time.Duration{}, references: map[int]int{}}
	for block := 1; block <= 3; block++ {
		for i, strategy := range []string{"serial", "parallel"} {
			r.plan.Trials = append(r.plan.Trials, trial.Trial{ID: string(rune('a' + 2*block + i)), Block: block,
				Cell: trial.Cell{{Factor: "strategy", Level: strategy}}})
		}
	}
	r.plan.Cells = []trial.Cell{{}}
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
	r.spec = &spec.Spec{}
	if _, err := r.look(2); err != nil || asked != 2 {
		t.Errorf("a spec that runs all its replicates is looked at: %v", err)
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
