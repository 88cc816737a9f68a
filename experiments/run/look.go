package run

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// look asks, before a new block, whether the trials so far have decided what
// was asked, and which cells need not be run again. It is asked of whole
// blocks only: Options.Look must answer in a way that stays valid however
// often it is asked.
func (r *runner) look(i int) (stop bool, err error) {
	trials := r.plan.Trials
	if r.decide == nil || trials[i].Block < 2 || trials[i-1].Block == trials[i].Block {
		return false, nil
	}
	run, err := results.ReadRun(r.journal.Dir())
	if err != nil {
		return false, err
	}
	l, err := r.decide(run)
	if err != nil {
		return false, fmt.Errorf("deciding whether to go on: %w", err)
	}
	l.Block = trials[i].Block
	l.Retired = slices.DeleteFunc(l.Retired, r.retired)
	if !l.Stopped && len(l.Retired) == 0 {
		return false, nil
	}
	r.retire(l.Retired)
	if err := r.journal.WriteOnce(results.LookFile(l.Block), l); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if l.Stopped {
		r.report(Update{Note: fmt.Sprintf("stopped before block %d: %s", l.Block, l.Reason)})
	}
	return l.Stopped, nil
}

// retired is true for a cell that has no trial left.
func (r *runner) retired(c trial.Cell) bool {
	for _, t := range r.plan.Trials {
		if t.Cell.Key() == c.Key() && !r.done[t.ID] {
			return false
		}
	}
	return true
}

// retire leaves out what is left of these cells.
func (r *runner) retire(cells []trial.Cell) {
	for _, c := range cells {
		r.report(Update{Note: fmt.Sprintf("[%s] is decided on and not run again", c)})
		for _, t := range r.plan.Trials {
			if t.Cell.Key() == c.Key() {
				r.done[t.ID] = true
			}
		}
	}
}
