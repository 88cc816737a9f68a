package run

import (
	"context"
	"slices"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// AsFound narrows an experiment to the user's engines that run here: to the
// runtimes that answer, with the memory that they have. Where none answers it
// changes nothing.
func AsFound(ctx context.Context, spec *experiments.Spec) (found []trial.Runtime) {
	for _, rt := range trial.Runtimes() {
		if _, err := machine.Engines(ctx, rt); err == nil {
			found = append(found, rt)
		}
	}
	if len(found) == 0 {
		return nil
	}
	spec.Settings.Memory = 0
	spec.Factors = slices.DeleteFunc(spec.Factors, func(f trial.Factor) bool { return f.Name == "memory" })
	for i, f := range spec.Factors {
		if f.Name == "runtime" {
			spec.Factors[i].Levels = slices.DeleteFunc(f.Levels, func(l trial.Level) bool {
				return !slices.Contains(found, trial.Runtime(l.Name))
			})
		}
	}
	return found
}
