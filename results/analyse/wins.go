package analyse

import (
	"math"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// wins has for each pair the one-sided p-value that the first costs less, and
// the least that any of them could have been with so many trials.
func (c Choice) wins(p Priorities) (wins [][]float64, least float64) {
	wins, least = make([][]float64, len(c.Arms)), 1
	for i := range wins {
		wins[i] = make([]float64, len(c.Arms))
		for j := range wins[i] {
			wins[i][j] = 1
			if i == j {
				continue
			}
			if t, err := costsLess(c.Arms[i], c.Arms[j], p); err == nil {
				wins[i][j], least = t.less, min(least, t.least)
			}
		}
	}
	return wins, least
}

// costsLess permutes inside blocks. For the mean, the scores are each trial's
// cost less what a success is worth at the pair's common expected time: their
// sum differs between the arms exactly as the expected times do.
func costsLess(a, b Candidate, p Priorities) (permutation, error) {
	values, first, block := pairOf(a, b, p)
	if p.Quantile > 0 {
		return permuteRanks(values, first, block)
	}
	return permute(values, first, block)
}

func pairOf(a, b Candidate, p Priorities) (values []float64, first []bool, block []int) {
	worth := pairWorth(a, b)
	place := map[string]int{}
	for k, arm := range []Candidate{a, b} {
		ready, lost := 0, 0
		for _, o := range arm.trials {
			var v float64
			switch {
			case o.Ready:
				v, ready = arm.attempts.Ready[ready]-worth, ready+1
			case p.Quantile > 0:
				v = math.Inf(1)
			default:
				v, lost = arm.attempts.Lost[lost], lost+1
			}
			if math.IsNaN(v) {
				continue
			}
			key := o.Block
			if _, seen := place[key]; !seen {
				place[key] = len(place)
			}
			values, first, block = append(values, v), append(first, k == 0), append(block, place[key])
		}
	}
	return values, first, block
}

// pairWorth is the expected running time of two arms taken together.
func pairWorth(a, b Candidate) float64 {
	worth, err := stats.ExpectedRunningTime(stats.Attempts{
		Ready: append(append([]float64{}, a.attempts.Ready...), b.attempts.Ready...),
		Lost:  append(append([]float64{}, a.attempts.Lost...), b.attempts.Lost...),
	})
	if err != nil || math.IsInf(worth, 1) {
		return 0
	}
	return worth
}
