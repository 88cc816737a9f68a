package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// Check is the document of a nightly check.
func Check(c history.Check) Document {
	return Document{Notes: checkNotes(c), Sections: []Table{Findings(c)}, Data: c, Tidy: tidyFindings(c)}
}

// checkNotes are the verdict and what it rests on.
func checkNotes(c history.Check) []string {
	var notes []string
	if c.Simulated {
		notes = append(notes, "SIMULATED: no engine produced these figures.")
	}
	notes = append(notes, CheckVerdict(c))
	if c.RunID == "" {
		return notes
	}
	notes = append(notes, fmt.Sprintf("Run %s of %s, judged with %d series over %d nights of host %s, %d of them fit.",
		c.RunID, night(c.When), len(c.Series), c.Nights, c.Host, c.Fit))
	return notes
}

// verdictWords open a verdict.
var verdictWords = map[history.Verdict]string{
	history.NoRegression: "NO REGRESSION", history.Regression: "REGRESSION", history.Inconclusive: "INCONCLUSIVE",
	history.NoData: "NO DATA", history.NotFit: "HOST NOT FIT",
}

// CheckVerdict is the verdict in a line: "REGRESSION: nightly, 2 worse …".
func CheckVerdict(c history.Check) string {
	of := c.Experiment
	if of == "" {
		of = "no experiment"
	}
	return fmt.Sprintf("%s: %s: %s.", verdictWords[c.Verdict], of, strings.Join(c.Why, "; "))
}

// Findings has a row for each change.
func Findings(c history.Check) Table {
	t := Table{Title: "Changes in this run", Header: []string{"id", "what", "cell", "metric", "before", "now", "change (95 % interval)", "since", "p", "what else changed"}, Data: c.Findings}
	for _, f := range c.Findings {
		t.Rows = append(t.Rows, []string{f.ID, findingKind(f), cellOf(f.Cell), metricName(f.Metric), figure(f.Unit, f.Before), figure(f.Unit, f.After),
			changed(f.Unit, f.Before, f.After, f.Ratio, f.Interval), night(f.Since.When), pValue(f.P), whyFinding(f)})
	}
	t.Notes = findingNotes(c)
	return t
}

// mostTogether is the share of all measures from which a change is said to be
// common to them.
const mostTogether = 0.5

// whyFinding adds to what else changed that most measures moved alike: then
// it is not of this cell alone.
func whyFinding(f history.Finding) string {
	text := Why(f.Causes, f.Moved)
	if f.Together > mostTogether && f.Kind != history.FindingHost {
		text += fmt.Sprintf("; %s of all measures moved alike", percentOf(f.Together))
	}
	return text
}

func findingNotes(c history.Check) (notes []string) {
	if len(c.Findings) == 0 {
		return []string{"No change was found."}
	}
	if c.FalseAlarm.Finite() {
		notes = append(notes, fmt.Sprintf("p is of the night, for any series changing that way. A quiet host gives a false alarm in %.0f nights, all series together; changes under %s are not reported.",
			float64(c.FalseAlarm), percentOf(study.Value(c.Threshold))))
	}
	for _, f := range c.Findings {
		if f.Tried != "" {
			notes = append(notes, fmt.Sprintf("%s was put to the test in run %s: %s.", f.ID, f.Tried, triedOutcome(f)))
		}
	}
	if slices.ContainsFunc(c.Alarms(), func(f history.Finding) bool { return f.Kind == history.FindingSuspect }) {
		notes = append(notes, "To put what is suspected to the test, beside the last good state: stratbench check --confirm SPEC")
	}
	if hasRegression(c) {
		notes = append(notes, "A change that is wanted: stratbench baseline accept ID --reason WHY")
	}
	return notes
}

// triedOutcome is what trials of both states said of a finding.
func triedOutcome(f history.Finding) string {
	switch f.Certainty {
	case detect.Confirmed.String():
		return "the trials of both states confirm it"
	case detect.Refuted.String():
		return "the trials of both states do not show it"
	case detect.Suspected.String():
		return "the trials of both states are too few to tell"
	}
	return "the trials of both states do not show it, and do not exclude it"
}

func hasRegression(c history.Check) bool {
	for _, f := range c.Findings {
		if f.Kind == history.FindingRegression || f.Kind == history.FindingStanding {
			return true
		}
	}
	return false
}

func findingKind(f history.Finding) string {
	text := string(f.Kind)
	switch {
	case f.Kind == history.FindingSuspect || f.Kind == history.FindingHost:
		return text
	case f.Shape == "drift":
		text += ", a drift"
	}
	if f.Certainty == "confirmed" {
		text += ", confirmed"
	}
	return text
}

func cellOf(c trial.Cell) string {
	if len(c) == 0 {
		return "all"
	}
	return c.String()
}

// night prints when a run began.
func night(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

var metricNames = map[study.Metric]string{
	study.MetricSetup: "setup", study.MetricPeakMemory: "peak memory", study.MetricFailures: "failures", study.MetricFailedTests: "failed tests",
}

func metricName(m study.Metric) string {
	if name, ok := metricNames[m]; ok {
		return name
	}
	if m == "" {
		return "reference workload"
	}
	return "phase " + string(m)
}

// figure prints a value in its unit.
func figure(u study.Unit, v study.Value) string {
	switch {
	case u == study.UnitShare:
		return percentOf(v)
	case u == study.UnitSeconds:
		return duration(v)
	case !v.Finite():
		return none
	}
	return trial.Bytes(v).String()
}

// changed prints a change: "+30.0 % (+27.0 to +33.0)", or of a share in points.
func changed(u study.Unit, before, after, ratio study.Value, i study.Interval) string {
	shift, low, high := 100*(ratio-1), 100*(i.Lower-1), 100*(i.Upper-1)
	unit := " %"
	if u == study.UnitShare {
		shift, low, high, unit = 100*(after-before), 100*i.Lower, 100*i.Upper, " points"
	}
	switch {
	case !shift.Finite():
		return none
	case !i.Bounded():
		return fmt.Sprintf("%+.1f%s", float64(shift), unit)
	}
	return fmt.Sprintf("%+.1f%s (%+.1f to %+.1f)", float64(shift), unit, float64(low), float64(high))
}
