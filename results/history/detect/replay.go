package detect

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/combin"

	"github.com/stratbench/stratbench/results/stats"
)

// Replay judges each night in order, from it and those before it only. Changes of a measure by
// a smaller share than threshold are not reported, however significant.
func Replay(m Matrix, restarts []Restart, decide Decide, threshold float64) Report {
	w := &watch{Matrix: m, decide: decide, threshold: math.Log1p(threshold), host: newHost(m.Nights), charts: map[chartKey]stats.BernoulliCUSUM{}, suspects: map[int]suspect{}}
	for i, s := range m.Series {
		if s.IsCount() {
			w.rates = append(w.rates, &rate{Series: s, series: i, refuted: -1})
		} else {
			w.measures = append(w.measures, newMeasure(i, s, 2*w.threshold))
			w.primary = append(w.primary, s.Primary)
		}
	}
	for t := range m.Nights {
		for _, r := range restarts {
			if r.Night == t {
				w.restart(r.Series, t)
			}
		}
		w.judge(t)
	}
	w.report.Judged, w.report.Odds = w.judged, w.odds()
	return w.report
}

// watch is what is known after the nights judged so far.
type watch struct {
	Matrix
	decide    Decide
	threshold float64 // in logs
	host      *host
	measures  []*measure
	primary   []bool
	rates     []*rate
	charts    map[chartKey]stats.BernoulliCUSUM
	judged    []int // fit nights so far
	suspects  map[int]suspect
	report    Report
}

// judge adds the verdict on a night.
func (w *watch) judge(t int) {
	w.report.Nights = append(w.report.Nights, Judgement{})
	night := &w.report.Nights[t]
	switch {
	case !slices.ContainsFunc(w.Series, func(s Series) bool { return s.has(t) }):
		night.State = NoData
	case w.Nights[t].Unfit:
		night.State = Unfit
	case w.host.shifted(t, w.last(reference), w.moves(t), w.threshold):
		night.State = HostShifted
		w.followHost(t)
	default:
		w.take(t)
		w.steps(t)
		w.drifts(t)
		w.judgeRates(t)
		night.Needs, night.State = w.needs(), Judged
	}
}

// take makes a night one that later ones are compared with.
func (w *watch) take(t int) {
	w.judged = append(w.judged, t)
	for _, m := range w.measures {
		m.take(t)
	}
}

// last are up to n of the fit nights.
func (w *watch) last(n int) []int { return w.judged[max(0, len(w.judged)-n):] }

// moves are how far a night's measures lie from where they stood when last looked at.
func (w *watch) moves(t int) (moves []float64) {
	for _, m := range w.measures {
		if m.scale > 0 && !math.IsNaN(m.at[t]) {
			moves = append(moves, m.at[t]-m.center)
		}
	}
	return moves
}

