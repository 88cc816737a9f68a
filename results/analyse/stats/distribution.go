package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/combin"
)

// distribution is the permutation distribution of a sum: values ascending,
// with their probabilities.
type distribution struct{ value, weight []float64 }

// Limits under which a permutation distribution is worked out exactly: steps
// of the recursion over integer scores, arrangements of other scores.
const (
	maxSteps        = 100_000_000
	maxArrangements = 2_000_000
)

// permuted returns the exact distribution of the sum of the scores of the
// first arm when arms are reassigned inside blocks, or false where that is
// too much work. scores and sizes have an entry a block: its scores, and how
// many of them belong to the first arm.
func permuted(scores [][]float64, sizes []int) (distribution, bool) {
	if d, ok := integerPermuted(scores, sizes); ok {
		return d, true
	}
	total := 1.0
	for b, s := range scores {
		total *= arrangements(len(s), sizes[b])
	}
	if total > maxArrangements {
		return distribution{}, false
	}
	d := distribution{[]float64{0}, []float64{1}}
	for b, s := range scores {
		d = d.plus(enumerated(s, sizes[b]))
	}
	return d, true
}

func arrangements(n, m int) float64 {
	return math.Round(math.Exp(logChoose(n, m)))
}

func enumerated(scores []float64, m int) distribution {
	var sums []float64
	for _, pick := range combin.Combinations(len(scores), m) {
		var sum float64
		for _, i := range pick {
			sum += scores[i]
		}
		sums = append(sums, sum)
	}
	weights := make([]float64, len(sums))
	for i := range weights {
		weights[i] = 1 / float64(len(sums))
	}
	return distribution{sums, weights}.merged()
}

// plus is the distribution of the sum of two independent sums.
func (d distribution) plus(e distribution) distribution {
	var sum distribution
	for i, v := range d.value {
		for j, w := range e.value {
			sum.value = append(sum.value, v+w)
			sum.weight = append(sum.weight, d.weight[i]*e.weight[j])
		}
	}
	return sum.merged()
}

// merged sorts the values and joins those that differ by rounding only.
func (d distribution) merged() distribution {
	order := make([]int, len(d.value))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(d.value[i], d.value[j]) })
	var out distribution
	for _, i := range order {
		last := len(out.value) - 1
		if last >= 0 && d.value[i]-out.value[last] <= 1e-11*(1+math.Abs(d.value[i])) {
			out.weight[last] += d.weight[i]
			continue
		}
		out.value, out.weight = append(out.value, d.value[i]), append(out.weight, d.weight[i])
	}
	return out
}

// integerPermuted counts arrangements by sum in a recursion over the trials
// (Streitberg & Röhmel's shift algorithm, Statistical Software Newsletter 12
// (1986) 10) for scores that are multiples of ½, as midranks are.
func integerPermuted(scores [][]float64, sizes []int) (distribution, bool) {
	doubled, base, ok := commonScale(scores, sizes)
	if !ok || work(doubled, sizes) > maxSteps {
		return distribution{}, false
	}
	unit := divide(doubled)
	total := []float64{1}
	for b, s := range doubled {
		total = convolve(total, bySum(s, sizes[b]))
	}
	var d distribution
	for i, w := range total {
		if w > 0 {
			d.value, d.weight = append(d.value, float64(base+unit*i)/2), append(d.weight, w)
		}
	}
	return d, true
}

// commonScale returns twice the scores, less the smallest of their block, and
// what all the smallest add to any sum.
func commonScale(scores [][]float64, sizes []int) (doubled [][]int, base int, ok bool) {
	for b, s := range scores {
		ints, least, ok := halves(s)
		if !ok || arrangements(len(s), sizes[b]) > 1e300 {
			return nil, 0, false
		}
		doubled, base = append(doubled, ints), base+least*sizes[b]
	}
	return doubled, base, true
}

// work is the number of steps that the recursion and the joining of the
// blocks take, as a float since it may be large.
func work(doubled [][]int, sizes []int) (steps float64) {
	unit, reach := float64(greatestDivisor(doubled)), 1.0
	for b, ints := range doubled {
		span := float64(largestSum(ints, sizes[b]))/unit + 1
		steps += span * (float64(len(ints)*sizes[b]) + reach)
		reach += span
	}
	return steps
}

// divide takes the greatest common divisor out of the scores: without ties
// it is 2.
func divide(doubled [][]int) int {
	unit := greatestDivisor(doubled)
	for _, ints := range doubled {
		for i := range ints {
			ints[i] /= unit
		}
	}
	return unit
}

func greatestDivisor(doubled [][]int) (g int) {
	for _, ints := range doubled {
		for _, v := range ints {
			for v != 0 {
				g, v = v, g%v
			}
		}
	}
	return max(1, g)
}

// halves returns twice the scores less the smallest, and that smallest.
func halves(scores []float64) (ints []int, least int, ok bool) {
	for _, s := range scores {
		if t := 2 * s; t != math.Trunc(t) || math.Abs(t) > maxSteps {
			return nil, 0, false
		}
		ints = append(ints, int(2*s))
	}
	least = slices.Min(ints)
	for i := range ints {
		ints[i] -= least
	}
	return ints, least, true
}

func largestSum(ints []int, m int) (sum int) {
	sorted := slices.Sorted(slices.Values(ints))
	for _, v := range sorted[len(sorted)-m:] {
		sum += v
	}
	return sum
}

// bySum is the probability of each sum of m of the ints.
func bySum(ints []int, m int) []float64 {
	width := largestSum(ints, m) + 1
	count := make([][]float64, m+1)
	for j := range count {
		count[j] = make([]float64, width)
	}
	count[0][0] = 1
	for seen, v := range ints {
		for j := min(m, seen+1); j >= 1; j-- {
			for s := width - 1; s >= v; s-- {
				count[j][s] += count[j-1][s-v]
			}
		}
	}
	all := math.Exp(logChoose(len(ints), m))
	if all < 1<<52 {
		all = math.Round(all)
	}
	for s := range count[m] {
		count[m][s] /= all
	}
	return count[m]
}

func convolve(p, q []float64) []float64 {
	sum := make([]float64, len(p)+len(q)-1)
	for i, v := range p {
		if v == 0 {
			continue
		}
		for j, w := range q {
			sum[i+j] += v * w
		}
	}
	return sum
}
