package report

import (
	"fmt"

	"github.com/stratbench/stratbench/results/history"
)

// SelfTest is the table of a check's self-test.
func SelfTest(s history.SelfTested) Table {
	t := Table{Title: "Self-test", Header: []string{"put into a copy", "cell", "metric", "must be reported", "was reported", "verdict", "passed"}, Data: s}
	for _, step := range s.Steps {
		t.Rows = append(t.Rows, []string{step.What, cellOf(step.Cell), metricName(step.Metric), yesNo(step.Want), reported(step), string(step.Verdict), yesNo(step.Passed())})
	}
	t.Notes = []string{"The nights that were put in, one after the other until the check reported them, are made up from the last ones. The history itself was not touched."}
	return t
}

func reported(s history.SelfStep) string {
	if s.Got {
		return fmt.Sprintf("in night %d", s.Nights)
	}
	return fmt.Sprintf("no, in %d nights", s.Nights)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Baselines lists decisions, oldest first.
func Baselines(list []history.Baseline) Table {
	t := Table{Header: []string{"id", "decided", "by", "what", "cell", "metric", "from run", "reason"}, Data: list}
	for _, b := range list {
		cell, metric := "all", "all"
		if b.Do == history.BaselineAccept {
			cell, metric = cellOf(b.Cell), metricName(b.Metric)
		}
		t.Rows = append(t.Rows, []string{b.ID, night(b.When), b.Who, string(b.Do), cell, metric, b.RunID, b.Reason})
	}
	if len(list) == 0 {
		t.Data = []history.Baseline{}
		t.Notes = []string{"Nothing was decided: every run is judged against all before it."}
	}
	return t
}