// followHost starts every measure anew when the host has been shifted for long.
func (w *watch) followHost(t int) {
	nights := w.host.pending
	if len(nights) < hostStays {
		return
	}
	w.host.pending, w.host.regime = nil, nights[0]
	f := Finding{Kind: Host, Series: None, Certainty: Certain, Raised: t, Settled: t, Since: nights[0], Together: 1}
	f.size(&measure{at: w.host.log}, w.last(reference), nights)
	f.Better = f.Ratio < 1
	w.record(t, len(w.report.Findings), f)
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

// random is seeded by the night's numbers, so that a night judged again draws the same.
func (w *watch) random(t int) *rand.Rand {
	h := fnv.New64a()
	for _, m := range w.measures {
		_ = binary.Write(h, binary.LittleEndian, m.at[t]) // a hash takes everything
	}
	return rand.New(rand.NewPCG(h.Sum64(), uint64(t)))
}

// needs is how many more fit nights it takes until the nights alone can tell a regression in
// any measure: the least p-value is one over the ways to choose the last nights.
func (w *watch) needs() int {
	most := 0
	for _, m := range w.measures {
		most = max(most, len(m.nights)-m.start)
	}
	p := alarm * alarmSteps
	if slices.Contains(w.primary, true) && slices.Contains(w.primary, false) {
		p /= 2
	}
	for n := fewestReference + 1; ; n++ {
		for _, k := range windows {
			if n-k >= fewestReference && 1/float64(combin.Binomial(n, k)) <= p {
				return max(0, n-most)
			}
		}
	}
}

// odds are by the stated rates of steps and drifts, the exact ones of the charts in
// use, and the memory of the primary measures, of all where none is primary.
func (w *watch) odds() Odds {
	alarms := alarm * (alarmSteps + alarmDrifts)
	for _, r := range w.rates {
		usual, _ := r.usual(w.judged)
		trials := r.meanTrials(w.judged)
		if c, err := w.chart(usual, trials, 1/(alarm*alarmRates)); err == nil {
			alarms += 1 / (c.RunLength(usual) / float64(trials))
		}
	}
	o := Odds{FalseAlarm: stats.Value(1 / alarms), Wider: 1}
	var correlations, afterAWeek, wider []float64
	for j, m := range w.measures {
		if w.primary[j] || !slices.Contains(w.primary, true) {
			correlations = append(correlations, m.memory.correlation(1))
			afterAWeek = append(afterAWeek, m.memory.correlation(7))
			wider = append(wider, m.memory.widening(5, float64(len(m.residual))))
		}
	}
	if len(wider) > 0 {
		o.Correlation, o.AfterAWeek, o.Wider = stats.Value(stat.Mean(correlations, nil)), stats.Value(stat.Mean(afterAWeek, nil)), stats.Value(stat.Mean(wider, nil))
	}
	return o
}

// suspect is an open suspicion, or one that trials of both sides refuted.
type suspect struct {
	finding  int
	seen     int // night
	refuted  bool
	excluded bool
}

// suspicionLasts is after how many nights without a sign a suspicion is forgotten.
const suspicionLasts = 8

// raise records a change of a series: a suspicion becomes the open one's next sign, a certain
// change takes it over. Trials of both sides refute a suspicion that they do not show, and a
// certain change that they exclude. If the change is sure, the series starts anew.
func (w *watch) raise(t int, f Finding) (sure bool) {
	open, known := w.suspects[f.Series]
	if known && (t-open.seen > suspicionLasts || w.report.Findings[open.finding].Better != f.Better) {
		delete(w.suspects, f.Series)
		known = false
	}
	if known && open.refuted && f.Since <= open.seen && (f.Certainty == Suspected || open.excluded) {
		return false // trials have already answered this
	}
	at := len(w.report.Findings)
	if known && !open.refuted {
		at, f.Raised = open.finding, w.report.Findings[open.finding].Raised
	}
	f.Settled = t
	c, asked := w.decide(t, f)
	switch {
	case asked && c.Confirmed:
		f.Certainty = Confirmed
	case asked && (f.Certainty == Suspected || c.Excluded):
		f.Certainty = Refuted
		w.suspects[f.Series] = suspect{finding: at, seen: t, refuted: true, excluded: c.Excluded}
	case f.Certainty == Suspected:
		f.Settled = None
		w.suspects[f.Series] = suspect{finding: at, seen: t}
	}
	w.record(t, at, f)
	if f.Certainty < Certain {
		return false
	}
	delete(w.suspects, f.Series)
	w.undo(at)
	return true
}

// record puts a finding, in its place among all, on the record of a night.
func (w *watch) record(t, at int, f Finding) {
	if at == len(w.report.Findings) {
		w.report.Findings = append(w.report.Findings, f)
	}
	w.report.Findings[at] = f
	night := &w.report.Nights[t]
	night.Findings = append(night.Findings, at)
}

// undo marks the earlier changes of the series, of the other direction, that
// finding at takes back to within the threshold.
func (w *watch) undo(at int) {
	f := w.report.Findings[at]
	for i := range at {
		g := &w.report.Findings[i]
		if g.Series != f.Series || g.Better == f.Better || g.Certainty < Certain {
			continue
		}
		from, to := g.Before, f.After
		if f.Better {
			from, to = to, from
		}
		if g.Kind == Rate {
			g.Undone = g.Undone || from-to <= RateThreshold
		} else {
			g.Undone = g.Undone || math.Log(from/to) <= w.threshold
		}
	}
}
