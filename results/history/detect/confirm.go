package detect

import (
	"math"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Comparison is the outcome of interleaved trials of a suspected measure: the
// last good state and the present one, in blocks of their own.
type Comparison struct {
	Confirmed bool
	// TooFew is that no outcome of so few trials could have confirmed it.
	TooFew bool
	P      float64        // one-sided, towards what was suspected
	Ratio  float64        // present over good
	CI     stats.Interval // 95 %, of Ratio
}

// confirmDraws are the arrangements drawn where they are too many to count
// out.
const confirmDraws = 9999

// Confirm compares the trials of both sides block by block; at least one block
// must hold both. It takes p ≤ alpha towards what was suspected and at least
// the practical threshold to confirm. Six blocks of one trial a side, or three
// of two, find a step of 10 % where trials differ by 4 %.
//
// The test is that of stats.StratifiedPermutation on logs, of which none
// counts for more than three practical thresholds from its block's median.
func Confirm(good, present [][]float64, better bool, alpha, threshold float64) (Comparison, error) {
	if !(alpha > 0 && alpha < 1) || !(threshold > 0 && threshold < 1) || len(good) != len(present) {
		return Comparison{}, invalid("%d and %d blocks at a level of %v and a threshold of %v", len(good), len(present), alpha, threshold)
	}
	t := newTrials(good, present, math.Log1p(threshold))
	r, err := stats.HodgesLehmannRatio(t.present, t.good, t.presentBlock, t.goodBlock, confidence)
	if err != nil {
		return Comparison{}, invalid("trials of both sides: %v", err)
	}
	test, err := stats.StratifiedPermutation(t.scores, t.isPresent, t.block, confirmDraws, 1)
	if err != nil {
		return Comparison{}, invalid("trials of both sides: %v", err)
	}
	c := Comparison{P: test.Greater, Ratio: r.Estimate, CI: r.CI}
	size := math.Log(r.Estimate)
	if better {
		c.P, size = test.Less, -size
	}
	c.Confirmed = c.P <= alpha && size >= math.Log1p(threshold)
	c.TooFew = test.Exact && 1/test.Arrangements > alpha
	return c, nil
}

// trials are those of a comparison, side by side and as scores.
type trials struct {
	good, present           []float64
	goodBlock, presentBlock []int
	scores                  []float64
	isPresent               []bool
	block                   []int
}

func newTrials(good, present [][]float64, threshold float64) (t trials) {
	for b := range good {
		var logs []float64
		for _, v := range append(append([]float64(nil), good[b]...), present[b]...) {
			logs = append(logs, math.Log(v))
		}
		middle := medianOf(append([]float64(nil), logs...))
		for i, l := range logs {
			t.scores = append(t.scores, cut(l-middle, 3*threshold))
			t.isPresent = append(t.isPresent, i >= len(good[b]))
			t.block = append(t.block, b)
		}
		for _, v := range good[b] {
			t.good, t.goodBlock = append(t.good, v), append(t.goodBlock, b)
		}
		for _, v := range present[b] {
			t.present, t.presentBlock = append(t.present, v), append(t.presentBlock, b)
		}
	}
	return t
}

const (
	// confirmMisses is how often the trials that look for a raised rate may
	// miss one.
	confirmMisses = 0.05
	// leastUsual is the lowest rate that a raised one is told apart from: with
	// a lower one a single bad trial would confirm.
	leastUsual = 0.02
)

// ConfirmRate is the test that decides, trial by trial of the suspected cell,
// whether its rate has risen: from the usual one, or leastUsual where less was
// seen, to the rate that Raised tells. AcceptHigh confirms at the level alpha;
// AcceptLow refutes.
func ConfirmRate(usual, alpha float64) stats.SPRT {
	usual = min(0.9, max(leastUsual, usual))
	return stats.SPRT{Low: usual, High: Raised(usual), Alpha: alpha, Beta: confirmMisses}
}
