package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// Check is the document of a nightly check.
func Check(c history.Check) Document {
	d := Document{Sections: []Table{Findings(c)}, Data: c}
	if c.Simulated {
		d.Notes = append(d.Notes, simulatedNote)
	}
	d.Notes = append(d.Notes, checkVerdict(c))
	if c.RunID != "" {
		d.Notes = append(d.Notes, fmt.Sprintf("Run %s of %s, judged with %d series over %s of host %s, %d of them fit.",
			c.RunID, night(c.When), len(c.Series), Counted(c.Nights, "night"), c.Host, c.Fit))
	}
	d.Tidy = [][]string{{"verdict", "kind", "shape", "certainty", "id", "cell", "metric", "unit", "before", "after", "ratio", "lower", "upper", "p", "since_run_id", "raised_run_id", "what_else_changed"}}
	for _, f := range c.Findings {
		d.Tidy = append(d.Tidy, []string{string(c.Verdict), string(f.Kind), f.Shape, f.Certainty, f.ID, f.Cell.Key(), string(f.Metric), string(f.Unit),
			number(f.Before), number(f.After), number(f.Ratio), number(f.Interval.Lower), number(f.Interval.Upper), number(f.P),
			f.Since.RunID, f.Raised.RunID, whyFinding(f)})
	}
	if len(c.Findings) == 0 {
		d.Tidy = append(d.Tidy, append([]string{string(c.Verdict)}, make([]string, len(d.Tidy[0])-1)...))
	}
	return d
}

// verdictWords open a verdict.
var verdictWords = map[history.Verdict]string{
	history.NoRegression: "NO REGRESSION", history.Regression: "REGRESSION", history.Inconclusive: "INCONCLUSIVE",
	history.NoData: "NO DATA", history.NotFit: "HOST NOT FIT",
}

// checkVerdict is the verdict in a line: "REGRESSION: nightly: 2 worse …".
func checkVerdict(c history.Check) string {
	return fmt.Sprintf("%s: %s: %s.", verdictWords[c.Verdict], cmp.Or(c.Experiment, "no experiment"), strings.Join(c.Why, "; "))
}

// From leastAlike on, the correlation of nights is worth a sentence. Where nights
// that are a week apart are correlated by leastWander, no two months of nights
// tell a level that wanders from one that changed.
const leastAlike, leastWander = 0.05, 0.2

// alike says what the check makes of nights that resemble the ones before.
func alike(c history.Check) string {
	if !(c.Correlation >= leastAlike) {
		return ""
	}
	said := fmt.Sprintf(" Nights here resemble the ones before (correlation %.2f), so the mean of five must differ %.1f times as much as among independent nights.",
		float64(c.Correlation), float64(c.Wider))
	if c.AfterAWeek >= leastWander {
		said += " Their level wanders over weeks, which looks like changes: expect false alarms several times as often (docs/nightly-simulation.md)."
	}
	return said
}

// Findings has a row for each change.
func Findings(c history.Check) Table {
	t := Table{Title: "Changes in this run", Header: []string{"id", "what", "cell", "metric", "before", "now", "change (95 % interval)", "since", "p", "what else changed"}}
	for _, f := range c.Findings {
		t.Rows = append(t.Rows, []string{f.ID, findingKind(f), cellOf(f.Cell), metricName(f.Metric), figure(f.Unit, f.Before), figure(f.Unit, f.After),
			changed(f.Unit, f.Effect), night(f.Since.When), pValue(f.P), whyFinding(f)})
	}
	if len(c.Findings) == 0 {
		t.Notes = []string{"No change was found." + alike(c)}
		return t
	}
	if c.FalseAlarm.Finite() {
		t.Notes = append(t.Notes, fmt.Sprintf("p is adjusted for all series of the night. A quiet host gives a false alarm in %.0f nights, all series together; changes under %s are not reported.%s",
			float64(c.FalseAlarm), percentOf(study.Value(c.Threshold)), alike(c)))
	}
	for _, f := range c.Findings {
		if f.Tried != "" {
			t.Notes = append(t.Notes, fmt.Sprintf("%s was put to the test in run %s: the trials of both states %s.", f.ID, f.Tried, cmp.Or(triedOutcomes[f.Certainty], "do not show it, and do not exclude it")))
		}
	}
	if slices.ContainsFunc(c.Alarms(), func(f history.Finding) bool { return f.Kind == history.FindingSuspect }) {
		t.Notes = append(t.Notes, "To test a suspicion beside the last good state: stratbench check --confirm SPEC")
	}
	if slices.ContainsFunc(c.Findings, func(f history.Finding) bool {
		return f.Kind == history.FindingRegression || f.Kind == history.FindingStanding
	}) {
		t.Notes = append(t.Notes, "A change that is wanted: stratbench baseline accept ID --reason WHY")
	}
	return t
}

// triedOutcomes say what trials of both states showed of a finding.
var triedOutcomes = map[string]string{
	detect.Confirmed.String(): "confirm it",
	detect.Refuted.String():   "do not show it",
	detect.Suspected.String(): "are too few to tell",
}

// whyFinding is what else changed, and whether most measures moved alike.
func whyFinding(f history.Finding) string {
	text := why(f.Effect)
	if f.Together > 0.5 && f.Kind != history.FindingHost {
		text += fmt.Sprintf("; %s of all measures moved alike", percentOf(f.Together))
	}
	return text
}

