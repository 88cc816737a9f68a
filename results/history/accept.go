package history

import (
	"regexp"
	"strings"
	"time"
)

// Accept keeps that a finding is wanted: from the run since which it holds,
// its series is compared with no run before.
func (h *History) Accept(experiment, host string, f Finding, reason, who string, when time.Time) (Baseline, error) {
	return h.Decide(Baseline{Do: BaselineAccept, When: when, Who: who, Reason: reason, Experiment: experiment, Host: host,
		RunID: f.Since.RunID, From: f.Since.When, Cell: f.Cell, Metric: f.Metric, Finding: f.ID})
}

// SetBaseline keeps that the experiment's runs are compared with none before r.
func (h *History) SetBaseline(r *Run, reason, who string, when time.Time) (Baseline, error) {
	return h.Decide(Baseline{Do: BaselineSet, When: when, Who: who, Reason: reason, Experiment: r.Experiment, Host: r.Host(),
		RunID: r.RunID, From: r.Environment.Started})
}

// Pattern chooses findings: by id, or by the cell's key and the metric, in
// which * stands for anything. What is empty chooses all.
type Pattern struct{ ID, Cell, Metric string }

// Matches says whether the pattern chooses the finding.
func (p Pattern) Matches(f Finding) bool {
	if p.ID != "" {
		return p.ID == f.ID
	}
	return f.Metric != "" && match(p.Cell, f.Cell.Key()) && match(p.Metric, string(f.Metric))
}

func match(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	literal := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("^" + literal + "$").MatchString(text)
}
