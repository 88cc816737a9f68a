package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// horizons are over how many of the last nights a slow rise is looked for; 0
// is the whole regime, up to longestRegime nights. There medians of
// neighbouring nights are taken, so that no horizon has more than mostPoints.
var horizons = [...]int{20, 60, 0}

const (
	longestRegime = 730
	mostPoints    = 60
)

// creep is a slow change: p is one-sided and of this measure and horizon
// alone.
type creep struct {
	p     float64
	rises bool
}

// creeps looks for a trend in the fit nights of the regime: that of least p
// which makes the practical threshold over its horizon. A p over level may be
// told as 1.
//
// Mann, Econometrica 13 (1945) 245; Theil, Proceedings KNAW 53 (1950) 386.
func (m *measure) creeps(threshold, level float64) creep {
	best := creep{p: 1}
	for _, horizon := range horizons {
		n := len(m.logs) - m.start
		switch {
		case horizon == 0 && n > horizons[0]:
			horizon = min(n, longestRegime)
		case horizon == 0 || horizon > n:
			continue
		}
		if math.Abs(m.thirds(horizon)) < threshold/2 {
			continue
		}
		if c := trend(thinned(m.logs[len(m.logs)-horizon:]), threshold, level); c.p < best.p {
			best = c
		}
	}
	return best
}

// thirds is how much the last third of a horizon lies above the first: a quick
// look that spares most series the test.
func (m *measure) thirds(horizon int) float64 {
	k, end := horizon/3, len(m.sums)-1
	first := m.sums[end-horizon+k] - m.sums[end-horizon]
	last := m.sums[end] - m.sums[end-k]
	return (last - first) / float64(k)
}

func thinned(logs []float64) []float64 {
	group := (len(logs) + mostPoints - 1) / mostPoints
	if group < 2 {
		return logs
	}
	points := make([]float64, len(logs)/group)
	for i := range points {
		end := len(logs) - group*(len(points)-1-i)
		points[i] = medianOf(slices.Clone(logs[end-group : end]))
	}
	return points
}

// trend is that of points, with p = 1 where it is under the threshold over all
// of them or p is well over level by the normal limit, which spares most
// series the exact distribution.
func trend(points []float64, threshold, level float64) creep {
	none := creep{p: 1}
	n, s := float64(len(points)), 0.0
	for i, a := range points {
		for _, b := range points[:i] {
			switch {
			case a > b:
				s++
			case a < b:
				s--
			}
		}
	}
	if z := math.Abs(s) / math.Sqrt(n*(n-1)*(2*n+5)/18); distuv.UnitNormal.Survival(z) > 4*level {
		return none
	}
	if slope, _ := stats.TheilSen(points, confidence); !(math.Abs(slope)*(n-1) >= threshold) {
		return none
	}
	_, p := stats.MannKendall(points)
	return creep{p / 2, s > 0}
}
