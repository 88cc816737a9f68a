package report

import (
	"fmt"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

// Worsening is the table of a confirmation: a row for each test of each cell.
func Worsening(run results.Run, w analyse.Worsening) Table {
	t := Table{Title: w.First + " against " + w.Second, Data: struct {
		Run    string          `json:"run"`
		States []results.State `json:"states"`
		analyse.Worsening
	}{run.ID(), run.Environment.States, w}}
	t.Header = []string{"cell", "metric", "n", w.First, w.Second, "change", "p", "p (Holm)", "verdict"}
	for _, test := range w.Tests {
		if test.N[0]+test.N[1] == 0 {
			continue
		}
		t.Rows = append(t.Rows, []string{test.Cell.String(), string(test.Metric), fmt.Sprintf("%d, %d", test.N[0], test.N[1]),
			metricValue(test.Metric, test.Typical[0]), metricValue(test.Metric, test.Typical[1]), change(test),
			pValue(test.P), adjusted(test), worse(test)})
	}
	t.Notes = append(worseningNotes(run, w), WorseningVerdict(w))
	return t
}

func metricValue(m analyse.Metric, v analyse.Value) string {
	switch {
	case m == analyse.MetricFailures:
		return percentOf(v)
	case m == analyse.MetricFailedTests && v.Finite():
		return strconv.FormatFloat(float64(v), 'g', 3, 64) + " a trial"
	case m == analyse.MetricPeakMemory && v.Finite():
		return trial.Bytes(v).String()
	case m == analyse.MetricPeakMemory || m == analyse.MetricFailedTests:
		return none
	}
	return duration(v)
}

func change(t analyse.WorseTest) string {
	switch {
	case !t.Change.Finite():
		return none
	case t.Metric == analyse.MetricFailures:
		return fmt.Sprintf("%+.0f points", 100*float64(t.Change))
	case t.Metric == analyse.MetricFailedTests:
		return fmt.Sprintf("%+.3g", float64(t.Change))
	}
	return fmt.Sprintf("%+.1f %%", 100*float64(t.Change))
}

func adjusted(t analyse.WorseTest) string {
	if !t.Asked {
		return none
	}
	return pValue(t.Adjusted)
}

func worse(t analyse.WorseTest) string {
	switch {
	case !t.Asked:
		return "not asked"
	case t.Worse:
		return "WORSE"
	case !t.P.Finite():
		return "not tested"
	}
	return "not confirmed"
}

func worseningNotes(run results.Run, w analyse.Worsening) (notes []string) {
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
	return append(notes, "One-sided p-values: exact permutation inside blocks, failures behind all times; of failures Boschloo's. "+
		"Worse takes both p (Holm) ≤ 0.05 and 5 % more time or memory, or 10 points more failures.")
}

// WorseningVerdict is the answer in a sentence.
func WorseningVerdict(w analyse.Worsening) string {
	switch w.Verdict {
	case analyse.Confirmed:
		return fmt.Sprintf("CONFIRMED: %q is worse than %q.", w.Second, w.First)
	case analyse.TooFew:
		return fmt.Sprintf("Inconclusive: too few trials were measured for any result to confirm; %d blocks are needed for these tests.", w.Blocks)
	}
	return fmt.Sprintf("Not confirmed: side by side, the trials do not show that %q is worse than %q.", w.Second, w.First)
}
