package analyse

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// simulatedArrangements are drawn where there are too many to count.
const simulatedArrangements = 20_000

// mostPermuted is the number of trials beyond which the normal limit of the
// permutation distribution replaces it: by then they
// differ in no digit that matters, and counting takes long.
const mostPermuted = 200

// permutation is a permutation test of scores inside blocks.
type permutation struct {
	less, twoSided, smallest float64
	// least is what less cannot fall below, however large the difference.
	least float64
	exact bool
}

// permute tests that scores do not depend on the arm, inside blocks.
func permute(scores []float64, first []bool, block []int) (permutation, error) {
	if len(scores) > mostPermuted {
		return permuteNormal(scores, first, block), nil
	}
	p, err := stats.StratifiedPermutation(scores, first, block, simulatedArrangements, Seed)
	least := 1 / p.Arrangements
	if !p.Exact {
		least = p.Smallest
	}
	return permutation{p.Less, p.TwoSided, p.Smallest, least, p.Exact}, err
}

// permuteRanks is permute on the midranks of values that may be +Inf.
func permuteRanks(values []float64, first []bool, block []int) (permutation, error) {
	ranks, err := stats.Midranks(values)
	if err != nil {
		return permutation{}, err
	}
	return permute(ranks, first, block)
}

// permuteNormal uses the exact mean and variance of the sum of the first arm's
// scores over all arrangements inside blocks.
func permuteNormal(scores []float64, first []bool, block []int) permutation {
	blocks := map[int][]int{}
	for i, b := range block {
		blocks[b] = append(blocks[b], i)
	}
	var sum, mean, variance float64
	for _, members := range blocks {
		s, m, v := momentsOfBlock(scores, first, members)
		sum, mean, variance = sum+s, mean+m, variance+v
	}
	if variance == 0 {
		return permutation{less: 1, twoSided: 1, smallest: 1, least: 1}
	}
	z := (sum - mean) / math.Sqrt(variance)
	return permutation{less: distuv.UnitNormal.CDF(z), twoSided: 2 * distuv.UnitNormal.CDF(-math.Abs(z))}
}

func momentsOfBlock(scores []float64, first []bool, members []int) (sum, mean, variance float64) {
	n, m, total := float64(len(members)), 0.0, 0.0
	for _, i := range members {
		total += scores[i]
		if first[i] {
			sum += scores[i]
			m++
		}
	}
	if n < 2 {
		return sum, sum, 0
	}
	average, squares := total/n, 0.0
	for _, i := range members {
		squares += (scores[i] - average) * (scores[i] - average)
	}
	return sum, m * average, m * (n - m) / (n * (n - 1)) * squares
}
