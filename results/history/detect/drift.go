package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// horizons are over how many of the last nights a slow rise is looked for; 0 is the whole
// regime, up to longestRegime nights. No horizon has more than mostPoints.
var horizons = [...]int{20, 60, 0}

const (
	longestRegime = 730
	mostPoints    = 60
)

// drifts looks for slow changes and raises them.
func (w *watch) drifts(t int) {
	families := map[bool]int{}
	for _, p := range w.primary {
		families[p]++
	}
	for j, m := range w.measures {
		if math.IsNaN(m.at[t]) {
			continue
		}
		share := alarmDrifts / float64(len(horizons)*families[w.primary[j]]*len(families))
		p, rises := m.creeps(w.threshold, alarm*share)
		if p /= share; p > alarm {
			continue
		}
		nights, logs := m.last(longestRegime)
		cleaned, _ := clean(logs)
		w.change(t, j, Finding{Kind: Drift, Better: !rises, Certainty: Certain, P: p, Since: nights[bestStep(cleaned, fewestAfterRestart).at]})
	}
}

// creeps looks for a trend in the fit nights of the regime: that of least p
// which makes the threshold over its horizon. p is one-sided and of this
// measure and horizon alone; one over level may be returned as 1.
//
// Mann, Econometrica 13 (1945) 245; Theil, Proceedings KNAW 53 (1950) 386.
func (m *measure) creeps(threshold, level float64) (p float64, rises bool) {
	p = 1
	for _, horizon := range horizons {
		n := len(m.logs) - m.start
		switch {
		case horizon == 0 && n > horizons[0]:
			horizon = min(n, longestRegime)
		case horizon == 0 || horizon > n:
			continue
		}
		// How much the last third lies above the first: most series need no other test.
		k, end := horizon/3, len(m.sums)-1
		first, last := m.sums[end-horizon+k]-m.sums[end-horizon], m.sums[end]-m.sums[end-k]
		if math.Abs((last-first)/float64(k)) < threshold/2 {
			continue
		}
		// Medians of neighbouring nights, as many of each as keep the points few.
		group := (horizon + mostPoints - 1) / mostPoints
		var points []float64
		for part := range slices.Chunk(m.logs[len(m.logs)-horizon+horizon%group:], group) {
			points = append(points, medianOf(slices.Clone(part)))
		}
		inflation := m.memory.inflation(float64(horizon)) / m.memory.inflation(float64(horizon/len(points)))
		if q, up := trend(points, inflation, threshold, level); q < p {
			p, rises = q, up
		}
	}
	return p, rises
}

// trend is that of points, with p = 1 where it is under the threshold over all of them or p
// is well over level by the normal limit: most series need no exact distribution. Inflation
// is by how much points that resemble their neighbours spread the statistic's variance.
//
// Hamed & Rao, Journal of Hydrology 204 (1998) 182.
func trend(points []float64, inflation, threshold, level float64) (p float64, rises bool) {
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
	if z := math.Abs(s) / math.Sqrt(inflation*n*(n-1)*(2*n+5)/18); distuv.UnitNormal.Survival(z) > 4*level {
		return 1, false
	}
	if slope, _ := stats.TheilSen(points, confidence); !(math.Abs(slope)*(n-1) >= threshold) {
		return 1, false
	}
	_, p = stats.MannKendall(points)
	return distuv.UnitNormal.Survival(-distuv.UnitNormal.Quantile(p/2) / math.Sqrt(inflation)), s > 0
}

// last are up to n nights of the current regime that have a value, with it.
func (m *measure) last(n int) (nights []int, logs []float64) {
	from := max(m.start, len(m.nights)-n)
	return m.nights[from:], m.logs[from:]
}

// mostFitted bounds the nights that shapes are compared over.
const mostFitted = 200

// setRamp makes a finding the ramp of a fit over nights.
func (f *Finding) setRamp(ramp fit, nights []int, logs []float64) {
	f.Kind, f.Since = Drift, nights[ramp.at]
	f.Before, f.After = math.Exp(ramp.before), math.Exp(ramp.last)
	f.Ratio, f.CI = f.After/f.Before, stats.Interval{Lower: 0, Upper: math.Inf(1)}
	part := logs[ramp.at:]
	if _, ci := stats.TheilSen(part, confidence); len(part) > 1 {
		n := float64(len(part))
		f.CI = stats.Interval{Lower: math.Exp(n * ci.Lower), Upper: math.Exp(n * ci.Upper)}
	}
}

