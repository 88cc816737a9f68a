package stats

import (
	"math"
	"slices"
)

// WorstRank returns the times with every failed trial moved to +Inf: all
// failures tie, behind every time. times and failed have one entry a trial;
// the time of a failed trial is not looked at.
//
// Gould, Biometrics 36 (1980) 721; Lachin, Controlled Clinical Trials 20
// (1999) 408.
func WorstRank(times []float64, failed []bool) ([]float64, error) {
	if len(times) != len(failed) {
		return nil, invalid("%d times and %d outcomes", len(times), len(failed))
	}
	worst := slices.Clone(times)
	for i, f := range failed {
		if f {
			worst[i] = math.Inf(1)
		}
	}
	for i, f := range failed {
		if !f && (math.IsNaN(worst[i]) || math.IsInf(worst[i], 0) || worst[i] < 0) {
			return nil, invalid("times[%d] is %v", i, worst[i])
		}
	}
	return worst, nil
}

// Midranks gives every value its rank from 1, equal values the mean of their
// ranks. Values may be +Inf (never), not NaN.
func Midranks(values []float64) ([]float64, error) {
	for i, v := range values {
		if math.IsNaN(v) {
			return nil, invalid("values[%d] is NaN", i)
		}
	}
	return midranks(values), nil
}

func midranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(values[i], values[j]) })
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return ranks
}

func compare(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// BlockMidranks ranks every value among those of its own block, which frees a
// test from differences between blocks at the price of comparing only inside
// them. block has one entry a value.
func BlockMidranks(values []float64, block []int) ([]float64, error) {
	if _, err := Midranks(values); err != nil {
		return nil, err
	}
	if len(values) != len(block) {
		return nil, invalid("%d values and %d blocks", len(values), len(block))
	}
	ranks := make([]float64, len(values))
	for _, members := range blocks(len(values), block) {
		inside := make([]float64, len(members))
		for j, i := range members {
			inside[j] = values[i]
		}
		for j, r := range midranks(inside) {
			ranks[members[j]] = r
		}
	}
	return ranks, nil
}

// blocks lists the indices of each block in order of the blocks' numbers; no
// block numbers mean one block of all.
func blocks(n int, block []int) [][]int {
	byNumber := map[int][]int{}
	for i := range n {
		b := 0
		if block != nil {
			b = block[i]
		}
		byNumber[b] = append(byNumber[b], i)
	}
	numbers := make([]int, 0, len(byNumber))
	for b := range byNumber {
		numbers = append(numbers, b)
	}
	slices.Sort(numbers)
	var all [][]int
	for _, b := range numbers {
		all = append(all, byNumber[b])
	}
	return all
}
