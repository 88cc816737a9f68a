// Package plan turns a spec and a seed into the order of an experiment's
// trials: warm-ups first, then randomised complete blocks. It is pure: the
// same spec and seed give the same plan everywhere.
package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// Plan is the trials of an experiment in the order in which they are run.
type Plan struct {
	// Seed is what the order was drawn from.
	Seed uint64 `json:"seed"`
	// Blocks is the number of complete blocks.
	Blocks int `json:"blocks"`
	// Cells are the combinations of levels that are run, the last factor varying
	// fastest.
	Cells []trial.Cell `json:"cells"`
	// Trials are in order: position 1 first.
	Trials []trial.Trial `json:"trials"`
}

// Make plans the spec's experiment: Design.WarmUp trials of each engine, as
// block 0, then Design.Replicates blocks that each run every cell once, in an
// order drawn anew for each block.
func Make(spec *spec.Spec, seed uint64) Plan {
	return Of(spec, spec.Cells(), seed)
}

// Of is Make for some of the spec's cells.
func Of(spec *spec.Spec, cells []trial.Cell, seed uint64) Plan {
	p := Plan{Seed: seed, Blocks: spec.Design.Replicates, Cells: cells}
	for _, cell := range warmUps(spec, p.Cells) {
		p.Trials = append(p.Trials, trial.Trial{Cell: cell, WarmUp: true})
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for block := 1; block <= p.Blocks; block++ {
		for _, i := range random.Perm(len(p.Cells)) {
			p.Trials = append(p.Trials, trial.Trial{Cell: p.Cells[i], Block: block, Replicate: block})
		}
	}
	digits := max(3, len(strconv.Itoa(len(p.Trials))))
	for i := range p.Trials {
		p.Trials[i].Position = i + 1
		p.Trials[i].ID = fmt.Sprintf("t%0*d", digits, i+1)
	}
	return p
}

// warmUps are the cells that run first, Design.WarmUp times for each engine: the
// first trials after a boot read everything from the disk and take more than twice
// as long as later ones. Each engine, each version of it and each state has files of
// its own. Each warms up with its cell with the most memory, or the spec's first of
// several, because a warm-up that crashes warms little.
func warmUps(spec *spec.Spec, cells []trial.Cell) []trial.Cell {
	memory := map[string]trial.Bytes{}
	for _, f := range spec.Factors {
		for _, l := range f.Levels {
			if n, ok := l.Value.(trial.Bytes); ok && f.Name == "memory" {
				memory[l.Name] = n
			}
		}
	}
	room := func(c trial.Cell) trial.Bytes {
		level, _ := c.Level("memory")
		return memory[level]
	}
	var gentlest []trial.Cell
	at := map[[3]string]int{}
	for _, cell := range cells {
		var engine [3]string
		for i, factor := range []string{"runtime", "engine", "state"} {
			engine[i], _ = cell.Level(factor)
		}
		if i, known := at[engine]; !known {
			at[engine] = len(gentlest)
			gentlest = append(gentlest, cell)
		} else if room(cell) > room(gentlest[i]) {
			gentlest[i] = cell
		}
	}
	return slices.Repeat(gentlest, spec.Design.WarmUp)
}

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
