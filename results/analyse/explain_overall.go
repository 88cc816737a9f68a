package analyse

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// mostLevelPermuted is the number of trials beyond which the χ² limit of the
// permutation distribution replaces it.
const mostLevelPermuted = 2000

// overallFailures tests all levels of a factor together: by permuting failures
// between them inside blocks and combinations of the other factors, and where
// nothing can be permuted by the penalised likelihood ratio.
func (s Study) overallFailures(f trial.Factor, factors []trial.Factor) OverallTest {
	failed := func(o Observation) (float64, bool) {
		if o.Ready {
			return 0, true
		}
		return 1, true
	}
	if t, ok := permuteLevels(s.Trials, f, failed, false); ok {
		return t
	}
	if !s.estimable(f, factors) {
		return OverallTest{P: none}
	}
	m := s.model(factors, f.Name, 0)
	p, err := stats.FirthDropped(m.rows, m.failed, m.trials, m.of(f.Name))
	if err != nil {
		return OverallTest{P: none}
	}
	return OverallTest{P: Value(p)}
}

// overallTimes tests all levels of a factor together by the ranks of ready
// trials inside blocks and combinations of the other factors.
func (s Study) overallTimes(f trial.Factor) OverallTest {
	t, ok := permuteLevels(s.Trials, f, func(o Observation) (float64, bool) { return o.Setup, o.Ready && o.Setup > 0 }, true)
	if !ok {
		return OverallTest{P: none}
	}
	return t
}

func permuteLevels(trials []Observation, f trial.Factor, score func(Observation) (float64, bool), ranked bool) (OverallTest, bool) {
	index, place := map[string]int{}, map[sharing]int{}
	for i, l := range f.Levels {
		index[l.Name] = i
	}
	var scores []float64
	var level, block []int
	for _, o := range trials {
		value, counts := score(o)
		if !counts {
			continue
		}
		key := stratum(o, f.Name)
		if _, seen := place[key]; !seen {
			place[key] = len(place)
		}
		name, _ := o.Cell.Level(f.Name)
		scores, level, block = append(scores, value), append(level, index[name]), append(block, place[key])
	}
	if ranked {
		var err error
		if scores, err = stats.BlockMidranks(scores, block); err != nil {
			return OverallTest{}, false
		}
	}
	draws := simulatedArrangements
	if len(scores) > mostLevelPermuted {
		draws = 0
	}
	t, err := stats.LevelPermutation(scores, level, len(f.Levels), block, draws, Seed)
	return OverallTest{P: Value(t.P), Exact: t.Exact}, err == nil && t.Freedom == levelsIn(level)-1
}

func levelsIn(level []int) int {
	seen := map[int]bool{}
	for _, l := range level {
		seen[l] = true
	}
	return len(seen)
}
