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
			look.Reason = fmt.Sprintf("of %d comparisons of failure rates %d are decided and %d have a cell that is not run again", s.Decided+s.Ended, s.Decided, s.Ended)
		}
		return look, err
	}
}
