package stats

import (
	"math"
	"slices"
)

// HodgesLehmannRatio estimates how many times as long the first arm takes as
// the second: the median of all ratios, with the interval of the ratios that the
// Mann–Whitney test does not reject. Times are positive. With ties the interval
// covers at least as often as stated; it is (0, +Inf) where so few trials bound
// nothing.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598; Bauer,
// JASA 67 (1972) 687. R: wilcox.test(log(x), log(y), conf.int=TRUE).
func HodgesLehmannRatio(first, second []float64, conf float64) (ratio float64, ci Interval) {
	var d differences
	for arm, times := range [][]float64{first, second} {
		for _, t := range times {
			d[arm] = append(d[arm], math.Log(t))
		}
		slices.Sort(d[arm])
		if n := len(times); n == 0 || math.IsNaN(d[arm][0]) || math.IsInf(d[arm][0], 0) || math.IsInf(d[arm][n-1], 0) {
			return math.NaN(), unknown
		}
	}
	pairs := len(first) * len(second)
	ci = Interval{0, math.Inf(1)}
	if rank := criticalRank(len(first), len(second), conf); rank > 0 {
		ci = Interval{math.Exp(d.at(rank)), math.Exp(d.at(pairs + 1 - rank))}
	}
	return math.Exp((d.at((pairs+1)/2) + d.at(pairs/2+1)) / 2), ci
}

// differences are all those of the first values to the second ones, kept as the
// sorted values: all pairs of a large experiment would not fit.
type differences [2][]float64

// at returns the kth smallest difference, k from 1.
func (d *differences) at(k int) float64 {
	first, second := d[0], d[1]
	// The larger the second, the smaller the difference: as the first grows, the
	// start of the admitted seconds moves right.
	enough := func(x float64) bool {
		count, j := 0, 0
		for _, f := range first {
			for j < len(second) && f-second[j] > x {
				j++
			}
			count += len(second) - j
		}
		return count >= k
	}
	lo, hi := first[0]-second[len(second)-1], first[len(first)-1]-second[0]
	if enough(lo) {
		return lo
	}
	for {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			return hi
		}
		if enough(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
}

// mostCounted is the number of pairs up to which the exact distribution is
// worked out; beyond, its normal limit gives the same rank within a few.
const mostCounted = 3600

// criticalRank is the largest k for which the kth smallest and kth largest of
// the differences enclose the true one with at least conf; 0 where none does.
func criticalRank(n1, n2 int, conf float64) int {
	if n1*n2 > mostCounted {
		m, n := float64(n1), float64(n2)
		return max(0, int(math.Floor(m*n/2-twoSidedZ(conf)*math.Sqrt(m*n*(m+n+1)/12)+0.5)))
	}
	tail, below := (1-conf)/2*(1+1e-12), 0.0
	for k, chance := range mannWhitney(n1, n2) {
		if below += chance; below > tail {
			return k
		}
	}
	return 0
}

// mannWhitney is the distribution of the number of pairs in which the first is
// the larger, when the arms do not differ: the largest value of all is one of
// the m first ones with the probability m/(m+n), and then larger than all n.
func mannWhitney(n1, n2 int) []float64 {
	row := make([][]float64, n2+1) // by n, for one m less
	for m := range n1 + 1 {
		next := make([][]float64, n2+1)
		for n := range next {
			if next[n] = make([]float64, m*n+1); m == 0 || n == 0 {
				next[n][0] = 1
				continue
			}
			first := float64(m) / float64(m+n)
			for u, chance := range row[n] {
				next[n][u+n] += first * chance
			}
			for u, chance := range next[n-1] {
				next[n][u] += (1 - first) * chance
			}
		}
		row = next
	}
	return row[n2]
}
