package answer

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// ErrorRate is that of all comparisons of two states together.
const ErrorRate = 0.05

// The least worsening that matters, and of rates the least difference.
const (
	leastWorsening = 0.05
	leastRise      = 0.10
)

// Worsening is whether the second level of a factor is worse than the first, by
// any metric that was asked and in any combination of the other factors.
type Worsening struct {
	Factor  string           `json:"factor"`
	First   string           `json:"first"`
	Second  string           `json:"second"`
	Verdict WorseningVerdict `json:"verdict"`
	// Blocks is the least number of blocks in which so many comparisons can show
	// anything.
	Blocks      int     `json:"blocks_needed"`
	Comparisons []Worse `json:"comparisons"`
}

// WorseningVerdict is the answer.
type WorseningVerdict string

// The verdicts. TooFew: no outcome of so few trials could have confirmed it.
const (
	Confirmed    WorseningVerdict = "confirmed"
	NotConfirmed WorseningVerdict = "not-confirmed"
	TooFew       WorseningVerdict = "too-few-trials"
)

// Worse compares the levels in one cell and metric.
type Worse struct {
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	// Asked comparisons decide; the others are only shown.
	Asked bool   `json:"asked"`
	N     [2]int `json:"n"`
	// Typical are the medians, and of failures and failed tests the shares of
	// trials. Null is never ready in half of the trials, or not measured.
	Typical [2]study.Value `json:"typical"`
	// Change is the share by which the second takes more, and of failures and
	// failed tests the difference of shares; null is endless, or not measured.
	// Interval holds it at 95 % over all comparisons that are asked.
	Change   study.Value    `json:"change"`
	Interval study.Interval `json:"interval"`
	// P is one-sided, and must be at most Alpha.
	P     study.Value `json:"p"`
	Alpha float64     `json:"alpha"`
	// Worse takes a P of at most Alpha and a change that matters.
	Worse bool `json:"worse"`

	blocks [2][][]float64
}

// Worsened compares the second level of a factor with the first, in each cell, by the
// metrics that are asked, or all if none is. Asked comparisons share the error rate.
func Worsened(s study.Study, factor, first, second string, asked []study.Metric) (Worsening, error) {
	w := Worsening{Factor: factor, First: first, Second: second, Verdict: NotConfirmed, Comparisons: []Worse{}}
	for _, level := range []string{first, second} {
		if !slices.Contains(s.Levels(factor), level) {
			return w, fmt.Errorf("comparing %q with %q: these trials have no %s %q", first, second, factor, level)
		}
	}
	tests := 0
	for _, cell := range s.Cells {
		at := slices.IndexFunc(cell, func(a trial.Assignment) bool { return a.Factor == factor && a.Level == first })
		if at < 0 {
			continue
		}
		other, rest := slices.Clone(cell), slices.Delete(slices.Clone(cell), at, at+1)
		other[at].Level = second
		sides := [2][]study.Observation{s.Of(cell), s.Of(other)}
		if len(sides[0]) == 0 || len(sides[1]) == 0 {
			w.Verdict = TooFew
		}
		for _, m := range study.Metrics() {
			c := Worse{Cell: rest, Metric: m, Asked: len(asked) == 0 || slices.Contains(asked, m),
				blocks: m.Paired(sides, func(o study.Observation) string { return o.Block })}
			for i, blocks := range c.blocks {
				all := slices.Concat(blocks...)
				c.N[i], c.Typical[i] = len(all), study.Value(stats.Median(all))
				if m.IsRate() {
					c.Typical[i] = study.Value(stat.Mean(all, nil))
				}
			}
			if c.Asked && c.N[0] > 0 && c.N[1] > 0 {
				tests++
			}
			w.Comparisons = append(w.Comparisons, c)
		}
	}
	if w.Blocks = compare.BlocksToTell(tests, ErrorRate); tests == 0 {
		w.Verdict = TooFew
	}
	for i := range w.Comparisons {
		c := &w.Comparisons[i]
		tooFew := c.compare(ErrorRate / float64(max(1, tests)))
		if c.Asked && c.N[0] > 0 && c.N[1] > 0 && tooFew {
			w.Verdict = TooFew
		}
	}
	if slices.ContainsFunc(w.Comparisons, func(c Worse) bool { return c.Worse }) {
		w.Verdict = Confirmed
	}
	return w, nil
}

// compare decides at the level; tooFew is that so few trials could show nothing.
func (c *Worse) compare(alpha float64) (tooFew bool) {
	d, least := compare.Difference{}, leastWorsening
	if c.Metric.IsRate() {
		arm := func(i int) stats.Arm {
			return stats.Arm{Events: int(floats.Sum(slices.Concat(c.blocks[i]...))), Trials: c.N[i]}
		}
		d, least = compare.Rise(arm(0), arm(1), alpha), leastRise
	} else {
		d = compare.Change(c.blocks[0], c.blocks[1], alpha)
	}
	c.Change, c.P, c.Alpha = study.Value(d.Change), study.Value(d.P), alpha
	c.Interval = study.Interval{Lower: study.Value(d.Lower), Upper: study.Value(d.Upper)}
	c.Worse = c.Asked && d.P <= alpha && d.Change >= least
	return d.TooFew(alpha)
}
