package analyse

import (
	"math"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// spread is what all cells showed of how much set-up times vary: degrees of
// freedom and sum of squares of log times.
type spread struct{ freedom, squares float64 }

// mostPooledFreedom is what other cells' spreads count at most in a cell, in
// degrees of freedom: they need not be alike.
const mostPooledFreedom = 4

func (s Study) pooledSpread() (all spread) {
	for _, c := range s.Cells {
		freedom, squares := stats.LogSpread(setups(s.Of(c)))
		all.freedom, all.squares = all.freedom+freedom, all.squares+squares
	}
	return all
}

// prior is that of the spread of one cell's times: a weak one, with what the
// other cells showed.
func (s spread) prior(own []float64) stats.SpreadPrior {
	freedom, squares := stats.LogSpread(own)
	freedom, squares = max(0, s.freedom-freedom), max(0, s.squares-squares)
	prior := stats.WeakSpread
	if freedom > 0 {
		share := min(1, mostPooledFreedom/freedom)
		prior.Freedom, prior.Squares = share*freedom, share*squares
	}
	return prior
}

// belief before the trials of an arm, with the given prior of its success.
func (s spread) belief(own []float64, success stats.Prior) stats.Belief {
	return stats.Belief{Success: success, Ready: s.prior(own), Lost: stats.WeakSpread}
}

// erraticSpread is how much wider times are in the belief of somebody who
// expects them to be erratic.
const erraticSpread = 4

// priorShare is how much of what is known of the spread of a sample's times is
// the weak prior's, which is worth a degree of freedom.
func (s spread) priorShare(own []float64) float64 {
	return 1 / (1 + s.prior(own).Freedom + math.Max(0, float64(len(own)-1)))
}

// Spread is the standard deviation of log set-up times inside cells, pooled;
// ok is false with fewer than two trials in every cell.
func (s Study) Spread() (spread float64, ok bool) {
	var squares, freedom float64
	for _, c := range s.Cells {
		values := setups(s.Of(c))
		if len(values) < 2 {
			continue
		}
		logs := make([]float64, len(values))
		for i, v := range values {
			logs[i] = math.Log(v)
		}
		mean := average(logs)
		for _, l := range logs {
			squares += (l - mean) * (l - mean)
		}
		freedom += float64(len(logs) - 1)
	}
	return math.Sqrt(squares / freedom), freedom > 0 && squares > 0
}
