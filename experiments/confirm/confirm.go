// Package confirm puts an alarm to the test: the last good state of an
// experiment is built again and run beside the present one, in one run with
// interleaved, randomised blocks. What then differs is the state's doing, and
// not the night's.
package confirm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// ErrNotBuilt says that the last good state cannot be built again beside the
// present one. The error that wraps it says why, and what can be done.
var ErrNotBuilt = errors.New("the last good state cannot be built again")

func notBuilt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotBuilt, fmt.Errorf(format, args...))
}

// Options say which states to compare, and by what.
type Options struct {
	// Good is the last good run. Without its folder, as a history keeps it, its
	// spec is known by its hash.
	Good    results.Run
	Present *spec.Spec
	// Cells pick cells of the present spec; all, if none is given. See Choose.
	Cells []string
	// Metrics decide; all, if none is given.
	Metrics []study.Metric
	// Blocks each run both states of every cell once; 0 is one more than the
	// tests need.
	Blocks int
	// Seed determines the order; 0 draws one.
	Seed uint64
	// Prepare is a shell command that makes, in a copy of the last good
	// revision, what the workload needs and git does not have.
	Prepare string
	// AsFound narrows both states to the user's engines, as run.AsFound does.
	AsFound bool
	// Root, Machine, Budget and Report are those of run.Options.
	Root    string
	Machine machine.Kind
	Budget  time.Duration
	Report  func(run.Update)
}

// Result is a confirmation.
type Result struct {
	// Run has the trials of both states, and in its environment the states
	// with what could not be undone.
	Run results.Run
	answer.Worsening
	// Engines are those that the last good state does not run on any more:
	// "podman 5.4.2 → 5.4.3", the latter now in both states.
	Engines []string
}

// Run builds the last good state, runs both and says whether the present one
// is worse. What was recorded is returned even with an error; without a folder
// nothing was. The error wraps ErrNotBuilt, a *CellError, or is one of run.Run.
func Run(ctx context.Context, o Options) (r Result, err error) {
	folder, remove, err := run.TempFolder()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, remove.Close()) }()
	good, err := rebuild(ctx, o.Good, o, folder)
	if err != nil {
		return r, err
	}
	if o.AsFound {
		for _, s := range []*spec.Spec{good, o.Present} {
			if _, err := run.AsFound(ctx, s); err != nil {
				return r, notBuilt("%w", err)
			}
		}
	}
	cells, err := Choose(o.Present, good, o.Cells)
	if err != nil {
		return r, err
	}
	if err := separable([2]*spec.Spec{good, o.Present}, cells); err != nil {
		return r, err
	}
	if r.Run, err = measure(ctx, o, states(ctx, o.Good, o.Present, good), cells); err != nil {
		return r, err
	}
	r.Engines = engineChanges(o.Good, r.Run)
	r.Worsening, err = Judge(r.Run, o.Metrics)
	return r, err
}

// measure runs both states of the cells.
func measure(ctx context.Context, o Options, states []run.State, cells []trial.Cell) (recorded results.Run, err error) {
	combined := Combine(o.Present, blocks(o, len(cells)))
	seed := o.Seed
	if seed == 0 {
		seed = rand.Uint64N(1_000_000) + 1
	}
	dir, runErr := run.Run(ctx, run.Options{Spec: combined, Plan: plan.Of(combined, inStates(cells), seed), States: states,
		Root: o.Root, Machine: o.Machine, Budget: o.Budget, Report: o.Report, KeepGoing: true})
	if errors.Is(runErr, run.ErrNoneReady) {
		runErr = nil // what failed is judged, too
	}
	if errors.Is(runErr, run.ErrCannotRun) {
		return recorded, notBuilt("%w", runErr)
	}
	if dir == "" {
		return recorded, runErr
	}
	recorded, err = results.ReadRun(dir)
	return recorded, errors.Join(runErr, err)
}

// Judge compares the states of a run that Run made.
func Judge(r results.Run, metrics []study.Metric) (answer.Worsening, error) {
	return answer.Worsened(study.Gather([]results.Run{r}), results.StateFactor, results.LastGood, results.Present, metrics)
}

// blocks is how many to run: those asked for, or one more than so many comparisons
// need to be able to confirm anything, so that one trial may go astray.
func blocks(o Options, cells int) int {
	metrics := len(o.Metrics)
	if metrics == 0 {
		metrics = len(study.Metrics())
	}
	if o.Blocks > 0 {
		return o.Blocks
	}
	return compare.BlocksToTell(metrics*cells, answer.ErrorRate) + 1
}
