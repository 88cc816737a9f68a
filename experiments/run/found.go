package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// AsFound narrows an experiment to the user's engines that run here: to the
// runtimes that answer, with the memory that they have. It returns a note of
// what that is and of what was left out. Where no engine answers, and the user
// named none, it changes nothing and returns no note.
func AsFound(ctx context.Context, spec *spec.Spec) (note string, err error) {
	asked := runtimesOf(spec)
	found := machine.Look(ctx, trial.Runtimes()...)
	wanted := found.Only(asked...)
	left := wanted.Answering()
	switch {
	case wanted.Mistaken() != nil:
		return "", refused(wanted.Mistaken())
	case len(found.Engines) == 0:
		return "", refused(wanted.Named())
	case len(left) == 0:
		return "", refused(fmt.Errorf("the experiment runs on %s alone, and here answers only %s:\n%w\nStart it, or change the runtime in the spec", list(asked), found, wanted.Why()))
	}
	spec.Settings.Memory = 0
	spec.Factors = slices.DeleteFunc(spec.Factors, func(f trial.Factor) bool { return f.Name == "memory" })
	for i, f := range spec.Factors {
		if f.Name == "runtime" {
			spec.Factors[i].Levels = slices.DeleteFunc(f.Levels, func(l trial.Level) bool {
				return !slices.Contains(left, trial.Runtime(l.Name))
			})
		}
	}
	note = fmt.Sprintf("as found: %s, with the memory that is there", wanted)
	if len(left) < len(asked) {
		note += fmt.Sprintf("; left out: %v", wanted.Why())
	}
	return note, nil
}

// refused marks an error, if there is one, as a reason why nothing was begun.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCannotRun, err)
}

func list(runtimes []trial.Runtime) string {
	var names []string
	for _, rt := range runtimes {
		names = append(names, string(rt))
	}
	return strings.Join(names, " and ")
}

// runtimesOf are the runtimes that an experiment asks for.
func runtimesOf(spec *spec.Spec) (asked []trial.Runtime) {
	for _, f := range spec.Factors {
		if f.Name == "runtime" {
			for _, l := range f.Levels {
				asked = append(asked, trial.Runtime(l.Name))
			}
			return asked
		}
	}
	return []trial.Runtime{spec.Settings.Runtime}
}
