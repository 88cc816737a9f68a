package run

import (
	"context"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// place is where the machines of a runtime come from.
type place interface {
	kind() machine.Kind
	// check reports what of the settings the place cannot give, before
	// anything is created.
	check(spec.Settings) error
	// site says what is known of the place before anything is created there.
	site(context.Context, spec.Settings) *site
	// claim takes the place for this run alone, before anything is created.
	claim(ctx context.Context, me holder) error
	// prepare makes ready what all machines of these settings start from.
	prepare(ctx context.Context, all []spec.Settings, note func(string)) error
	// start starts a machine whose engine answers, from a state that was kept, or
	// from the engine's own if that is empty. Its logs go to dir.
	start(ctx context.Context, s spec.Settings, state, trialID, dir string) (machine.Machine, error)
	// buildArgs are the build arguments that images need here.
	buildArgs() map[string]string
	// adapt changes what a worker is told to what is right here.
	adapt(*pipeline.Config)
	close() error
}
