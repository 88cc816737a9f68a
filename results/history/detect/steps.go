package detect

import (
	"cmp"
	"math"
	"slices"
)

// steps screens the last nights and raises what moved.
func (w *watch) steps(t int) {
	s := w.host.span(w.last(w.Reference + longestWindow))
	if len(w.measures) == 0 || len(s.nights) <= fewestAfterRestart {
		return
	}
	w.screen.load(w.measures, s)
	rise, fall := w.screen.test(w.primary, w.random(t))
	night := &w.report.Nights[t]
	night.Worse = min(1, slices.Min(rise)/alarmSteps)
	night.Better = min(1, slices.Min(fall)/alarmSteps)
	for _, j := range byP(rise) {
		if rise[j] <= w.Suspicion*suspectSteps {
			w.step(t, j, false, rise[j], s.nights)
		}
	}
	for _, j := range byP(fall) {
		if fall[j] <= w.Alarm*alarmSteps {
			w.step(t, j, true, fall[j], s.nights)
		}
	}
}

func byP(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return order
}

// step raises the change of measure j that the screen saw, if the night has a
// value of it and the change as it will be told makes the threshold too.
func (w *watch) step(t, j int, better bool, p float64, nights []int) {
	m := w.measures[j]
	at, ok := w.screen.split(j, better)
	if !ok || math.IsNaN(m.at[t]) {
		return
	}
	f := Finding{Kind: Step, Better: better, Certainty: Suspected, P: min(1, p/suspectSteps), Since: nights[at]}
	if p <= w.Alarm*alarmSteps {
		f.Certainty, f.P = Certain, p/alarmSteps
	}
	w.change(t, j, f)
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
	f.Series, f.Raised, f.Undoes, f.UndoneBy = m.series, t, None, None
	before, after := m.sides(f.Since, w.Reference)
	e, ok := effectOf(m, before, after)
	if !ok || math.Abs(math.Log(e.ratio)) < w.threshold || e.ratio < 1 != f.Better {
		return
	}
	f.Before, f.After, f.Ratio, f.CI = e.before, e.after, e.ratio, e.ci
	f.Together = w.together(f, before, after)
	if f.Certainty == Certain && w.goesOn(t, m, f) {
		m.restart(f.Since)
		return
	}
	restart := f.Since
	w.shape(m, &f)
	if w.raise(t, f) {
		m.restart(restart)
	}
}

// sides are the nights with values of the regime before and after since.
func (m *measure) sides(since, reference int) (before, after []int) {
	cut := max(m.start, place(m.nights, since))
	return m.nights[max(m.start, cut-reference):cut], m.nights[cut:]
}

// together is the share of all measures that moved the same way by at least
// half as much.
func (w *watch) together(f Finding, before, after []int) float64 {
	half, same, all := math.Log(f.Ratio)/2, 0, 0
	for _, m := range w.measures {
		b, a := medianOf(m.in(before)), medianOf(m.in(after))
		if math.IsNaN(a - b) {
			continue
		}
		all++
		same += index((a-b)/half >= 1)
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
