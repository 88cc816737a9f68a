package confirm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/strategies"
)

// CellError says that cells were asked for that cannot be compared.
type CellError struct{ text string }

func (e *CellError) Error() string { return e.text }

// Choose returns the cells of the present spec that a text picks, in its
// order; all without texts. A text is a cell's key, or FACTOR=LEVEL pairs with
// commas between them, which pick every cell that has them. The error is a
// *CellError: a text picks nothing, or the last good spec has no such cell.
func Choose(present, good *spec.Spec, texts []string) (chosen []trial.Cell, err error) {
	used := make([]bool, len(texts))
	for _, cell := range plan.Cells(present.Factors) {
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
		return nil, &CellError{fmt.Sprintf("no cell of %s is %q; write FACTOR=LEVEL,FACTOR=LEVEL of the cells that stratbench plan lists", present.Path, texts[i])}
	}
	return chosen, inBoth(good, chosen)
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

// inBoth says which of the cells the last good spec does not have: it varied
// other factors, or had other levels.
func inBoth(good *spec.Spec, cells []trial.Cell) error {
	known := map[string]bool{}
	for _, cell := range plan.Cells(good.Factors) {
		known[sortedKey(cell)] = true
	}
	for _, cell := range cells {
		if !known[sortedKey(cell)] {
			return &CellError{fmt.Sprintf("the last good run's spec has no cell [%s], so nothing can be compared with it; choose a later good run, or other cells", cell.Key())}
		}
	}
	return nil
}

// separable says which cells cannot keep their states apart: those that pull
// from a registry of the user's, where both would have the same names.
func separable(specs [2]*spec.Spec, cells []trial.Cell) error {
	for _, spec := range specs {
		for _, cell := range cells {
			s, _, err := spec.Cell(cell)
			if err != nil {
				return err
			}
			strategy, err := strategies.Named(s.Strategy, spec.Strategies)
			if err != nil {
				return err
			}
			if strategy.Pull && s.Registry.Prefix != "" {
				return &CellError{fmt.Sprintf("[%s] pulls from %s, where both states would have images of the same name; leave it out with --cell", cell.Key(), s.Registry.Prefix)}
			}
		}
	}
	return nil
}

// sortedKey is the same for a cell whatever the order of its factors.
func sortedKey(c trial.Cell) string {
	c = slices.Clone(c)
	slices.SortFunc(c, func(a, b trial.Assignment) int { return strings.Compare(a.Factor, b.Factor) })
	return c.Key()
}

// Combine is the present experiment with the factor state, in so many blocks.
func Combine(present *spec.Spec, blocks int) *spec.Spec {
	combined := *present
	combined.Name += "-confirm"
	combined.Design.Replicates, combined.Design.Stop = blocks, ""
	combined.Factors = append(slices.Clone(present.Factors),
		trial.Factor{Name: results.StateFactor, Levels: []trial.Level{{Name: results.LastGood}, {Name: results.Present}}})
	return &combined
}

// inStates is each cell in both states.
func inStates(cells []trial.Cell) (both []trial.Cell) {
	for _, cell := range cells {
		for _, state := range []string{results.LastGood, results.Present} {
			both = append(both, append(slices.Clone(cell), trial.Assignment{Factor: results.StateFactor, Level: state}))
		}
	}
	return both
}
