package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// begin runs trials with these outcomes, in order, until the run is stopped;
// it returns after how many it was.
func begin(t *testing.T, trials []trial.Trial, verdicts []trial.Verdict, injected bool) (ran int, stopped error) {
	t.Helper()
	var b beginning
	for i := range trials {
		if err := b.stop(trials, i); err != nil {
			return i, err
		}
		b.take(results.Record{Trial: trials[i], Verdict: verdicts[i]}, injected)
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
	b.take(results.Record{Verdict: bad}, false)
	if err := b.stop(trialsOf(2, 4), 2); err != nil {
		t.Errorf("a run that keeps going or is resumed stops: %v", err)
	}
}

// A preparation that fails of itself would fail in every trial; one that could
// not be measured may not.
func TestFailedPreparation(t *testing.T) {
	for outcome, want := range map[trial.Outcome]bool{trial.BuildFailed: true, trial.PullFailed: true, trial.RunnerFault: false} {
		err := unprepared(jobPublish, trial.Verdict{Outcome: outcome, Error: "why"}, "log.txt")
		if errors.Is(err, ErrNoneReady) != want || !strings.Contains(err.Error(), "why; its log is log.txt") {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}
