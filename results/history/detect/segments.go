package detect

import (
	"math"
	"math/rand/v2"
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
	P     float64 // of this change in this series alone; of a drift of its best cut
	// Adjusted is P adjusted for all places tested in all series, after
	// Benjamini & Hochberg.
	Adjusted float64
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

const (
	falseDiscoveries = 0.05
	fewestDraws      = 999
	// drawsPerSeries make the least p-value small enough to stay significant
	// among all places tested.
	drawsPerSeries = 40
)

// Segments cuts every series at its changes, looking back over all judged
// nights of the report. The result is in the order of the series; of the
// changes found, a share of 5 % is expected to be none.
func Segments(m Matrix, r Report, o Options) ([]Segmentation, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(r.Nights) != len(m.Nights) {
		return nil, invalid("a report of %d nights for %d nights", len(r.Nights), len(m.Nights))
	}
	lines, draws := make([]*line, len(m.Series)), max(fewestDraws, drawsPerSeries*len(m.Series)-1)
	for i, s := range m.Series {
		lines[i] = newLine(s, r, o)
		lines[i].cut(draws, rand.New(rand.NewPCG(uint64(i), uint64(len(m.Nights)))))
	}
	adjust(lines)
	out := make([]Segmentation, len(lines))
	for i, l := range lines {
		out[i] = l.segmentation()
	}
	return out, nil
}

// adjust takes the p-values of all lines together and drops the cuts that are
// not significant among them.
func adjust(lines []*line) {
	var p []float64
	for _, l := range lines {
		for _, c := range l.cuts {
			p = append(p, c.p)
		}
	}
	found := len(p)
	for _, l := range lines {
		p = append(p, slices.Repeat([]float64{1}, l.others)...)
	}
	adjusted, err := stats.BenjaminiHochberg(p)
	if err != nil {
		return
	}
	adjusted = adjusted[:found]
	for _, l := range lines {
		n := len(l.cuts)
		l.adjusted, adjusted = slices.Clone(adjusted[:n]), adjusted[n:]
		l.drop(func(i int) bool { return l.adjusted[i] > falseDiscoveries })
		l.dropSmall()
	}
}

// line is a series over its judged nights.
type line struct {
	Series
	threshold float64
	nights    []int
	values    []float64 // logs, or shares of bad trials
	cuts      []tested
	adjusted  []float64
	others    int
}

func newLine(s Series, r Report, o Options) *line {
	l := &line{Series: s, threshold: math.Log1p(o.Threshold)}
	if s.IsCount() {
		l.threshold = o.RateThreshold
	}
	for t := range r.Nights {
		if !r.counts(t) {
			continue
		}
		v := math.NaN()
		switch {
		case !s.IsCount():
			v = location(s.Values[t], 2*l.threshold)
		case s.Trials[t] > 0:
			v = float64(s.Bad[t]) / float64(s.Trials[t])
		}
		if !math.IsNaN(v) {
			l.nights, l.values = append(l.nights, t), append(l.values, v)
		}
	}
	return l
}

func (l *line) cut(draws int, random *rand.Rand) {
	values := l.values
	if !l.IsCount() {
		values = smoothed(values)
	}
	l.cuts, l.others = cuts(values, falseDiscoveries, draws, random)
}

func (l *line) drop(which func(i int) bool) {
	for i := len(l.cuts) - 1; i >= 0; i-- {
		if which(i) {
			l.cuts, l.adjusted = slices.Delete(l.cuts, i, i+1), slices.Delete(l.adjusted, i, i+1)
		}
	}
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

// typical is the median of a segment's nights, or its share of bad trials.
func (l *line) typical(start, end int) float64 {
	if l.IsCount() {
		return share(l.count(start, end))
	}
	return medianOf(slices.Clone(l.values[start:end]))
}

func (l *line) count(start, end int) (a stats.Arm) {
	for _, t := range l.nights[start:end] {
		a.Events += l.Bad[t]
		a.Trials += l.Trials[t]
	}
	return a
}

// dropSmall joins segments that differ by less than matters, the most alike
// first.
func (l *line) dropSmall() {
	for {
		least, at := l.threshold, -1
		for i := range l.cuts {
			a, b := l.bounds(i)
			c, d := l.bounds(i + 1)
			if size := math.Abs(l.typical(c, d) - l.typical(a, b)); size < least {
				least, at = size, i
			}
		}
		if at < 0 {
			return
		}
		l.drop(func(i int) bool { return i == at })
	}
}
