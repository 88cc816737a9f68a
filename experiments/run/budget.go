package run

import (
	"maps"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// expected is how long a trial of the cell has taken so far in this run: the
// mean of its own, or else of all trials; 0 while nothing is known.
func (r *runner) expected(c trial.Cell) time.Duration {
	if own := r.took[c.Key()]; len(own) > 0 {
		return mean(own)
	}
	var all []time.Duration
	for _, took := range r.took {
		all = append(all, took...)
	}
	return mean(all)
}

func mean(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range ds {
		sum += d
	}
	return sum / time.Duration(len(ds))
}

// left estimates how long the trials that remain take.
func (r *runner) left() (left time.Duration) {
	for _, t := range r.plan.Trials {
		if !r.done[t.ID] {
			left += r.expected(t.Cell)
		}
	}
	return left
}

// outOfBudget says whether trial i begins a block that would not end in time.
func (r *runner) outOfBudget(i int) bool {
	trials := r.plan.Trials
	if r.budget == 0 || i > 0 && trials[i-1].Block == trials[i].Block {
		return false
	}
	block := mean(slices.Collect(maps.Values(r.referenced)))
	for _, t := range trials[i:] {
		if t.Block == trials[i].Block {
			block += r.expected(t.Cell)
		}
	}
	return time.Since(r.started)+block > r.budget
}
