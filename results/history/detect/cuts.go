package detect

import (
	"math/rand/v2"
	"slices"
)

// shortestSegment is of how many nights a segment has at least.
const shortestSegment = 3

// tested is a place that was tested for a change.
type tested struct {
	at int
	p  float64
}

// cuts looks for the changes of a series of numbers: the best split of it is
// tested by permuting it, and if it is significant each side is cut in turn.
// It returns the significant ones in their order, and how many others were
// tested.
func cuts(values []float64, alpha float64, draws int, random *rand.Rand) (found []tested, others int) {
	if len(values) < 2*shortestSegment {
		return nil, 0
	}
	e := newEnergy(values)
	at, q := e.split(shortestSegment)
	p := e.pValue(q, shortestSegment, draws, random)
	if p > alpha {
		return nil, 1
	}
	before, b := cuts(values[:at], alpha, draws, random)
	after, a := cuts(values[at:], alpha, draws, random)
	found = append(before, tested{at, p})
	for _, t := range after {
		found = append(found, tested{at + t.at, t.p})
	}
	return found, b + a
}

// smoothed cuts each value at the usual spread around the median of its
// neighbourhood: single nights that went astray make no segment, and a level
// of a few nights stays.
func smoothed(values []float64) []float64 {
	if len(values) == 0 {
		return nil
	}
	s, scale := clean(values)
	if scale == 0 {
		return slices.Clone(values)
	}
	return s
}
