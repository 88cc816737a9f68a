package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// ChangePoint is where a series changes its distribution.
type ChangePoint struct {
	Index     int     // of the first value after the change
	Statistic float64 // energy statistic of the split
	P         float64 // (k+1)/(draws+1)
}

// ChangePoints finds changes of any kind in the distribution of a series, in
// the order of the series: again and again the split of greatest energy
// statistic is tested by permuting inside the segments found so far, until
// one is not significant at alpha. Segments have at least shortest values,
// two or more. A slow drift is seen as steps: look at MannKendall as well.
//
// E-divisive of Matteson & James, JASA 109 (2014) 334, with exponent 1 and
// each segment split over its full length; p-values after Phipson & Smyth
// (2010).
func ChangePoints(values []float64, alpha float64, shortest, draws int, seed uint64) ([]ChangePoint, error) {
	if err := checkFinite("values", values); err != nil {
		return nil, err
	}
	if err := checkLevel("alpha", alpha); err != nil {
		return nil, err
	}
	if shortest < 2 {
		return nil, invalid("segments of %d values have no spread", shortest)
	}
	if float64(draws+1)*alpha < 1 {
		return nil, invalid("%d draws cannot give a p-value of %v", draws, alpha)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	segments, found := [][2]int{{0, len(values)}}, []ChangePoint{}
	for {
		best, at := bestSplit(values, segments, shortest)
		if at < 0 {
			break
		}
		best.P = splitP(values, segments, shortest, best.Statistic, draws, random)
		if best.P > alpha {
			break
		}
		found = append(found, best)
		segments = append(segments, [2]int{best.Index, segments[at][1]})
		segments[at][1] = best.Index
	}
	slices.SortFunc(found, func(a, b ChangePoint) int { return a.Index - b.Index })
	return found, nil
}

func bestSplit(values []float64, segments [][2]int, shortest int) (best ChangePoint, segment int) {
	segment, best.Statistic = -1, math.Inf(-1)
	for s, ends := range segments {
		index, q := energySplit(values[ends[0]:ends[1]], shortest)
		if index > 0 && q > best.Statistic {
			best, segment = ChangePoint{Index: ends[0] + index, Statistic: q}, s
		}
	}
	return best, segment
}

func splitP(values []float64, segments [][2]int, shortest int, observed float64, draws int, random *rand.Rand) float64 {
	shuffled, atLeast := slices.Clone(values), 0
	slack := 1e-9 * math.Abs(observed)
	for range draws {
		for _, ends := range segments {
			part := shuffled[ends[0]:ends[1]]
			random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		if best, at := bestSplit(shuffled, segments, shortest); at >= 0 && best.Statistic >= observed-slack {
			atLeast++
		}
	}
	return float64(atLeast+1) / float64(draws+1)
}

// energySplit is the best split of one segment, 0 where it is too short.
func energySplit(values []float64, shortest int) (index int, q float64) {
	n := len(values)
	if n < 2*shortest {
		return 0, 0
	}
	left, right := innerDistances(values), innerDistances(reversed(values))
	q = math.Inf(-1)
	for k := shortest; k <= n-shortest; k++ {
		m, r := float64(k), float64(n-k)
		l, g := left[k], right[n-k]
		between := left[n] - l - g
		e := 2*between/(m*r) - 2*l/(m*(m-1)) - 2*g/(r*(r-1))
		if s := m * r / (m + r) * e; s > q {
			index, q = k, s
		}
	}
	return index, q
}

func reversed(values []float64) []float64 {
	r := slices.Clone(values)
	slices.Reverse(r)
	return r
}

// innerDistances has at k the sum of |xᵢ−xⱼ| over the pairs of the first k
// values, from running counts and sums by rank: n log n instead of n².
func innerDistances(values []float64) []float64 {
	sorted := slices.Compact(slices.Sorted(slices.Values(values)))
	count, total := make(rankSums, len(sorted)+1), make(rankSums, len(sorted)+1)
	sums, all := make([]float64, len(values)+1), 0.0
	for k, x := range values {
		rank, _ := slices.BinarySearch(sorted, x)
		under, underSum := count.upTo(rank), total.upTo(rank)
		// Values equal to x are counted as above it, at distance 0.
		sums[k+1] = sums[k] + x*under - underSum + (all - underSum) - x*(float64(k)-under)
		count.add(rank+1, 1)
		total.add(rank+1, x)
		all += x
	}
	return sums
}

// rankSums is a binary indexed tree (Fenwick 1994) of sums by rank.
type rankSums []float64

func (r rankSums) add(rank int, v float64) {
	for ; rank < len(r); rank += rank & -rank {
		r[rank] += v
	}
}

func (r rankSums) upTo(rank int) (s float64) {
	for ; rank > 0; rank -= rank & -rank {
		s += r[rank]
	}
	return s
}
