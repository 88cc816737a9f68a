package detect

import (
	"math"
	"math/rand/v2"
	"slices"
)

// mostValues is how many different values a series is kept to: more are
// rounded to the middle of as many equal steps, so that a permutation costs
// one pass over a small table. The test stays exact, being of the rounded
// series.
const mostValues = 64

// energy is a series ready for the energy statistic of its splits.
//
// Matteson & James, JASA 109 (2014) 334, with exponent 1 and each split over
// the full length.
type energy struct {
	places   []int       // of the values among the different ones
	distance [][]float64 // between different values
	all      []float64   // of each different value to all values together
	inner    float64     // of all pairs
	left     []float64
}

func newEnergy(values []float64) *energy {
	e := &energy{places: make([]int, len(values))}
	different := slices.Compact(slices.Sorted(slices.Values(values)))
	if len(different) > mostValues {
		different = rounded(different[0], different[len(different)-1])
	}
	for i, v := range values {
		at, _ := slices.BinarySearch(different, v)
		if at == len(different) || at > 0 && v-different[at-1] < different[at]-v {
			at--
		}
		e.places[i] = at
	}
	n := len(different)
	e.distance, e.all, e.left = make([][]float64, n), make([]float64, n), make([]float64, n)
	for a := range n {
		e.distance[a] = make([]float64, n)
		for b := range n {
			e.distance[a][b] = math.Abs(different[a] - different[b])
		}
	}
	for _, at := range e.places {
		for b, d := range e.distance[at] {
			e.all[b] += d
		}
	}
	for _, at := range e.places {
		e.inner += e.all[at] / 2
	}
	return e
}

func rounded(low, high float64) []float64 {
	steps := make([]float64, mostValues)
	for i := range steps {
		steps[i] = low + (high-low)*(float64(i)+0.5)/mostValues
	}
	return steps
}

// split is the best one with at least shortest values on either side; at is 0
// where the series is too short.
func (e *energy) split(shortest int) (at int, best float64) {
	n := len(e.places)
	if n < 2*shortest {
		return 0, 0
	}
	clear(e.left)
	best = math.Inf(-1)
	left, right := 0.0, e.inner
	for k := 1; k <= n-shortest; k++ {
		// A value goes from right to left.
		p := e.places[k-1]
		toLeft := e.left[p]
		left += toLeft
		right -= e.all[p] - toLeft
		row := e.distance[p]
		for b := range e.left {
			e.left[b] += row[b]
		}
		if k < shortest {
			continue
		}
		l, r := float64(k), float64(n-k)
		q := 2/(l+r)*(e.inner-left-right) - 2*r/(l+r)*left/(l-1) - 2*l/(l+r)*right/(r-1)
		if q > best {
			at, best = k, q
		}
	}
	return at, best
}

// pValue is the share of permutations with a split at least as good, the
// observed one among them; it stops when enough of them are.
func (e *energy) pValue(observed float64, shortest, draws int, random *rand.Rand) float64 {
	atLeast := 0
	slack := 1e-9 * (math.Abs(observed) + e.inner)
	for drawn := 1; drawn <= draws; drawn++ {
		random.Shuffle(len(e.places), func(i, j int) { e.places[i], e.places[j] = e.places[j], e.places[i] })
		if _, q := e.split(shortest); q >= observed-slack {
			atLeast++
		}
		if atLeast >= enough {
			return float64(atLeast) / float64(drawn)
		}
	}
	return float64(atLeast+1) / float64(draws+1)
}
