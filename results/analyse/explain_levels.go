package analyse

import "github.com/stratbench/stratbench/internal/trial"

// perLevel parts the measured trials by their level of a factor.
func (s Study) perLevel(factor string) map[string][]Observation {
	parts := map[string][]Observation{}
	for _, c := range s.Cells {
		level, _ := c.Level(factor)
		parts[level] = append(parts[level], s.Of(c)...)
	}
	return parts
}

func byLevel(f trial.Factor, parts map[string][]Observation) (counts []ByLevel) {
	for _, l := range f.Levels {
		trials := parts[l.Name]
		counts = append(counts, ByLevel{f.Name, l.Name, rate(count(trials, func(o Observation) bool { return !o.Ready }), len(trials))})
	}
	return counts
}

// mostPaired is the number of levels up to which all pairs are compared; of
// more, each is compared with the first.
const mostPaired = 5

// pairsOfLevels lists the pairs of a factor's levels that a reader may want, by
// index.
func pairsOfLevels(f trial.Factor) (pairs [][2]int) {
	for i := range f.Levels {
		for j := i + 1; j < len(f.Levels); j++ {
			if i == 0 || len(f.Levels) <= mostPaired {
				pairs = append(pairs, [2]int{i, j})
			}
		}
	}
	return pairs
}

func timeEffects(f trial.Factor, parts map[string][]Observation) (effects []TimeEffect) {
	for _, pair := range pairsOfLevels(f) {
		reference, level := f.Levels[pair[0]].Name, f.Levels[pair[1]].Name
		a := arms{factor: f.Name, first: level, second: reference, trials: [2][]Observation{parts[level], parts[reference]}}
		effects = append(effects, TimeEffect{Factor: f.Name, Level: level, Reference: reference, Ratio: timeRatio(a),
			N: [2]int{len(setups(a.trials[0])), len(setups(a.trials[1]))}})
	}
	return effects
}
