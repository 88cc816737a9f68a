// Package plan turns a spec and a seed into the order of an experiment's
// trials: warm-ups first, then randomised complete blocks. It is pure: the
// same spec and seed give the same plan everywhere.
package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

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

// Of plans trials as Make does, of these cells only.
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
