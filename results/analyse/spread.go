package analyse

import (
	"math"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// spread is the prior of the variance of one cell's log set-up times: the weak
// one with what all cells showed, which are taken to be alike in that.
type spread struct {
	stats.SpreadPrior
	// seen is how many degrees of freedom all cells gave.
	seen float64
}

// mostPooledFreedom is what other cells' spreads count at most in a cell, in
// degrees of freedom: they need not be alike.
const mostPooledFreedom = 4

func (s Study) pooledSpread() spread {
	var samples [][]float64
	for _, c := range s.Cells {
		samples = append(samples, setups(s.Of(c)))
	}
	pooled, seen := stats.WeakSpread.Pooled(samples, mostPooledFreedom)
	return spread{pooled, seen}
}

// belief before the trials of an arm, with the given prior of its success.
func (s spread) belief(success stats.Prior) stats.Belief {
	return stats.Belief{Success: success, Ready: s.SpreadPrior, Lost: stats.WeakSpread}
}

// erratic takes the prior's own guess of the spread four times as wide.
func (s spread) erratic() spread {
	own := stats.WeakSpread.Freedom / (stats.WeakSpread.Freedom + s.seen)
	s.Variance += own * (erraticSpread*erraticSpread - 1) * stats.WeakSpread.Variance
	return s
}

// erraticSpread is how much wider times are in the belief of somebody who
// expects them to be erratic.
const erraticSpread = 4

// priorShare is how much of what is known of the spread of a sample's times is
// the weak prior's and nobody has seen.
func (s spread) priorShare(n int) float64 {
	own := stats.WeakSpread.Freedom / (stats.WeakSpread.Freedom + s.seen)
	return own * s.Freedom / (s.Freedom + math.Max(0, float64(n-1)))
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
