package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/strategies"
)

// ErrCannotRun says that the experiment cannot run on this machine as asked.
// Nothing was created.
var ErrCannotRun = errors.New("this machine cannot run the experiment")

// settingsOf returns the settings of each cell that the plan still runs.
func (r *runner) settingsOf() ([]experiments.Settings, error) {
	var all []experiments.Settings
	for _, cell := range r.plan.Cells {
		s, _, err := r.cell(cell)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// preflight checks every cell and reports all that cannot be. A cell whose
// level of memory a user's engine does not have, or whose fault its engine
// cannot have, is refused, and the others run; anything else refuses the
// experiment.
func (r *runner) preflight() error {
	var faults []error
	for _, cell := range r.plan.Cells {
		s, workload, err := r.cell(cell)
		if err == nil {
			err = errors.Join(r.places[s.Runtime].check(s), present(workload), r.checkFault(r.specOf(cell), s))
		}
		var memory *host.MemoryError
		var pointless *pointlessError
		switch {
		case errors.As(err, &memory), errors.As(err, &pointless):
			r.refused = append(r.refused, results.Refusal{Cell: cell, Reason: err.Error()})
			r.report(Update{Note: fmt.Sprintf("refused [%s]: %v", cell, err)})
		case err != nil:
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrCannotRun, distinct(faults))
	}
	if len(r.refused) == len(r.plan.Cells) {
		return fmt.Errorf("%w: every cell is refused; --as-found takes the engines' memory as it is", ErrCannotRun)
	}
	r.plan.Trials = slices.DeleteFunc(r.plan.Trials, func(t trial.Trial) bool {
		return slices.ContainsFunc(r.refused, func(f results.Refusal) bool { return f.Cell.Key() == t.Cell.Key() })
	})
	return nil
}

// present says what a workload needs and is not there. Loading a spec does not
// look, because a plan can be made before anything is.
func present(w experiments.Workload) error {
	program := w.Test.Command[0]
	if !strings.Contains(program, "/") {
		return nil
	}
	if !filepath.IsAbs(program) {
		program = filepath.Join(w.Test.Dir, program)
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the workload's test command: %w; build it first (the shipped workload: make workload)", err)
	}
	return nil
}

// distinct prints each message once, a line each when there are several.
func distinct(errs []error) string {
	var lines []string
	for _, err := range errs {
		for line := range strings.Lines(err.Error()) {
			if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// prepare makes ready what trials need and are not timed for.
func (r *runner) prepare(ctx context.Context) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	if r.scratch, err = newScratch(cache); err != nil {
		return err
	}
	all, err := r.settingsOf()
	if err != nil {
		return err
	}
	for _, p := range r.distinctPlaces() {
		note := func(text string) { r.report(Update{Note: text}) }
		if err := p.prepare(ctx, all, note); err != nil {
			return err
		}
	}
	return r.publish(ctx)
}

// preparing reports what is under way before the trials.
func (r *runner) preparing(what Preparation) { r.report(Update{Preparing: &what}) }

// distinctPlaces returns each place once; runtimes may share one.
func (r *runner) distinctPlaces() (distinct []place) {
	for _, rt := range trial.Runtimes() {
		if p := r.places[rt]; p != nil && !slices.Contains(distinct, p) {
			distinct = append(distinct, p)
		}
	}
	return distinct
}

// publish builds and pushes the images that strategies pull, once for each
// build that differs, as preparations: recorded, and no trials.
func (r *runner) publish(ctx context.Context) error {
	cells, err := r.pullingCells()
	if err != nil || len(cells) == 0 {
		return err
	}
	r.oci = map[string]*ociRegistry{}
	for i, cell := range cells {
		if err := r.openRegistry(cell); err != nil {
			return err
		}
		t := trial.Trial{ID: fmt.Sprintf("p%03d", i+1), Cell: cell}
		record, err := r.one(ctx, t, results.KindPreparation)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case record.Verdict.Outcome != trial.OK:
			return fmt.Errorf("publishing the images for strategies that pull: %s: %s; its log is %s",
				record.Verdict.Outcome, record.Verdict.InShort(), r.log(record))
		}
	}
	return nil
}

// openRegistry makes the registry of the cell's state, unless it is there.
func (r *runner) openRegistry(c trial.Cell) error {
	state, _ := c.Level(results.StateFactor)
	if r.oci[state] != nil {
		return nil
	}
	blobs, err := r.scratch.sub(results.StateFile(state, "registry"))
	if err != nil {
		return fmt.Errorf("creating a folder for the registry: %w", err)
	}
	r.oci[state] = newRegistry(blobs)
	return nil
}

// pullingCells returns one cell for each runtime, and state, that has trials
// left which pull: the one with the most memory.
func (r *runner) pullingCells() (cells []trial.Cell, err error) {
	type publisher struct {
		runtime trial.Runtime
		state   string
	}
	best := map[publisher]int{}
	var memory []trial.Bytes
	for _, t := range r.plan.Trials {
		if r.done[t.ID] {
			continue
		}
		s, _, err := r.cell(t.Cell)
		if err != nil {
			return nil, err
		}
		strategy, err := strategies.Named(s.Strategy, r.specOf(t.Cell).Strategies)
		if err != nil {
			return nil, err
		}
		if !strategy.Pull {
			continue
		}
		state, _ := t.Cell.Level(results.StateFactor)
		by := publisher{s.Runtime, state}
		i, known := best[by]
		switch {
		case !known:
			best[by] = len(cells)
			cells, memory = append(cells, t.Cell), append(memory, s.Memory)
		case s.Memory > memory[i]:
			cells[i], memory[i] = t.Cell, s.Memory
		}
	}
	return cells, nil
}
