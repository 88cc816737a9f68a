package page

import (
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
	"github.com/stratbench/stratbench/results/study"
)

// Nightly is the page of a check: the verdict, what changed and why, and the
// series that it rests on. Drawn are the times to ready, and every series that
// ever changed or has a finding now.
func Nightly(c history.Check, r history.Review, command string) Page {
	check, review := report.Check(c), report.Review(r)
	p := Page{Title: "Nightly check: " + c.Experiment, Lead: check.Notes}
	p.add(Section{Title: "Changes in this run", Tables: rows(report.Findings(c)), Text: none(c)})
	p.add(Section{Title: "Changes over all nights", Tables: rows(report.Changes(r))})
	p.add(Section{Title: "Time to ready", Figures: drawn(c, r, true)})
	p.add(Section{Title: "Series that changed", Figures: drawn(c, r, false)})
	p.add(Section{Title: "In this run", Tables: rows(report.Tonight(c))})
	p.add(Section{Title: "Where this comes from", Text: append(review.Notes, "Made with: "+command), Tables: rows(report.Series(r))})
	return p
}

func none(c history.Check) []string {
	if len(c.Findings) == 0 {
		return []string{"No change was found."}
	}
	return nil
}

func drawn(c history.Check, r history.Review, setup bool) (figures []plot.Figure) {
	for _, s := range r.Series {
		if (s.Metric == study.MetricSetup) != setup || !setup && len(s.Changes) == 0 && !found(c, s) {
			continue
		}
		if f, ok := plot.History(r, s); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

// found is true when the check has a finding on the series.
func found(c history.Check, s history.SeriesReview) bool {
	for _, f := range c.Findings {
		if f.Metric == s.Metric && f.Cell.Key() == s.Cell.Key() {
			return true
		}
	}
	return false
}
