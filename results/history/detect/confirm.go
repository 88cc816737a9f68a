package detect

import "github.com/stratbench/stratbench/results/analyse/stats"

// Comparison is the outcome of interleaved trials of a suspected series: the
// last good state and the present one, in blocks of their own.
type Comparison struct {
	Confirmed bool
	Worse     bool           // the present state is the worse one
	P         float64        // exact, one-sided towards what was suspected
	Ratio     float64        // present over good; of rates the present rate
	CI        stats.Interval // 95 %, of Ratio
}

// Confirm compares a measure's interleaved trials, block by block; blocks
// without trials of both sides say nothing. Confirmed needs p ≤ alpha towards
// what was suspected and at least the practical threshold.
func Confirm(good, present [][]float64, suspectedWorse bool, alpha, threshold float64) (Comparison, error) {
	return Comparison{}, nil
}
