// Package stats holds the statistics that no Go library has and that more than
// one room needs: exact inference on few trials, and series of nights.
//
// It is pure: plain numbers in, numbers out; no clock, no I/O, no random source.
// Times may be in any one unit; results are in that unit. Numbers that are out of
// range, or too few to say anything, give NaN and never a plausible figure; a
// bound that does not exist is infinite.
//
// Every method names its primary source; the tests name where each expected
// value comes from, and testdata holds the scripts that made those values.
package stats

import (
	"encoding/json"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a closed interval. An infinite end means that the data put no
// bound on that side at the level asked for.
type Interval struct{ Lower, Upper float64 }

// unknown is the interval of what cannot be estimated.
var unknown = Interval{math.NaN(), math.NaN()}

// Contains reports whether x lies in the interval, ends included.
func (i Interval) Contains(x float64) bool { return i.Lower <= x && x <= i.Upper }

// Value is a figure that may not exist. In JSON it is a number, or null where it is
// infinite or undefined.
type Value float64

// MarshalJSON writes null for what JSON has no number for.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Finite() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// Finite is false for what is infinite or undefined.
func (v Value) Finite() bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// twoSidedZ is the standard normal quantile of a two-sided interval.
func twoSidedZ(conf float64) float64 { return distuv.UnitNormal.Quantile(0.5 + conf/2) }

// Add is the distribution of the sum of two independent counts, from 0 on.
func Add(p, q []float64) []float64 {
	sum := make([]float64, len(p)+len(q)-1)
	for j, w := range q {
		if w == 0 {
			continue
		}
		for i, v := range p {
			sum[i+j] += v * w
		}
	}
	return sum
}

// Outside is how many of the least counts, which have these probabilities, together
// have at most alpha; 0 where the least one has more.
func Outside(chances []float64, alpha float64) int {
	below := 0.0
	for k, chance := range chances {
		if below += chance; below > alpha*(1+1e-12) {
			return k
		}
	}
	return 0
}

// Fewest is the least number from 1 on that is enough, where all above it are, too. It
// is 0 where no power of 2 up to most is.
func Fewest(most int, enough func(n int) bool) int {
	low, high := 0, 1
	for !enough(high) {
		if low, high = high, 2*high; high > most {
			return 0
		}
	}
	return low + 1 + sort.Search(high-low-1, func(i int) bool { return enough(low + 1 + i) })
}

// Median is the middle value, or the mean of the middle two. A trial that never
// became ready is +Inf. It is NaN without a value, or where one is NaN.
func Median(values []float64) float64 { return middle(slices.Sorted(slices.Values(values))) }

func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 || math.IsNaN(sorted[0]) {
		return math.NaN()
	}
	a, b := sorted[(n-1)/2], sorted[n/2]
	if a == b { // infinite ones, too
		return a
	}
	return a + (b-a)/2
}

// MedianInterval is the distribution-free interval of a population median from
// order statistics: each side misses with at most (1−conf)/2. Values are as for
// Median; so few that they bound nothing give an infinite interval.
//
// David & Nagaraja, Order Statistics, 3rd ed. (2003) §7.1.
func MedianInterval(values []float64, conf float64) Interval {
	sorted := slices.Sorted(slices.Values(values))
	n, tail := len(sorted), (1-conf)/2*(1+1e-12)
	below := distuv.Binomial{N: float64(n), P: 0.5}
	rank := sort.Search(n, func(k int) bool { return below.CDF(float64(k)) > tail })
	switch {
	case n == 0 || math.IsNaN(sorted[0]):
		return unknown
	case rank == 0:
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	return Interval{sorted[rank-1], sorted[n-rank]}
}

// HodgesLehmannRatio estimates how many times as long the first arm takes as
// the second: the median of all ratios, with the interval of the ratios that the
// Mann–Whitney test does not reject. Times are positive. With ties the interval
// covers at least as often as stated; it is (0, +Inf) where so few trials bound
// nothing.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598; Bauer,
// JASA 67 (1972) 687. R: wilcox.test(log(x), log(y), conf.int=TRUE).
func HodgesLehmannRatio(first, second []float64, conf float64) (ratio float64, ci Interval) {
	var logs [2][]float64
	for arm, times := range [][]float64{first, second} {
		for _, t := range times {
			logs[arm] = append(logs[arm], math.Log(t))
		}
		slices.Sort(logs[arm])
		if n := len(times); n == 0 || math.IsNaN(logs[arm][0]) || math.IsInf(logs[arm][0], 0) || math.IsInf(logs[arm][n-1], 0) {
			return math.NaN(), unknown
		}
	}
	pairs := len(first) * len(second)
	difference := func(k int) float64 { return kthDifference(logs[0], logs[1], k) }
	ci = Interval{0, math.Inf(1)}
	if rank := criticalRank(len(first), len(second), conf); rank > 0 {
		ci = Interval{math.Exp(difference(rank)), math.Exp(difference(pairs + 1 - rank))}
	}
	return math.Exp((difference((pairs+1)/2) + difference(pairs/2+1)) / 2), ci
}

// kthDifference is the kth smallest, from 1, of all differences of first values to second
// ones, which are sorted: all pairs of a large experiment would not fit.
func kthDifference(first, second []float64, k int) float64 {
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
	return Outside(mannWhitney(n1, n2), (1-conf)/2)
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
