package detect

import (
	"math"

	"github.com/stratbench/stratbench/results/stats"
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
		c := m.creeps(w.threshold, w.Alarm*share)
		p := c.p / share
		if p > w.Alarm {
			continue
		}
		f := Finding{Kind: Drift, Better: !c.rises, Certainty: Certain, P: p}
		f.Since = m.bend()
		w.change(t, j, f)
	}
}

// regimeOf are up to n nights of the current regime that have a value, with
// it.
func (m *measure) regimeOf(n int) (nights []int, logs []float64) {
	from := max(m.start, len(m.nights)-n)
	return m.nights[from:], m.logs[from:]
}

// bend is the night at which a series that creeps is best cut in two.
func (m *measure) bend() int {
	nights, logs := m.regimeOf(longestRegime)
	y, _ := clean(logs)
	return nights[bestStep(y, fewestAfterRestart).at]
}

// mostFitted bounds the nights that shapes are compared over.
const mostFitted = 200

// shape calls a change a drift where a ramp fits its regime clearly better.
func (w *watch) shape(m *measure, f *Finding) {
	nights, logs := m.regimeOf(mostFitted)
	ramp, is := isRamp(logs)
	if !is {
		f.Kind = Step
		return
	}
	setRamp(f, ramp, nights, logs)
}

// setRamp makes a finding the ramp of a fit over nights.
func setRamp(f *Finding, ramp fit, nights []int, logs []float64) {
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
// they are one ramp, so that a slow rise is told once and not in steps.
func (w *watch) goesOn(t int, m *measure, f Finding) bool {
	last := None
	for i, g := range w.report.Findings {
		if g.Series == m.series && g.Certainty >= Certain {
			last = i
		}
	}
	if last == None {
		return false
	}
	g := &w.report.Findings[last]
	if g.Better != f.Better || g.UndoneBy != None {
		return false
	}
	nights, logs := m.around(g.Since, w.Reference)
	first, second := place(nights, g.Since), place(nights, f.Since)
	if g.Kind == Drift {
		first = place(nights, m.regime())
	}
	ramp, is := oneRamp(logs, first, second)
	if !is {
		return false
	}
	setRamp(g, ramp, nights, logs)
	w.tell(t, last)
	return true
}

// around are the nights with values from up to reference of them before a
// change on, the last mostFitted of them.
func (m *measure) around(since, reference int) (nights []int, logs []float64) {
	from := max(0, place(m.nights, since)-reference, len(m.nights)-mostFitted)
	return m.nights[from:], m.logs[from:]
}
