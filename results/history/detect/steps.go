package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/stratbench/stratbench/results/stats"
)

// steps screens the last nights and raises what moved.
func (w *watch) steps(t int) {
	nights := w.last(reference + longestWindow)
	if len(w.measures) == 0 || len(nights) <= fewestAfterRestart {
		return
	}
	screen := newScreen(w.measures, nights, w.host.in(nights), w.threshold)
	rise, fall := screen.test(w.primary, w.random(t))
	for _, side := range []struct {
		p      []float64
		better bool
		most   float64
	}{{rise, false, suspicion * suspectSteps}, {fall, true, alarm * alarmSteps}} {
		order := make([]int, len(side.p))
		floats.ArgsortStable(slices.Clone(side.p), order)
		for _, j := range order {
			p := side.p[j]
			if p > side.most {
				break
			}
			at, ok := screen.split(j, side.better)
			if !ok || math.IsNaN(w.measures[j].at[t]) {
				continue
			}
			f := Finding{Kind: Step, Better: side.better, Certainty: Suspected, P: min(1, p/suspectSteps), Since: nights[at]}
			if p <= alarm*alarmSteps {
				f.Certainty, f.P = Certain, p/alarmSteps
			}
			w.change(t, j, f)
		}
	}
}

// split is where measure j changed: the place that best divides its regime.
func (c *screen) split(j int, better bool) (at int, ok bool) {
	var sum, weight, most float64
	for i := c.nights - 1; i > 0; i-- {
		sum += c.z[i*c.measures+j]
		weight += c.w[i*c.measures+j]
		rest := c.all[j] - weight
		if rest < c.least[j]-1e-9 || rest <= 0 {
			break
		}
		if weight == 0 || c.w[i*c.measures+j] == 0 || sum > 0 == better {
			continue
		}
		if v := math.Abs(sum) / math.Sqrt(weight*rest); v > most {
			most, at = v, i
		}
	}
	return at, most > 0
}

// change completes a finding about measure j with its size and shape, raises
// it, and starts the measure anew where it is sure.
func (w *watch) change(t, j int, f Finding) {
	m := w.measures[j]
	f.Series, f.Raised = m.series, t
	before, after := m.sides(f.Since)
	if !f.size(m, before, after) || math.Abs(math.Log(f.Ratio)) < w.threshold || f.Ratio < 1 != f.Better {
		return
	}
	f.Together = w.together(f, before, after)
	if f.Certainty == Certain && w.goesOn(t, m, f) {
		m.restart(f.Since)
		return
	}
	restart := f.Since
	// A change is a drift where a ramp fits its regime clearly better.
	nights, logs := m.last(mostFitted)
	f.Kind = Step
	if ramp, is := isRamp(logs); is {
		f.setRamp(ramp, nights, logs)
	}
	if w.raise(t, f) {
		m.restart(restart)
	}
}

// size compares the typical values of nights: the median of each side, and of
// all ratios between them, with its interval. The night is the unit: trials of
// one night share what the night had.
//
// Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963) 598.
func (f *Finding) size(m *measure, before, after []int) (known bool) {
	b, a := exps(m.in(before)), exps(m.in(after))
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	f.Before, f.After = medianOf(b), medianOf(a)
	f.Ratio, f.CI = stats.HodgesLehmannRatio(a, b, confidence)
	return true
}

// sides are the nights with values of the regime before and after since.
func (m *measure) sides(since int) (before, after []int) {
	cut := max(m.start, place(m.nights, since))
	return m.nights[max(m.start, cut-reference):cut], m.nights[cut:]
}

// together is the share of all measures that moved the same way by at least half as much.
func (w *watch) together(f Finding, before, after []int) float64 {
	half, same, all := math.Log(f.Ratio)/2, 0, 0
	for _, m := range w.measures {
		b, a := medianOf(m.in(before)), medianOf(m.in(after))
		if math.IsNaN(a - b) {
			continue
		}
		all++
		if (a-b)/half >= 1 {
			same++
		}
	}
	return float64(same) / float64(max(1, all))
}

// in are the known logs of the given nights.
func (m *measure) in(nights []int) (logs []float64) {
	for _, t := range nights {
		if !math.IsNaN(m.at[t]) {
			logs = append(logs, m.at[t])
		}
	}
	return logs
}