// goesOn reports whether a sure change is the last one going on: together
// they are one ramp, so that a slow rise is reported once and not in steps.
func (w *watch) goesOn(t int, m *measure, f Finding) bool {
	all, last := w.report.Findings, len(w.report.Findings)-1
	for last >= 0 && (all[last].Series != m.series || all[last].Certainty < Certain) {
		last--
	}
	if last < 0 || all[last].Better != f.Better || all[last].Undone {
		return false
	}
	g := all[last]
	// The nights with values from some before the last change on.
	from := max(0, place(m.nights, g.Since)-reference, len(m.nights)-mostFitted)
	nights, logs := m.nights[from:], m.logs[from:]
	first, second := place(nights, g.Since), place(nights, f.Since)
	if g.Kind == Drift {
		first = place(nights, m.regime())
	}
	ramp, is := oneRamp(logs, first, second)
	if is {
		g.setRamp(ramp, nights, logs)
		w.record(t, last, g)
	}
	return is
}

// fit is a model of a series with one bend: a level, and then another one or a straight ramp.
type fit struct {
	at     int // first value after the bend
	before float64
	last   float64 // of the model at the end
	loss   float64 // sum of squares left
}

// clean cuts what sticks out of its surroundings, so that sums of squares can
// compare the shapes of what remains. It returns the usual spread too.
func clean(values []float64) (cleaned []float64, scale float64) {
	n := len(values)
	rest := make([]float64, n)
	cleaned = make([]float64, n)
	for i := range values {
		cleaned[i] = medianOf(slices.Clone(values[max(0, i-3):min(n, i+4)]))
		rest[i] = values[i] - cleaned[i]
	}
	scale = spread(slices.Clone(rest))
	for i := range values {
		cleaned[i] += cut(rest[i], mostScale*scale)
	}
	return cleaned, scale
}

// bestStep is the step of least loss with at least shortest values on either side.
func bestStep(values []float64, shortest int) fit {
	n := len(values)
	best := fit{loss: math.Inf(1)}
	var total, squares float64
	for _, v := range values {
		total, squares = total+v, squares+v*v
	}
	var sum float64
	for k := 1; k <= n-shortest; k++ {
		sum += values[k-1]
		if k < shortest {
			continue
		}
		a, b := sum/float64(k), (total-sum)/float64(n-k)
		if loss := squares - sum*a - (total-sum)*b; loss < best.loss {
			best = fit{at: k, before: a, last: b, loss: loss}
		}
	}
	return best
}

// shortestRamp is how many nights a ramp takes: less is a step.
const shortestRamp = 6

// bestRamp is the level that turns into a ramp with the least loss.
func bestRamp(values []float64) fit {
	n := len(values)
	best := fit{loss: math.Inf(1)}
	for at := 0; at <= n-shortestRamp; at++ {
		// Least squares on x, 0 up to at−1 and then 1, 2, 3 …
		var sx, sy, sxx, sxy, syy float64
		for i, v := range values {
			x := float64(max(0, i-at+1))
			sx, sy, sxx, sxy, syy = sx+x, sy+v, sxx+x*x, sxy+x*v, syy+v*v
		}
		m := float64(n)
		slope := (sxy - sx*sy/m) / (sxx - sx*sx/m)
		before := (sy - slope*sx) / m
		loss := syy - sy*sy/m - slope*(sxy-sx*sy/m)
		if loss < best.loss {
			best = fit{at: at, before: before, last: before + slope*float64(n-at), loss: loss}
		}
	}
	return best
}

// clearly is by how much the logarithm of the likelihood must favour a ramp
// before it is called one: until then a change is a step.
const clearly = 2.0

// isRamp compares the two shapes, which have as many parameters.
func isRamp(values []float64) (fit, bool) {
	if len(values) < shortestRamp+2 {
		return fit{}, false
	}
	y, scale := clean(values)
	step, ramp := bestStep(y, 1), bestRamp(y)
	return ramp, scale > 0 && step.loss-ramp.loss >= 2*clearly*scale*scale
}

// oneRamp reports whether a single ramp describes values about as well as two steps, at first
// and second: they have two parameters more, which BIC (Schwarz 1978) makes worth log n.
func oneRamp(values []float64, first, second int) (fit, bool) {
	n := len(values)
	if n < shortestRamp+2 || first < 1 || second <= first || second >= n {
		return fit{}, false
	}
	y, scale := clean(values)
	ramp := bestRamp(y)
	var steps float64
	for _, part := range [][]float64{y[:first], y[first:second], y[second:]} {
		var sum, squares float64
		for _, v := range part {
			sum, squares = sum+v, squares+v*v
		}
		steps += squares - sum*sum/float64(len(part))
	}
	return ramp, ramp.loss-steps <= 2*math.Log(float64(n))*scale*scale
}
