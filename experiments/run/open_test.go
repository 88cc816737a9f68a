package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// TestWhatIsDoneAgain: a continued run repeats what could not be measured, and
// not the trial in which that was brought about.
func TestWhatIsDoneAgain(t *testing.T) {
	lost := trial.Verdict{Outcome: trial.RunnerFault}
	injected := &results.Injected{Do: "worker-kill", Truth: []trial.Outcome{trial.RunnerFault}}
	for name, c := range map[string]struct {
		record results.Record
		want   bool
	}{
		"ok":               {results.Record{Verdict: trial.Verdict{Outcome: trial.OK}}, true},
		"a crash":          {results.Record{Verdict: trial.Verdict{Outcome: trial.EngineCrash}}, true},
		"cancelled":        {results.Record{Verdict: trial.Verdict{Outcome: trial.Cancelled}}, false},
		"a runner's fault": {results.Record{Verdict: lost}, false},
		"an injected one":  {results.Record{Verdict: lost, Fault: injected}, true},
		"one beside another fault": {results.Record{Verdict: lost,
			Fault: &results.Injected{Do: "step-fail", Truth: []trial.Outcome{trial.BuildFailed}}}, false},
	} {
		if got := measured(c.record); got != c.want {
			t.Errorf("%s: measured is %v", name, got)
		}
	}
}

// A hook that runs stratbench would begin trials within trials.
func TestNoTrialsWithinATrial(t *testing.T) {
	t.Setenv("STRATBENCH_CLUSTER", "stratbench-x-t001")
	_, err := Run(t.Context(), Options{})
	if !errors.Is(err, ErrCannotRun) || !strings.Contains(err.Error(), "its cluster is stratbench-x-t001") {
		t.Errorf("got %v", err)
	}
}