func findingKind(f history.Finding) string {
	text := string(f.Kind)
	if f.Kind == history.FindingSuspect || f.Kind == history.FindingHost {
		return text
	}
	if f.Shape == "drift" {
		text += ", a drift"
	}
	if f.Certainty == "confirmed" {
		text += ", confirmed"
	}
	return text
}

// FindingText is a finding in a line.
func FindingText(f history.Finding) string {
	return fmt.Sprintf("%s: %s of %s: %s → %s, %s, since %s (p %s)", findingKind(f), metricName(f.Metric), cellOf(f.Cell),
		figure(f.Unit, f.Before), figure(f.Unit, f.After), changed(f.Unit, f.Effect), day(f.Since.When), pValue(f.P))
}

// CheckSummary writes a check as Markdown, under its verdict, for a CI job's summary.
func CheckSummary(w io.Writer, c history.Check) error {
	if _, err := fmt.Fprintf(w, "## stratbench check: %s\n\n", verdictWords[c.Verdict]); err != nil {
		return err
	}
	return Check(c).Write(w, FormatMarkdown)
}

func cellOf(c trial.Cell) string {
	if len(c) == 0 {
		return "all"
	}
	return c.String()
}

// night prints when a run began, day on which day.
func night(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

var metricNames = map[study.Metric]string{
	study.MetricSetup: "setup", study.MetricPeakMemory: "peak memory", study.MetricFailures: "failures", study.MetricFailedTests: "failed tests",
	"": "reference workload",
}

func metricName(m study.Metric) string { return cmp.Or(metricNames[m], "phase "+string(m)) }

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

// changed prints a change of a series.
func changed(u study.Unit, e history.Effect) string {
	if u == study.UnitShare {
		return change(u, e.After-e.Before, e.Interval)
	}
	return change(u, e.Ratio-1, study.Interval{Lower: e.Interval.Lower - 1, Upper: e.Interval.Upper - 1})
}

// change prints a share, or points, with known bounds: "+30.0 % (+27.0 to +33.0)".
func change(u study.Unit, size study.Value, i study.Interval) string {
	unit := " %"
	if u == study.UnitShare {
		unit = " points"
	}
	text := fmt.Sprintf("%+.1f%s", 100*float64(size), unit)
	switch low, high := i.Lower > -1, i.Upper.Finite(); {
	case !size.Finite():
		return none
	case low && high:
		return fmt.Sprintf("%s (%+.1f to %+.1f)", text, 100*float64(i.Lower), 100*float64(i.Upper))
	case low:
		return fmt.Sprintf("%s (at least %+.1f)", text, 100*float64(i.Lower))
	case high:
		return fmt.Sprintf("%s (at most %+.1f)", text, 100*float64(i.Upper))
	}
	return text
}

// mostMoved parts of the pipeline are named beside a change, and the host.
const mostMoved = 2

// why prints causes first, then the parts of the pipeline that moved most.
func why(e history.Effect) string {
	var parts []string
	for _, c := range e.Causes { // "Podman 5.4.2 → 5.5.0 on 12 Nov"
		text := c.What + " " + orNone(c.From) + " → " + orNone(c.To)
		if c.What == "spec" || c.What == "workload" || strings.HasPrefix(c.What, "Dockerfile and arguments of ") || strings.HasPrefix(c.What, "build context of ") {
			text = c.What + " changed" // a hash says nothing to a reader
		}
		text = strings.TrimPrefix(text, "setting ") + " on " + c.When.UTC().Format("2 Jan")
		switch {
		case c.Nights > 0:
			text += " (the night after)"
		case c.Nights < 0:
			text += " (the night before)"
		}
		parts = append(parts, text)
	}
	most := mostMoved
	if len(e.Moved) > 0 && e.Moved[0].Part == history.HostPart {
		most++
	}
	for _, m := range e.Moved[:min(most, len(e.Moved))] {
		part := m.Part
		if part != history.HostPart && !strings.HasPrefix(part, "image ") {
			part = "phase " + part
		}
		parts = append(parts, fmt.Sprintf("%s: %s → %s", part, Seconds(trial.Seconds(m.Before*1e9)), Seconds(trial.Seconds(m.After*1e9))))
	}
	return cmp.Or(strings.Join(parts, "; "), "nothing that is recorded")
}

// Worsening is the table of a confirmation, below its verdict: a row for each comparison.
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
			figure(c.Metric.Unit(), c.Typical[0]), figure(c.Metric.Unit(), c.Typical[1]), change(c.Metric.Unit(), c.Change, c.Interval), pValue(c.P), verdict})
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
		fmt.Sprintf("To count as worse, a comparison needs both a p of at most %.2g divided by the number of comparisons asked for, and 5 %% more time or memory, or 10 points more failures.", answer.ErrorRate))
	switch w.Verdict {
	case answer.Confirmed:
		t.Lead = []string{fmt.Sprintf("CONFIRMED: %q is worse than %q.", w.Second, w.First)}
	case answer.TooFew:
		t.Lead = []string{fmt.Sprintf("Inconclusive: too few trials were measured for any result to confirm; these comparisons need %s.", Counted(w.Blocks, "block"))}
	default:
		t.Lead = []string{fmt.Sprintf("Not confirmed: side by side, the trials do not show that %q is worse than %q.", w.Second, w.First)}
	}
	return t
}
