package stats

import (
	"math"
	"slices"
)

// Ratio is a ratio of typical times, first arm over second.
type Ratio struct {
	Estimate float64
	// CI is (0, +Inf) where no finite interval reaches the level with so few
	// trials.
	CI       Interval
	Coverage float64 // exact level of CI without ties; nominal where Exact is false
	Exact    bool    // from the permutation distribution, not its normal limit
}

// HodgesLehmannRatio estimates how many times as long the first arm takes as
// the second: the median of all ratios, with the interval of the ratios that the
// Mann–Whitney test does not reject. Times are positive. With ties the interval
// covers at least as often as stated.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598; Bauer,
// JASA 67 (1972) 687. R: wilcox.test(log(x), log(y), conf.int=TRUE).
func HodgesLehmannRatio(first, second []float64, conf float64) (Ratio, error) {
	if err := checkConfidence(conf); err != nil {
		return Ratio{}, err
	}
	if len(first) == 0 || len(second) == 0 {
		return Ratio{}, invalid("%d and %d times", len(first), len(second))
	}
	var d differences
	for arm, times := range [][]float64{first, second} {
		for _, t := range times {
			if !(t > 0) || math.IsInf(t, 1) {
				return Ratio{}, invalid("time %v has no logarithm", t)
			}
			d[arm] = append(d[arm], math.Log(t))
		}
		slices.Sort(d[arm])
	}
	pairs := len(first) * len(second)
	r := Ratio{Estimate: math.Exp((d.at((pairs+1)/2) + d.at(pairs/2+1)) / 2), CI: Interval{0, math.Inf(1)}}
	rank := 0
	rank, r.Coverage, r.Exact = criticalRank(len(first), len(second), conf)
	if rank > 0 {
		r.CI = Interval{math.Exp(d.at(rank)), math.Exp(d.at(pairs + 1 - rank))}
	}
	return r, nil
}

// differences are all those of the first values to the second ones, kept as the
// sorted values: all pairs of a large experiment would not fit.
type differences [2][]float64

// upTo counts the differences of at most x.
func (d *differences) upTo(x float64) (count int) {
	second, j := d[1], 0
	// The larger the second, the smaller the difference: as the first grows, the
	// start of the admitted seconds moves right.
	for _, f := range d[0] {
		for j < len(second) && f-second[j] > x {
			j++
		}
		count += len(second) - j
	}
	return count
}

// at returns the kth smallest difference, k from 1.
func (d *differences) at(k int) float64 {
	lo, hi := d[0][0]-d[1][len(d[1])-1], d[0][len(d[0])-1]-d[1][0]
	if d.upTo(lo) >= k {
		return lo
	}
	for {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			return hi
		}
		if d.upTo(mid) >= k {
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
func criticalRank(n1, n2 int, conf float64) (rank int, coverage float64, exact bool) {
	tail := (1 - conf) / 2
	if n1*n2 > mostCounted {
		m, n := float64(n1), float64(n2)
		k := int(math.Floor(m*n/2 - twoSidedZ(conf)*math.Sqrt(m*n*(m+n+1)/12) + 0.5))
		return max(0, k), conf, false
	}
	below := 0.0
	for k, chance := range mannWhitney(n1, n2) {
		if below+chance > tail*(1+1e-12) {
			return k, 1 - 2*below, true
		}
		below += chance
	}
	return 0, 1, true
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
