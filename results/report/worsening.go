package report

import (
	"fmt"
	"math"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/study"
)

// Worsening is the table of a confirmation: a row for each comparison.
func Worsening(run results.Run, w answer.Worsening) Table {
	t := Table{Title: w.First + " against " + w.Second, Data: struct {
		Run    string          `json:"run"`
		States []results.State `json:"states"`
		answer.Worsening
	}{run.ID(), run.Environment.States, w}}
	t.Header = []string{"cell", "metric", "n", w.First, w.Second, "change (95 % over all)", "p", "verdict"}
	for _, c := range w.Comparisons {
		if c.N[0]+c.N[1] == 0 {
			continue
		}
		verdict := "not confirmed"
		switch {
		case !c.Asked:
			verdict = "not asked"
		case c.Worse:
			verdict = "WORSE"
		case !c.P.Finite():
			verdict = "not compared"
		}
		t.Rows = append(t.Rows, []string{c.Cell.String(), string(c.Metric), fmt.Sprintf("%d, %d", c.N[0], c.N[1]),
			figure(c.Metric.Unit(), c.Typical[0]), figure(c.Metric.Unit(), c.Typical[1]), change(c), pValue(c.P), verdict})
	}
	for _, s := range run.Environment.States {
		text := fmt.Sprintf("State %q: revision %s", s.Level, orNone(s.GitRevision))
		if s.GitDirty {
			text += " with uncommitted changes"
		}
		if s.RunID != "" {
			text += ", of run " + s.RunID
		}
		t.Notes = append(t.Notes, text)
		for _, n := range s.NotUndone {
			t.Notes = append(t.Notes, "Changed since then and the same in both states here: "+n)
		}
	}
	t.Notes = append(t.Notes, "One-sided p-values: signed ranks of ratios inside blocks, with failures ranked behind all times; for failures and failed tests Fisher's exact test. "+
		fmt.Sprintf("Worse takes both a p of at most %.2g divided by the comparisons that are asked, and 5 %% more time or memory, or 10 points more failures.", answer.ErrorRate))
	switch w.Verdict {
	case answer.Confirmed:
		t.Notes = append(t.Notes, fmt.Sprintf("CONFIRMED: %q is worse than %q.", w.Second, w.First))
	case answer.TooFew:
		t.Notes = append(t.Notes, fmt.Sprintf("Inconclusive: too few trials were measured for any result to confirm; %d blocks are needed for these comparisons.", w.Blocks))
	default:
		t.Notes = append(t.Notes, fmt.Sprintf("Not confirmed: side by side, the trials do not show that %q is worse than %q.", w.Second, w.First))
	}
	return t
}

// change is a change and the bounds that so few trials give.
func change(c answer.Worse) string {
	if !c.Change.Finite() {
		return none
	}
	size, text := func(v study.Value) string { return relative(float64(v)) }, relative(float64(c.Change))
	if c.Metric.IsRate() {
		size, text = points, points(c.Change)+" points"
	}
	switch low, high := c.Interval.Lower > -1, c.Interval.Upper.Finite(); {
	case low && high:
		return fmt.Sprintf("%s (%s to %s)", text, size(c.Interval.Lower), size(c.Interval.Upper))
	case low:
		return fmt.Sprintf("%s (at least %s)", text, size(c.Interval.Lower))
	case high:
		return fmt.Sprintf("%s (at most %s)", text, size(c.Interval.Upper))
	}
	return text
}

// points prints a difference of rates in percentage points.
func points(v study.Value) string {
	p := 100 * float64(v)
	switch {
	case !v.Finite():
		return none
	case p == 0:
		return "0"
	case math.Abs(p) < 1:
		return fmt.Sprintf("%+.1g", p)
	}
	return fmt.Sprintf("%+.0f", p)
}
