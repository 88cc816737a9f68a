package detect

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

// Segment is a stretch of nights without a step: from the night Start until
// before the night End.
type Segment struct {
	Start int `json:"start"`
	End   int `json:"end"`
	// From and To are what is typical; of a drift where it began and ended.
	From  stats.Value `json:"from"`
	To    stats.Value `json:"to"`
	Drift bool        `json:"drift,omitempty"`
}

// Change is one between two segments of a series, or a drift: a finding with its size as all
// nights show it. Before and After are typical of the segments beside it, the Ratio that of at
// most two weeks after and before; of a rate that of the segments. A drift keeps its size.
type Change struct {
	Finding
	// Until is the last night of a drift; None for a step.
	Until int
}

// Segmentation is a series cut at its changes.
type Segmentation struct {
	Segments []Segment
	Changes  []Change // in their order
}

// Segments cuts every series, in their order, at what the report is sure of: its own changes,
// and those of the host for measures. All nights are known by now, so that the size of a change
// is that of the segments beside it, and not what it was in the night that raised it.
func Segments(m Matrix, r Report, threshold float64) []Segmentation {
	out := make([]Segmentation, len(m.Series))
	for i, s := range m.Series {
		l := newLine(s, r, threshold)
		if len(l.nights) == 0 {
			continue
		}
		cuts := append(l.cuts(i, r), cutAt{at: len(l.nights)})
		o := &out[i]
		o.Segments = []Segment{l.flat(0, cuts[0].at)}
		for k, c := range cuts[:len(cuts)-1] {
			start, end := c.at, cuts[k+1].at
			change := Change{c.Finding, None}
			change.Series, change.Since = i, l.nights[start]
			// A drift whose slope may as well be none is a step.
			if c.Kind != Drift || c.CI.Contains(1) {
				last := o.Segments[len(o.Segments)-1]
				from := 0
				if k > 0 {
					from = cuts[k-1].at
				}
				after := l.flat(start, end)
				change.Ratio, change.CI = l.ratio(from, start, end)
				change.Before, change.After = float64(last.To), float64(after.From)
				o.Segments, o.Changes = append(o.Segments, after), append(o.Changes, change)
				continue
			}
			stop := min(max(c.end, start+1), end)
			o.Segments = append(o.Segments, Segment{l.nights[start], l.nights[stop-1] + 1, stats.Value(c.Before), stats.Value(c.After), true})
			change.Until = l.nights[stop-1]
			o.Changes = append(o.Changes, change)
			if stop < end {
				o.Segments = append(o.Segments, l.flat(stop, end))
			}
		}
	}
	return out
}

// line is a series over its judged nights.
type line struct {
	Series
	nights []int
	values []float64 // logs of a measure
}

func newLine(s Series, r Report, threshold float64) line {
	l := line{Series: s}
	for _, t := range r.Judged {
		if !s.has(t) {
			continue
		}
		if l.nights = append(l.nights, t); !s.IsCount() {
			l.values = append(l.values, location(s.Values[t], 2*math.Log1p(threshold)))
		}
	}
	return l
}

// cutAt is where a segment begins: the place of its first night, the finding,
// and for a drift the place after its last night.
type cutAt struct {
	at int
	Finding
	end int
}

// cuts finds the places of the changes of series i. Of several that begin in the
// same night the last one counts, and a step on a drift's way is part of it.
func (l line) cuts(i int, r Report) (cuts []cutAt) {
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
		cuts = append(slices.DeleteFunc(cuts, func(d cutAt) bool { return d.at == c.at }), c)
	}
	slices.SortStableFunc(cuts, func(a, b cutAt) int { return a.at - b.at })
	all := slices.Clone(cuts)
	return slices.DeleteFunc(cuts, func(c cutAt) bool {
		return slices.ContainsFunc(all, func(d cutAt) bool {
			return d.Kind == Drift && d.at < c.at && c.at < d.end && d.Better == c.Better
		})
	})
}

func (l line) flat(start, end int) Segment {
	v := 0.0
	if l.IsCount() {
		v = l.count(l.nights[start:end]).Rate()
	} else {
		v = math.Exp(medianOf(slices.Clone(l.values[start:end])))
	}
	return Segment{l.nights[start], l.nights[end-1] + 1, stats.Value(v), stats.Value(v), false}
}

// mostBeside is how many nights on each side a change is measured by: two
// weeks, so that a slow drift of long segments is not part of its size.
const mostBeside = 14

// ratio is that of the step at place at, between segments from start on and until before end.
func (l line) ratio(start, at, end int) (float64, stats.Interval) {
	if l.IsCount() {
		before, after := l.count(l.nights[start:at]), l.count(l.nights[at:end])
		return after.Rate() / before.Rate(), stats.MiettinenNurminen(after, before, confidence)
	}
	before, after := l.values[max(start, at-mostBeside):at], l.values[at:min(end, at+mostBeside)]
	return stats.HodgesLehmannRatio(exps(after), exps(before), confidence)
}

func exps(logs []float64) []float64 {
	values := make([]float64, len(logs))
	for i, v := range logs {
		values[i] = math.Exp(v)
	}
	return values
}
