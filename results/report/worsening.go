package report

import (
	"fmt"

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
		t.Rows = append(t.Rows, []string{c.Cell.String(), string(c.Metric), fmt.Sprintf("%d, %d", c.N[0], c.N[1]),
			figure(c.Metric.Unit(), c.Typical[0]), figure(c.Metric.Unit(), c.Typical[1]), change(c), pValue(c.P), worse(c)})
	}
	t.Notes = append(stateNotes(run), "One-sided p-values: signed ranks of ratios inside blocks, failures behind all times; of failures and failed tests Fisher's. "+
		fmt.Sprintf("Worse takes both a p of at most %.2g divided by the comparisons that are asked, and 5 %% more time or memory, or 10 points more failures.", answer.ErrorRate), WorseningVerdict(w))
	return t
}

// change is a change and what holds it, as far as so few trials bound it.
func change(c answer.Worse) string {
	if !c.Change.Finite() {
		return none
	}
	size := func(v study.Value) string {
		if c.Metric.IsRate() {
			return points(v)
		}
		return relative(float64(v))
	}
	text := size(c.Change)
	if c.Metric.IsRate() {
		text += " points"
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

func worse(c answer.Worse) string {
	switch {
	case !c.Asked:
		return "not asked"
	case c.Worse:
		return "WORSE"
	case !c.P.Finite():
		return "not compared"
	}
	return "not confirmed"
}

func stateNotes(run results.Run) (notes []string) {
	for _, s := range run.Environment.States {
		text := fmt.Sprintf("State %q: revision %s", s.Level, orNone(s.GitRevision))
		if s.GitDirty {
			text += " with uncommitted changes"
		}
		if s.RunID != "" {
			text += ", of run " + s.RunID
		}
		notes = append(notes, text)
		for _, n := range s.NotUndone {
			notes = append(notes, "Changed since then and the same in both states here: "+n)
		}
	}
	return notes
}

// WorseningVerdict is the answer in a sentence.
func WorseningVerdict(w answer.Worsening) string {
	switch w.Verdict {
	case answer.Confirmed:
		return fmt.Sprintf("CONFIRMED: %q is worse than %q.", w.Second, w.First)
	case answer.TooFew:
		return fmt.Sprintf("Inconclusive: too few trials were measured for any result to confirm; %d blocks are needed for these comparisons.", w.Blocks)
	}
	return fmt.Sprintf("Not confirmed: side by side, the trials do not show that %q is worse than %q.", w.Second, w.First)
}
