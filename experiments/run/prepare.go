package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/strategies"
)

// ErrCannotRun says that the experiment cannot run on this machine as asked.
// Nothing was created.
var ErrCannotRun = errors.New("this machine cannot run the experiment")

// settingsOf returns the settings of each cell that the plan still runs.
func (r *runner) settingsOf() ([]spec.Settings, error) {
	var all []spec.Settings
	for _, cell := range r.plan.Cells {
		s, _, err := r.cell(cell)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// preflight holds every cell against the place where it will run and reports
// all that cannot be. A cell whose level of memory a user's engine does not
// have, or whose fault its engine cannot have, is refused, and the others run;
// anything else refuses the experiment.
func (r *runner) preflight(ctx context.Context) error {
	ctx, done := context.WithCancel(ctx) // ends the connections of the sites
	defer done()
	in := &inspection{r: r, seen: map[string]bool{}, sites: map[siteKey]*site{}, kinds: map[string]kindConfig{}}
	for _, cell := range r.plan.Cells {
		s, workload, err := r.cell(cell)
		if err != nil {
			in.refuse(cell, err)
			continue // what it would be is not known
		}
		if r.nowhere == nil {
			err = r.places[s.Runtime].check(s)
		}
		err = errors.Join(err, r.checkFault(r.specOf(cell), s), checkSchedule(r.specOf(cell), s, workload))
		var memory *host.MemoryError
		var pointless *pointlessError
		switch {
		case errors.As(err, &memory), errors.As(err, &pointless):
			r.refused = append(r.refused, results.Refusal{Cell: cell, Reason: err.Error()})
			r.report(Update{Note: fmt.Sprintf("refused [%s]: %v", cell, err)})
			continue
		case err != nil:
			in.refuse(cell, err)
		}
		in.inspect(ctx, cell, s, workload)
	}
	in.issues.Sort(r.spec.Path)
	if r.nowhere != nil {
		in.issues.List = slices.Insert(in.issues.List, 0, issue.Issue{Message: r.nowhere.Error()})
	}
	in.warnings.Sort(r.spec.Path)
	r.warnings = in.warnings.List
	if err := in.issues.Err(); err != nil {
		return fmt.Errorf("%w:\n%w", ErrCannotRun, err)
	}
	if len(r.refused) == len(r.plan.Cells) {
		return fmt.Errorf("%w: every cell is refused, [%s] because: %s", ErrCannotRun, r.refused[0].Cell, r.refused[0].Reason)
	}
	r.plan.Trials = slices.DeleteFunc(r.plan.Trials, func(t trial.Trial) bool {
		return slices.ContainsFunc(r.refused, func(f results.Refusal) bool { return f.Cell.Key() == t.Cell.Key() })
	})
	return nil
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
	if err := r.preload(ctx); err != nil {
		return err
	}
	if err := r.preboot(ctx); err != nil {
		return err
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
		if err := r.prepareBy(ctx, trial.Trial{ID: fmt.Sprintf("p%03d", i+1), Cell: cell}, jobPublish); err != nil {
			return err
		}
	}
	return nil
}

// prepareBy does a preparation on a machine of a cell's.
func (r *runner) prepareBy(ctx context.Context, t trial.Trial, do task) error {
	record, err := r.one(ctx, t, do)
	v := record.Verdict
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.unrecovered != nil:
		return r.unrecovered
	case v.Outcome == trial.OK:
		return nil
	}
	return unprepared(do, v, r.log(record))
}

// unprepared is the error of a preparation that failed. What failed of itself
// would fail in every trial.
func unprepared(do task, v trial.Verdict, log string) error {
	err := fmt.Errorf("%s: %s: %s; its log is %s", do.what(), v.Outcome, v.InShort(), log)
	if v.Outcome == trial.RunnerFault {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNoneReady, err)
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
		s, w, err := r.cell(t.Cell)
		if err != nil {
			return nil, err
		}
		if w.Setup != nil {
			continue
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
