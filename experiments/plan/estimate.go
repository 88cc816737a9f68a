package plan

import (
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// Expect returns how long one trial of a cell takes, including the work around it,
// and the source of that figure.
type Expect func(trial.Cell) (each time.Duration, source string)

// Estimate is how long a plan may take.
type Estimate struct {
	Total   time.Duration  `json:"total_ns"`
	WarmUps time.Duration  `json:"warm_ups_ns"`
	Block   time.Duration  `json:"block_ns"`
	Cells   []CellEstimate `json:"cells"`
}

// CellEstimate is one cell's part of an estimate.
type CellEstimate struct {
	Cell trial.Cell `json:"cell"`
	// Trials is how often the plan runs the cell, warm-ups included.
	Trials int           `json:"trials"`
	Each   time.Duration `json:"each_ns"`
	Source string        `json:"source"`
}

// Estimate adds up what the trials of the plan are expected to take.
func (p Plan) Estimate(expect Expect) Estimate {
	var e Estimate
	at := map[string]int{}
	for i, cell := range p.Cells {
		each, source := expect(cell)
		at[cell.Key()] = i
		e.Cells = append(e.Cells, CellEstimate{Cell: cell, Each: each, Source: source})
		e.Block += each
	}
	for _, t := range p.Trials {
		cell := &e.Cells[at[t.Cell.Key()]]
		cell.Trials++
		e.Total += cell.Each
		if t.WarmUp {
			e.WarmUps += cell.Each
		}
	}
	return e
}

// BlocksWithin is how many whole blocks of the plan fit a budget after its
// warm-ups. A budget of 0 is no bound.
func (p Plan) BlocksWithin(budget time.Duration, expect Expect) int {
	e := p.Estimate(expect)
	if budget <= 0 || e.Block <= 0 {
		return p.Blocks
	}
	return min(p.Blocks, int(max(0, budget-e.WarmUps)/e.Block))
}

// Guess expects each trial to take a tenth of the sum of its phases' limits. Limits
// end what hangs, and so are many times longer than usual. It is for cells without
// earlier trials.
func Guess(limits spec.Limits) Expect {
	each := Longest(limits) / 10
	return func(trial.Cell) (time.Duration, string) { return each, "a guess: a tenth of the limits" }
}

// Measured expects the mean time of earlier trials of the same cell, by the cell's
// key. For a cell without any it calls otherwise.
func Measured(took map[string][]time.Duration, otherwise Expect) Expect {
	return func(cell trial.Cell) (time.Duration, string) {
		own := took[cell.Key()]
		if len(own) == 0 {
			return otherwise(cell)
		}
		var sum time.Duration
		for _, d := range own {
			sum += d
		}
		return sum / time.Duration(len(own)), "mean of earlier trials of the same cell"
	}
}

// Longest is the most that the phases of a trial can take: the sum of their limits.
func Longest(limits spec.Limits) time.Duration {
	var sum time.Duration
	for _, limit := range limits.Phase {
		sum += limit
	}
	return sum
}
