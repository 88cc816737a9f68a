package detect

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

// Segment is a stretch of nights without a change, from Start until before
// End, or one long one.
type Segment struct {
	Start, End int
	// From and To are the typical value, the median of nights or the rate; of
	// a drift, the values it goes from and to.
	From, To float64
	Drift    bool
}

// Change is one between two segments of a series, or a drift.
type Change struct {
	Night int // first of the segment after it, or of the drift
	// Until is the last night of a drift; None for a step.
	Until int
	// P is the finding's.
	P float64
	// Ratio is that of the nights after to those before, two weeks of each at
	// most, with its 95 % interval; of a drift that of its end to its beginning;
	// of a rate it is that of the segments, and the interval that of the
	// difference.
	Ratio float64
	CI    stats.Interval
}

// Segmentation is a series cut at its changes.
type Segmentation struct {
	Segments []Segment
	Changes  []Change // in their order
}

// Segments cuts every series at what the report is sure of: its own changes,
// and those of the host for measures. The result is in the order of the series.
// All nights are known by now, so that the size of a change is that of the
// segments beside it, and not what it was in the night that raised it.
func Segments(m Matrix, r Report, o Options) []Segmentation {
	out := make([]Segmentation, len(m.Series))
	for i, s := range m.Series {
		l := newLine(s, r, o)
		if len(l.nights) == 0 {
			continue
		}
		l.cut(i, r)
		for k := range len(l.cuts) + 1 {
			l.tell(k, &out[i])
		}
	}
	return out
}

// line is a series over its judged nights.
type line struct {
	Series
	nights []int
	values []float64 // logs, or shares of bad trials
	cuts   []cutAt
}

// cutAt is where a segment begins: the place of its first night, the finding,
// and for a drift the place after its last night.
type cutAt struct {
	at int
	Finding
	end int
}

func newLine(s Series, r Report, o Options) *line {
	l := &line{Series: s}
	for t := range r.Nights {
		if !r.counts(t) {
			continue
		}
		v := math.NaN()
		switch {
		case !s.IsCount():
			v = location(s.Values[t], 2*math.Log1p(o.Threshold))
		case s.IsCount() && s.Trials[t] > 0:
			v = float64(s.Bad[t]) / float64(s.Trials[t])
		}
		if !math.IsNaN(v) {
			l.nights, l.values = append(l.nights, t), append(l.values, v)
		}
	}
	return l
}

// cut finds the places of the changes of series i. Of several that begin in the
// same night the last one counts.
func (l *line) cut(i int, r Report) {
	for k, f := range r.Findings {
		ofHost := f.Kind == Host && !l.IsCount()
		c := cutAt{at: place(l.nights, f.Since), Finding: f}
		if f.Series != i && !ofHost || f.Certainty < Certain || c.at == 0 || c.at == len(l.nights) {
			continue
		}
		if f.Kind == Drift {
			for t := f.Raised; t < len(r.Nights); t++ {
				if slices.Contains(r.Nights[t].Findings, k) {
					c.end = place(l.nights, t+1)
				}
			}
		}
		l.cuts = slices.DeleteFunc(l.cuts, func(d cutAt) bool { return d.at == c.at })
		l.cuts = append(l.cuts, c)
	}
	slices.SortStableFunc(l.cuts, func(a, b cutAt) int { return a.at - b.at })
	// A step on a drift's way is part of it.
	drifts := slices.DeleteFunc(slices.Clone(l.cuts), func(c cutAt) bool { return c.Kind != Drift })
	l.cuts = slices.DeleteFunc(l.cuts, func(c cutAt) bool {
		return slices.ContainsFunc(drifts, func(d cutAt) bool { return d.at < c.at && c.at < d.end && d.Better == c.Better })
	})
}

// bounds are the places of segment i, from 0.
func (l *line) bounds(i int) (start, end int) {
	end = len(l.values)
	if i > 0 {
		start = l.cuts[i-1].at
	}
	if i < len(l.cuts) {
		end = l.cuts[i].at
	}
	return start, end
}

// tell adds segment k, and the change that it begins with. A drift whose slope
// may as well be none is told as a step.
func (l *line) tell(k int, out *Segmentation) {
	start, end := l.bounds(k)
	if k == 0 {
		out.Segments = append(out.Segments, l.flat(start, end))
		return
	}
	c := l.cuts[k-1]
	if c.Kind != Drift || c.CI.Contains(1) {
		out.Segments, out.Changes = append(out.Segments, l.flat(start, end)), append(out.Changes, l.change(k))
		return
	}
	stop := min(max(c.end, start+1), end)
	out.Segments = append(out.Segments, Segment{Start: l.nights[start], End: l.nights[stop-1] + 1, From: c.Before, To: c.After, Drift: true})
	out.Changes = append(out.Changes, Change{Night: l.nights[start], Until: l.nights[stop-1], P: c.P, Ratio: c.Ratio, CI: c.CI})
	if stop < end {
		out.Segments = append(out.Segments, l.flat(stop, end))
	}
}

func (l *line) flat(start, end int) Segment {
	v := share(l.count(start, end))
	if !l.IsCount() {
		v = math.Exp(medianOf(slices.Clone(l.values[start:end])))
	}
	return Segment{Start: l.nights[start], End: l.nights[end-1] + 1, From: v, To: v}
}

func (l *line) count(start, end int) (a stats.Arm) {
	if !l.IsCount() {
		return a
	}
	for _, t := range l.nights[start:end] {
		a.Events += l.Bad[t]
		a.Trials += l.Trials[t]
	}
	return a
}

// mostBeside is how many nights on each side a change is measured by: two
// weeks, so that what drifts slowly through long segments is not taken for it.
const mostBeside = 14

// change is the step at which segment k begins.
func (l *line) change(k int) Change {
	a, b := l.bounds(k - 1)
	c, d := l.bounds(k)
	out := Change{Night: l.nights[c], Until: None, P: l.cuts[k-1].P}
	if l.IsCount() {
		before, after := l.count(a, b), l.count(c, d)
		out.Ratio = share(after) / share(before)
		out.CI = stats.MiettinenNurminen(after, before, confidence)
		return out
	}
	a, d = max(a, b-mostBeside), min(d, c+mostBeside)
	out.Ratio, out.CI = stats.HodgesLehmannRatio(exps(l.values[c:d]), exps(l.values[a:b]), confidence)
	return out
}

func exps(logs []float64) []float64 {
	values := make([]float64, len(logs))
	for i, v := range logs {
		values[i] = math.Exp(v)
	}
	return values
}
