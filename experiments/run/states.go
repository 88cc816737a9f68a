package run

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// State is a whole state of an experiment: cells with its level of the factor
// state take settings, strategies, limits and workload from its own spec,
// which does not know that factor.
type State struct {
	results.State
	Spec *spec.Spec
}

// specOf is the spec of a cell: that of its state, or the run's.
func (r *runner) specOf(c trial.Cell) *spec.Spec {
	level, _ := c.Level(results.StateFactor)
	for _, s := range r.states {
		if s.Level == level {
			return s.Spec
		}
	}
	return r.spec
}

// cell is spec.Spec.Cell of the spec that the cell is of.
func (r *runner) cell(c trial.Cell) (spec.Settings, spec.Workload, error) {
	if len(r.states) == 0 {
		return r.spec.Cell(c)
	}
	return r.specOf(c).Cell(results.WithoutState(c))
}

// specs are all specs of the run, each once.
func (r *runner) specs() []*spec.Spec {
	all := []*spec.Spec{r.spec}
	for _, s := range r.states {
		if !slices.Contains(all, s.Spec) {
			all = append(all, s.Spec)
		}
	}
	return all
}

// keepStates keeps each state's spec and workload as given, beside the run's.
func (r *runner) keepStates() (err error) {
	for _, s := range r.states {
		workload, readErr := os.ReadFile(s.Spec.Workload.Path)
		if readErr != nil {
			return fmt.Errorf("keeping the workload's file of the state %s: %w", s.Level, readErr)
		}
		err = errors.Join(err, r.journal.WriteFileOnce(results.StateFile(s.Level, results.SpecFile), s.Spec.Source),
			r.journal.WriteFileOnce(results.StateFile(s.Level, results.WorkloadFile), workload))
		r.env.States = append(r.env.States, s.State)
	}
	return err
}
