// Package confirm tests an alarm: it builds the last good state of an experiment
// again and runs it beside the present one, in one run with interleaved, randomised
// blocks. A difference is then due to the state and not to the night.
package confirm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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
	"github.com/stratbench/stratbench/strategies"
)

// ErrNotBuilt means that the last good state cannot be built again beside the
// present one. The error that wraps it has the reason and the cure.
var ErrNotBuilt = errors.New("the last good state cannot be built again")

func notBuilt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotBuilt, fmt.Errorf(format, args...))
}

// ErrCells means that cells cannot be compared. The error that wraps it names them.
var ErrCells = errors.New("these cells cannot be compared")

// Options are the states to compare, and how.
type Options struct {
	// Good is the last good run; if its trials are not given, its engines are not known.
	Good    results.Run
	Present *spec.Spec
	// Cells pick cells of the present spec; all, if none is given. Each is a cell's key, or
	// FACTOR=LEVEL pairs separated by commas, which pick every cell that has them.
	Cells []string
	// Metrics will be compared; all, if none is given.
	Metrics []study.Metric
	// Blocks is how often both states of every cell run; 0 is one more than the tests need.
	Blocks int
	// Seed determines the order; 0 draws one.
	Seed uint64
	// Prepare is a shell command that makes, in a copy of the last good revision,
	// what the workload needs and git does not have.
	Prepare string
	// AsFound narrows both states to the user's engines, as run.AsFound does.
	AsFound bool
	// Budget bounds the run, in the place of the spec's.
	Budget time.Duration
	// Root, Machine and Report are those of run.Options.
	Root    string
	Machine machine.Kind
	Report  func(run.Update)
}

// Run builds the last good state and runs both states. The environment of the recorded run
// describes both, with what could not be undone. The run is returned even with an error,
// and has no folder if nothing was recorded. The error wraps ErrNotBuilt or ErrCells, or
// is run.Run's.
func Run(ctx context.Context, o Options) (both results.Run, err error) {
	cache, err := run.CacheDir()
	if err != nil {
		return both, err
	}
	scratch, err := run.NewScratch(cache)
	if err != nil {
		return both, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	good, err := rebuild(ctx, o, scratch.Dir)
	if err != nil {
		return both, err
	}
	if o.AsFound {
		for _, s := range []*spec.Spec{good, o.Present} {
			if _, err := run.AsFound(ctx, s); err != nil {
				return both, notBuilt("%w", err)
			}
		}
	}
	cells, err := choose(o.Present, good, o.Cells)
	if err != nil {
		return both, err
	}
	if err := separable([]*spec.Spec{good, o.Present}, cells); err != nil {
		return both, err
	}
	combined := combine(o.Present, blocks(o, len(cells)))
	combined.Budget = o.Budget
	seed := cmp.Or(o.Seed, rand.Uint64N(1_000_000)+1)
	dir, err := run.Run(ctx, run.Options{Spec: combined, Plan: plan.Of(combined, inStates(cells), seed), States: states(ctx, o.Good, o.Present, good),
		Root: o.Root, Machine: o.Machine, Report: o.Report, KeepGoing: true})
	switch {
	case errors.Is(err, run.ErrNoneReady):
		err = nil // failures are compared, too
	case errors.Is(err, run.ErrCannotRun):
		return both, notBuilt("%w", err)
	}
	if dir == "" {
		return both, err
	}
	both, unread := results.ReadRun(dir)
	return both, errors.Join(err, unread)
}

// blocks returns how many blocks to run: as many as asked for, or one more than this many
// comparisons need to confirm anything, so that one trial may be lost.
func blocks(o Options, cells int) int {
	if o.Blocks > 0 {
		return o.Blocks
	}
	metrics := cmp.Or(len(o.Metrics), len(study.Metrics()))
	return compare.BlocksToTell(metrics*cells, answer.ErrorRate) + 1
}

// choose returns the cells of the present spec that the texts pick, in the spec's
// order. The error wraps ErrCells: a text picks nothing, or the last good spec does
// not have the cell, because it had other factors or levels.
func choose(present, good *spec.Spec, texts []string) (chosen []trial.Cell, err error) {
	used := make([]bool, len(texts))
	for _, cell := range present.Cells() {
		picked := len(texts) == 0
		for i, text := range texts {
			if picks(text, cell) {
				picked, used[i] = true, true
			}
		}
		if picked {
			chosen = append(chosen, cell)
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, fmt.Errorf("%w: no cell of %s is %q; write FACTOR=LEVEL,FACTOR=LEVEL as in the cells that stratbench plan lists", ErrCells, present.Path, texts[i])
	}
	known := good.Cells()
	for _, cell := range chosen {
		if !slices.ContainsFunc(known, func(c trial.Cell) bool { return sortedKey(c) == sortedKey(cell) }) {
			return chosen, fmt.Errorf("%w: the last good run's spec has no cell [%s]; choose a later good run, or other cells", ErrCells, cell.Key())
		}
	}
	return chosen, nil
}

func picks(text string, cell trial.Cell) bool {
	if text == cell.Key() {
		return true
	}
	for pair := range strings.SplitSeq(text, ",") {
		factor, level, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if has, ok := cell.Level(factor); !ok || has != level {
			return false
		}
	}
	return true
}

// sortedKey is the same for a cell whatever the order of its factors.
func sortedKey(c trial.Cell) string {
	c = slices.Clone(c)
	slices.SortFunc(c, func(a, b trial.Assignment) int { return strings.Compare(a.Factor, b.Factor) })
	return c.Key()
}

// separable refuses cells whose states would share images: those that pull from a
// registry of the user's, where both states have the same names.
func separable(specs []*spec.Spec, cells []trial.Cell) error {
	for _, spec := range specs {
		for _, cell := range cells {
			s, _, err := spec.Cell(cell)
			if err != nil {
				return err
			}
			if s.Strategy == "" {
				continue // nothing is built, or a set-up command builds
			}
			strategy, err := strategies.Named(s.Strategy, spec.Strategies)
			if err != nil {
				return err
			}
			if strategy.Pull && s.Registry.Prefix != "" {
				return fmt.Errorf("%w: [%s] pulls from %s, where both states would have images of the same name; pick other cells with --cell", ErrCells, cell.Key(), s.Registry.Prefix)
			}
		}
	}
	return nil
}

// combine returns the present experiment with the factor state, in that many blocks.
func combine(present *spec.Spec, blocks int) *spec.Spec {
	combined := *present
	combined.Name += "-confirm"
	combined.Design.Replicates, combined.Design.Stop, combined.Design.Hypotheses = blocks, "", nil
	combined.Factors = append(slices.Clone(present.Factors),
		trial.Factor{Name: results.StateFactor, Levels: []trial.Level{{Name: results.LastGood}, {Name: results.Present}}})
	return &combined
}

func inStates(cells []trial.Cell) (both []trial.Cell) {
	for _, cell := range cells {
		for _, state := range []string{results.LastGood, results.Present} {
			both = append(both, append(slices.Clone(cell), trial.Assignment{Factor: results.StateFactor, Level: state}))
		}
	}
	return both
}
