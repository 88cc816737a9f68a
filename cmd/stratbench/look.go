package main

import (
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/study"
)

// looker decides for a spec that stops by what its trials show; nil for one
// that runs all its replicates.
func looker(s *spec.Spec) func(results.Run) (results.Look, error) {
	if s.Design.Stop != spec.StopDecided {
		return nil
	}
	return func(run results.Run) (results.Look, error) {
		return answer.Interim(study.Gather([]results.Run{run}))
	}
}
