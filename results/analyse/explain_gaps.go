package analyse

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// Alias is two factors whose levels never varied apart.
type Alias struct {
	First  string `json:"first"`
	Second string `json:"second"`
}

// aliases finds factors that never varied apart: to each level of one there
// belonged one level of the other, and the other way round.
func (s Study) aliases(factors []trial.Factor) (found []Alias) {
	for i, a := range factors {
		for _, b := range factors[i+1:] {
			if s.determines(a.Name, b.Name) && s.determines(b.Name, a.Name) {
				found = append(found, Alias{a.Name, b.Name})
			}
		}
	}
	return found
}

func (s Study) determines(a, b string) bool {
	of := map[string]string{}
	for _, o := range s.Trials {
		la, _ := o.Cell.Level(a)
		lb, _ := o.Cell.Level(b)
		if seen, ok := of[la]; ok && seen != lb {
			return false
		}
		of[la] = lb
	}
	return true
}

// missing lists combinations of the levels that were run which were not run
// themselves.
func (s Study) missing(factors []trial.Factor) (cells []trial.Cell) {
	run := map[string]bool{}
	names := make([]string, len(factors))
	combinations := []trial.Cell{{}}
	for i, f := range factors {
		names[i] = f.Name
		var longer []trial.Cell
		for _, c := range combinations {
			for _, l := range f.Levels {
				longer = append(longer, append(slices.Clone(c), trial.Assignment{Factor: f.Name, Level: l.Name}))
			}
		}
		combinations = longer
	}
	for _, o := range s.Trials {
		run[pick(o.Cell, names).Key()] = true
	}
	for _, c := range combinations {
		if !run[c.Key()] {
			cells = append(cells, c)
		}
	}
	return cells
}
