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
// the second, from successful trials only: the median of all ratios inside
// blocks, with the interval of the ratios that the stratified permutation
// test (sum of the blocks' Mann–Whitney counts) does not reject. Times are
// positive; block numbers have one entry a time, nil for one block. With ties
// the interval covers at least as often as stated.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598; Bauer,
// JASA 67 (1972) 687. R: wilcox.test(log(x), log(y), conf.int=TRUE).
func HodgesLehmannRatio(first, second []float64, firstBlock, secondBlock []int, conf float64) (Ratio, error) {
	if err := checkConfidence(conf); err != nil {
		return Ratio{}, err
	}
	d, err := newDifferences(first, second, firstBlock, secondBlock)
	if err != nil {
		return Ratio{}, err
	}
	return d.ratio(conf), nil
}

// differences are those of log times inside blocks, kept as the sorted logs:
// all pairs of a large experiment would not fit.
type differences struct {
	first, second [][]float64
	pairs         int
}

func newDifferences(first, second []float64, firstBlock, secondBlock []int) (*differences, error) {
	if (firstBlock == nil) != (secondBlock == nil) ||
		(firstBlock != nil && (len(firstBlock) != len(first) || len(secondBlock) != len(second))) {
		return nil, invalid("blocks do not fit the times")
	}
	logs := map[int]*[2][]float64{}
	for arm, times := range [][]float64{first, second} {
		block := [][]int{firstBlock, secondBlock}[arm]
		for i, t := range times {
			if !(t > 0) || math.IsInf(t, 1) {
				return nil, invalid("time %v has no logarithm", t)
			}
			b := 0
			if block != nil {
				b = block[i]
			}
			if logs[b] == nil {
				logs[b] = &[2][]float64{}
			}
			logs[b][arm] = append(logs[b][arm], math.Log(t))
		}
	}
	d := &differences{}
	for _, l := range logs {
		d.add(l[0], l[1])
	}
	if d.pairs == 0 {
		return nil, invalid("no block holds both arms")
	}
	return d, nil
}

func (d *differences) add(first, second []float64) {
	if len(first) == 0 || len(second) == 0 {
		return
	}
	slices.Sort(first)
	slices.Sort(second)
	d.first, d.second = append(d.first, first), append(d.second, second)
	d.pairs += len(first) * len(second)
}

// upTo counts the differences of at most x.
func (d *differences) upTo(x float64) (count int) {
	for b, first := range d.first {
		second, j := d.second[b], 0
		// The larger the second, the smaller the difference: as the first
		// grows, the start of the admitted seconds moves right.
		for _, f := range first {
			for j < len(second) && f-second[j] > x {
				j++
			}
			count += len(second) - j
		}
	}
	return count
}

// at returns the kth smallest difference, k from 1.
func (d *differences) at(k int) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for b, first := range d.first {
		second := d.second[b]
		lo = min(lo, first[0]-second[len(second)-1])
		hi = max(hi, first[len(first)-1]-second[0])
	}
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

func (d *differences) ratio(conf float64) Ratio {
	middle := (d.at((d.pairs+1)/2) + d.at(d.pairs/2+1)) / 2
	r := Ratio{Estimate: math.Exp(middle), CI: Interval{0, math.Inf(1)}}
	rank, coverage, exact := d.criticalRank(conf)
	r.Coverage, r.Exact = coverage, exact
	if rank > 0 {
		r.CI = Interval{math.Exp(d.at(rank)), math.Exp(d.at(d.pairs + 1 - rank))}
	}
	return r
}

// criticalRank is the largest k for which the kth smallest and kth largest
// difference enclose the true one with at least conf; 0 where none does.
func (d *differences) criticalRank(conf float64) (rank int, coverage float64, exact bool) {
	tail := (1 - conf) / 2
	null, ok := d.null()
	if !ok {
		mean, sd := d.moments()
		k := int(math.Floor(mean - twoSidedZ(conf)*sd + 0.5))
		return max(0, k), conf, false
	}
	var below float64
	for i, w := range null.weight {
		// null.value[i] − offset differences are below the true one.
		if below+w > tail*(1+1e-12) {
			return int(math.Round(null.value[i] - null.value[0])), 1 - 2*below, true
		}
		below += w
	}
	return 0, 1, true
}

// maxRanked is the number of times up to which the exact distribution is
// worked out; beyond, its normal limit gives the same rank within a few.
const maxRanked = 1000

// null is the distribution of the number of differences under the true one.
func (d *differences) null() (distribution, bool) {
	var scores [][]float64
	var sizes []int
	all := 0
	for b := range d.first {
		n := len(d.first[b]) + len(d.second[b])
		all += n
		if n > 400 || all > maxRanked {
			return distribution{}, false
		}
		ranks := make([]float64, n)
		for i := range ranks {
			ranks[i] = float64(i + 1)
		}
		scores, sizes = append(scores, ranks), append(sizes, len(d.first[b]))
	}
	return permuted(scores, sizes)
}

func (d *differences) moments() (mean, sd float64) {
	var variance float64
	for b := range d.first {
		m, n := float64(len(d.first[b])), float64(len(d.second[b]))
		mean += m * n / 2
		variance += m * n * (m + n + 1) / 12
	}
	return mean, math.Sqrt(variance)
}
