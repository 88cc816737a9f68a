package plan

import (
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

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
	Trials int `json:"trials"`
	// Each is how long one trial takes, with the work around it, and Source where that
	// figure comes from.
	Each   time.Duration `json:"each_ns"`
	Source string        `json:"source"`
}

// Estimate adds up what the trials of the plan are expected to take: the mean of
// earlier trials of the same cell, by the cell's key. Without such trials it is a tenth
// of the sum of the phases' limits, which end what hangs and are many times longer than
// usual.
func (p Plan) Estimate(took map[string][]time.Duration, limits spec.Limits) Estimate {
	var e Estimate
	at := map[string]int{}
	for i, cell := range p.Cells {
		at[cell.Key()] = i
		one := CellEstimate{Cell: cell, Each: limits.Longest() / 10, Source: "a guess: a tenth of the limits"}
		if own := took[cell.Key()]; len(own) > 0 {
			var sum time.Duration
			for _, d := range own {
				sum += d
			}
			one.Each, one.Source = sum/time.Duration(len(own)), "mean of earlier trials of the same cell"
		}
		e.Cells = append(e.Cells, one)
		e.Block += one.Each
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

// BlocksWithin is how many whole blocks of the plan fit a budget after its warm-ups, by
// its estimate. A budget of 0 is no bound.
func (p Plan) BlocksWithin(budget time.Duration, e Estimate) int {
	if budget <= 0 || e.Block <= 0 {
		return p.Blocks
	}
	return min(p.Blocks, int(max(0, budget-e.WarmUps)/e.Block))
}
