package detect

import (
	"math"

	"github.com/stratbench/stratbench/results/stats"
)

// confidence of the intervals of findings.
const confidence = 0.95

// effect describes a change by the nights on its two sides.
type effect struct {
	before, after, ratio float64
	ci                   stats.Interval
}

// effectOf compares the typical values of nights: the median of each side, and
// of all ratios between them, with its interval. The night is the unit: trials
// of one night share what the night had.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598.
func effectOf(m *measure, before, after []int) (effect, bool) {
	b, a := m.typical(before), m.typical(after)
	if len(a) == 0 || len(b) == 0 {
		return effect{}, false
	}
	ratio, ci := stats.HodgesLehmannRatio(a, b, confidence)
	return effect{medianOf(b), medianOf(a), ratio, ci}, true
}

// typical are the nights' values in their own unit.
func (m *measure) typical(nights []int) (values []float64) {
	for _, t := range nights {
		if !math.IsNaN(m.at[t]) {
			values = append(values, math.Exp(m.at[t]))
		}
	}
	return values
}
