package detect

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

// segmentation turns the cuts into segments and changes: cuts in a row the
// same way become one drift where that describes them better and its slope is
// surely not zero.
func (l *line) segmentation() Segmentation {
	var s Segmentation
	if len(l.values) == 0 {
		return s
	}
	s.Segments = append(s.Segments, l.flat(l.bounds(0)))
	start := 0 // of the last segment
	for i := 0; i < len(l.cuts); {
		run := l.sameWay(i)
		_, end := l.bounds(i + run)
		if r, is := l.drift(i, run, start, end); is && !s.Segments[len(s.Segments)-1].Drift {
			if c := l.drifted(r, i, run, start); !c.CI.Contains(1) {
				s.Segments = append(s.Segments[:len(s.Segments)-1], l.sloped(r, start, end)...)
				s.Changes = append(s.Changes, c)
				i, start = i+run, start+r.to
				continue
			}
		}
		s.Segments = append(s.Segments, l.flat(l.bounds(i+1)))
		s.Changes = append(s.Changes, l.change(i))
		start = l.cuts[i].at
		i++
	}
	return s
}

// sameWay is how many cuts from i on go the same way.
func (l *line) sameWay(i int) int {
	up := func(c int) bool {
		a, b := l.bounds(c)
		d, e := l.bounds(c + 1)
		return l.typical(d, e) > l.typical(a, b)
	}
	n := 1
	for i+n < len(l.cuts) && up(i+n) == up(i) {
		n++
	}
	return n
}

func (l *line) flat(start, end int) Segment {
	v := l.typical(start, end)
	if !l.IsCount() {
		v = math.Exp(v)
	}
	return Segment{Start: l.nights[start], End: l.nights[end-1] + 1, From: v, To: v}
}

// mostBeside is how many nights on each side a change is measured by: two
// weeks, so that what drifts slowly through long segments is not taken for it.
const mostBeside = 14

func (l *line) change(i int) Change {
	a, b := l.bounds(i)
	c, d := l.bounds(i + 1)
	out := Change{Night: l.nights[c], Until: None, P: l.cuts[i].p, Adjusted: l.adjusted[i]}
	if l.IsCount() {
		before, after := l.count(a, b), l.count(c, d)
		out.Ratio = share(after) / share(before)
		out.CI, _ = stats.MiettinenNurminen(after, before, confidence)
		return out
	}
	a, d = max(a, b-mostBeside), min(d, c+mostBeside)
	r, _ := stats.HodgesLehmannRatio(exps(l.values[c:d]), exps(l.values[a:b]), confidence)
	out.Ratio, out.CI = r.Estimate, r.CI
	return out
}

// drifted is the change that a slope is, over run cuts from i on. Its interval
// is Theil and Sen's of the nights in it.
func (l *line) drifted(r slope, i, run, start int) Change {
	from, to := start+r.from, start+r.to
	best := i
	for c := i; c < i+run; c++ {
		if l.adjusted[c] < l.adjusted[best] {
			best = c
		}
	}
	out := Change{Night: l.nights[from], Until: l.nights[to-1], P: l.cuts[best].p, Adjusted: l.adjusted[best],
		Ratio: math.Exp(r.after - r.before), CI: stats.Interval{Lower: 0, Upper: math.Inf(1)}}
	x := make([]float64, to-from)
	for k := range x {
		x[k] = float64(k)
	}
	if s, err := stats.TheilSen(x, l.values[from:to], confidence); err == nil {
		n := float64(len(x))
		out.CI = stats.Interval{Lower: math.Exp(n * s.CI.Lower), Upper: math.Exp(n * s.CI.Upper)}
	}
	return out
}

func exps(logs []float64) []float64 {
	values := make([]float64, len(logs))
	for i, v := range logs {
		values[i] = math.Exp(v)
	}
	return values
}

// slope goes from one level to another between two places.
type slope struct {
	from, to      int
	before, after float64
	loss          float64
}

// mostSloped bounds the nights that a slope is fitted over.
const mostSloped = 240

// drift fits a slope to the cuts from i on and reports whether it describes
// the nights from start to end better than they do, by BIC (Schwarz, Annals
// of Statistics 6 (1978) 461): four parameters against two for each cut and
// one.
func (l *line) drift(i, run, start, end int) (slope, bool) {
	if l.IsCount() || end-start > mostSloped || l.cuts[i].at-start < 1 {
		return slope{}, false
	}
	y, scale := clean(l.values[start:end])
	var steps float64
	for c := i; c <= i+run; c++ {
		a, b := l.bounds(c)
		steps += squaresAround(y[max(a, start)-start : b-start])
	}
	best := bestSlope(y)
	penalty := float64(4-(2*run+1)) * math.Log(float64(len(y))) * square(scale)
	return best, scale > 0 && best.loss+penalty < steps
}

// bestSlope is the slope between two levels of least loss.
func bestSlope(y []float64) slope {
	best, n := slope{loss: math.Inf(1)}, len(y)
	x := make([]float64, n)
	for from := 0; from+shortestRamp <= n; from++ {
		for to := from + shortestRamp; to <= n; to++ {
			for i := range x {
				x[i] = min(1, max(0, float64(i-from+1)/float64(to-from)))
			}
			if a, b, loss := leastSquares(x, y); loss < best.loss {
				best = slope{from, to, a, a + b, loss}
			}
		}
	}
	return best
}

// leastSquares is the least-squares line a + b·x and the squares it leaves.
func leastSquares(x, y []float64) (a, b, loss float64) {
	var sx, sy, sxx, sxy, syy float64
	for i := range x {
		sx, sy, sxx, sxy, syy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i], syy+y[i]*y[i]
	}
	n := float64(len(x))
	b = (sxy - sx*sy/n) / (sxx - sx*sx/n)
	return (sy - b*sx) / n, b, syy - sy*sy/n - b*(sxy-sx*sy/n)
}

// sloped are the segments of a slope with the levels beside it.
func (l *line) sloped(s slope, start, end int) []Segment {
	var out []Segment
	if s.from > 0 {
		out = append(out, l.flat(start, start+s.from))
	}
	out = append(out, Segment{Start: l.nights[start+s.from], End: l.nights[start+s.to-1] + 1, From: math.Exp(s.before), To: math.Exp(s.after), Drift: true})
	if start+s.to < end {
		out = append(out, l.flat(start+s.to, end))
	}
	return slices.Clip(out)
}
