package main

import (
	"fmt"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

// useless is the failure rate over which a cell is not run again.
const useless = 0.5

// looker decides for a spec that stops by what its trials show; nil for one
// that runs all its replicates.
func looker(spec *experiments.Spec) func(results.Run) (results.Look, error) {
	if spec.Design.Stop != experiments.StopDecided {
		return nil
	}
	return func(run results.Run) (results.Look, error) {
		s, err := analyse.Gather([]results.Run{run}).Stopping(nil, useless)
		look := results.Look{Stopped: s.Settled, Retired: s.Retire}
		if s.Settled {
			look.Reason = whyStopped(s)
		}
		return look, err
	}
}

func whyStopped(s analyse.Stopping) string {
	switch {
	case s.Ended == 0 && s.Decided == 1:
		return "the comparison of failure rates is decided"
	case s.Ended == 0:
		return "all comparisons of failure rates are decided"
	case s.Decided == 0:
		return "every comparison of failure rates has a cell that is not run again"
	}
	return fmt.Sprintf("%d of %d comparisons of failure rates are decided, and the rest have a cell that is not run again", s.Decided, s.Decided+s.Ended)
}
