package detect

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// Replay judges each night in order, from it and those before it only. Errors
// wrap ErrInput.
func Replay(m Matrix, d Decisions, o Options) (Report, error) {
	return replay(m, d.Restarts, d.decide, o)
}

func replay(m Matrix, restarts []Restart, decide decide, o Options) (Report, error) {
	if err := m.check(); err != nil {
		return Report{}, err
	}
	if err := o.check(); err != nil {
		return Report{}, err
	}
	w := newWatch(m, decide, o)
	for t := range m.Nights {
		for _, r := range restarts {
			if r.Night == t {
				w.restart(r.Series, t)
			}
		}
		w.judge(t)
	}
	w.report.FalseAlarm, w.report.FalseSuspicion = w.falseAlarms()
	return w.report, nil
}

// watch is what is known after the nights judged so far.
type watch struct {
	Matrix
	Options
	decide    decide
	threshold float64 // Threshold in logs
	host      *host
	measures  []*measure
	primary   []bool
	rates     []*rate
	charts    *charts
	screen    *screen
	judged    []int // fit nights so far
	suspects  map[int]suspect
	report    Report
}

func newWatch(m Matrix, decide decide, o Options) *watch {
	w := &watch{Matrix: m, Options: o, decide: decide, threshold: math.Log1p(o.Threshold),
		host: newHost(m.Nights), suspects: map[int]suspect{}}
	for i, s := range m.Series {
		if s.IsCount() {
			w.rates = append(w.rates, &rate{series: i, bad: s.Bad, trials: s.Trials, refuted: -1})
		} else {
			w.measures = append(w.measures, newMeasure(i, s, 2*w.threshold))
			w.primary = append(w.primary, s.Primary)
		}
	}
	w.charts = &charts{series: len(w.rates), made: map[chartKey]chart{}}
	w.screen = newScreen(len(w.measures), w.threshold)
	return w
}

// judge adds the verdict on a night.
func (w *watch) judge(t int) {
	w.report.Nights = append(w.report.Nights, Judgement{Worse: 1, Better: 1})
	night := &w.report.Nights[t]
	switch {
	case !w.hasData(t):
		night.State = NoData
	case w.Nights[t].Unfit:
		night.State = Unfit
	case w.host.shifted(t, w.last(w.Reference), w.moves(t), w.threshold):
		night.State = HostShifted
		w.followHost(t)
	default:
		w.take(t)
		w.steps(t)
		w.drifts(t)
		w.judgeRates(t)
		night.Needs = w.needs()
		night.State = w.state(night)
	}
}

// take makes a night one that later ones are compared with.
func (w *watch) take(t int) {
	w.judged = append(w.judged, t)
	for _, m := range w.measures {
		m.take(t)
	}
}

func (w *watch) hasData(t int) bool {
	return slices.ContainsFunc(w.Series, func(s Series) bool {
		return s.IsCount() && s.Trials[t] > 0 || !s.IsCount() && len(s.Values[t]) > 0
	})
}

// last are up to n of the fit nights.
func (w *watch) last(n int) []int { return w.judged[max(0, len(w.judged)-n):] }

// moves are how far a night's measures lie from where they stood the last
// time they were looked at.
func (w *watch) moves(t int) (moves []float64) {
	for j, m := range w.measures {
		if l := &w.screen.levels[j]; l.scale > 0 && !math.IsNaN(m.at[t]) {
			moves = append(moves, m.at[t]-l.center)
		}
	}
	return moves
}

// followHost starts every measure anew when the host has changed for good.
func (w *watch) followHost(t int) {
	nights, stays := w.host.stays()
	if !stays {
		return
	}
	before, after := w.last(w.Reference), nights
	reference := &measure{at: w.host.log}
	e, _ := effectOf(reference, before, after)
	w.add(t, Finding{Kind: Host, Series: None, Better: e.ratio < 1, Certainty: Certain, Raised: t, Settled: t, Since: nights[0],
		Before: e.before, After: e.after, Ratio: e.ratio, CI: e.ci, Together: 1, Undoes: None, UndoneBy: None})
	for _, t := range nights {
		w.take(t)
	}
	for _, m := range w.measures {
		m.restart(nights[0])
	}
}

func (w *watch) restart(series, night int) {
	for _, m := range w.measures {
		if series == None || series == m.series {
			m.restart(night)
		}
	}
	for _, r := range w.rates {
		if series == None || series == r.series {
			r.regime = max(r.regime, night)
		}
	}
}

// random is seeded by the night's numbers, so that a night judged again draws
// the same.
func (w *watch) random(t int) *rand.Rand {
	h := fnv.New64a()
	var b [8]byte
	for _, m := range w.measures {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(m.at[t]))
		h.Write(b[:])
	}
	return rand.New(rand.NewPCG(h.Sum64(), uint64(t)))
}

// needs is how many more fit nights it takes until the nights alone can tell
// a regression in any measure.
func (w *watch) needs() int {
	most := 0
	for _, m := range w.measures {
		most = max(most, len(m.nights)-m.start)
	}
	families := 1 + index(slices.Contains(w.primary, true) && slices.Contains(w.primary, false))
	return max(0, enoughNights(w.Alarm*alarmSteps/float64(families))-most)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// enoughNights is the least number of nights whose rearrangements give a
// p-value of p: one over the ways to choose the last ones.
func enoughNights(p float64) int {
	for n := fewestReference + 1; ; n++ {
		for _, k := range windows {
			if n-k >= fewestReference && 1/choose(n, k) <= p {
				return n
			}
		}
	}
}

func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c *= float64(n-i) / float64(i+1)
	}
	return c
}

func (w *watch) state(n *Judgement) State {
	s := Quiet
	if n.Needs > 0 {
		s = Inconclusive
	}
	for _, i := range n.Findings {
		switch f := w.report.Findings[i]; {
		case f.Regression():
			s = max(s, Regressed)
		case !f.Better && f.Certainty == Suspected:
			s = max(s, Suspicious)
		case f.Better:
			s = max(s, Improved)
		}
	}
	return s
}

// falseAlarms are the nights until a false alarm and a false suspicion: the
// stated rates of steps and drifts, and the exact ones of the charts in use.
func (w *watch) falseAlarms() (alarm, suspicion float64) {
	alarms, suspicions := w.Alarm*(alarmSteps+alarmDrifts), w.Suspicion*suspectSteps
	for _, r := range w.rates {
		usual, _ := r.usual(w.judged)
		trials := r.meanTrialsOf(w.judged)
		if c, err := w.charts.chart(usual, trials, 1/(w.Alarm*alarmRates)); err == nil {
			alarms += 1 / c.every
		}
		if c, err := w.charts.chart(usual, trials, 1/(w.Suspicion*suspectRates)); err == nil {
			suspicions += 1 / c.every
		}
	}
	return 1 / alarms, 1 / suspicions
}
