package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
)

// Benchmarks writes a line for each trial in the text format of Go benchmarks. A
// failed trial has no time and counts in failed/op: benchstat's times are of
// successful trials, to be read beside failed/op.
func Benchmarks(w io.Writer, s study.Study) error {
	var b strings.Builder
	if s.Simulated() {
		b.WriteString("simulated: true\n")
	}
	b.WriteString("Unit failed/op better=lower\nUnit sec/op better=lower\n")
	for _, o := range s.Trials {
		b.WriteString("BenchmarkSetup")
		for _, a := range o.Cell {
			b.WriteString("/" + dividing.ReplaceAllString(a.Factor, "_") + "=" + dividing.ReplaceAllString(a.Level, "_"))
		}
		b.WriteString(" 1 ")
		switch {
		case !o.Ready:
			b.WriteString("1 failed/op\n")
		case o.Setup > 0:
			fmt.Fprintf(&b, "%.9g sec/op 0 failed/op\n", o.Setup)
		default:
			b.WriteString("0 failed/op\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// dividing would end a benchmark's name or divide it.
var dividing = regexp.MustCompile(`[/\s\v\x{85}\p{Z}]`)

// The elements of JUnit's XML that CI systems read.
type junitSuite struct {
	XMLName   xml.Name    `xml:"testsuite"`
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes a check as JUnit XML. Each series is a case, which fails with a regression
// and is skipped where nothing can be said; a cell without a trial is an error. The verdict
// is a case too, so that a check that judges nothing never reads as passed.
func JUnit(w io.Writer, c history.Check) error {
	suite := junitSuite{Name: "stratbench check " + c.Experiment}
	if !c.When.IsZero() {
		suite.Timestamp = c.When.UTC().Format("2006-01-02T15:04:05")
	}
	verdict := junitCase{Class: "check", Name: "verdict", Output: strings.Join(Check(c).Notes, "\n")}
	message := &junitMessage{Message: checkVerdict(c), Type: string(c.Verdict)}
	switch c.Verdict {
	case history.NoRegression:
	case history.Regression:
		verdict.Failure = message
	case history.Inconclusive:
		verdict.Skipped = message
	default:
		verdict.Error = message
	}
	suite.Cases = append(suite.Cases, verdict)
	for _, m := range c.Missing {
		suite.Cases = append(suite.Cases, junitCase{Class: cellOf(m.Cell), Name: "trials", Error: &junitMessage{Message: "no trial in this run; the last is in " + m.LastRun, Type: "no-data"}})
	}
	for _, s := range c.Series {
		suite.Cases = append(suite.Cases, junitSeries(c, s))
	}
	suite.Tests = len(suite.Cases)
	for _, k := range suite.Cases {
		switch {
		case k.Failure != nil:
			suite.Failures++
		case k.Error != nil:
			suite.Errors++
		case k.Skipped != nil:
			suite.Skipped++
		}
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func junitSeries(c history.Check, s history.Now) junitCase {
	out := junitCase{Class: cellOf(s.Cell), Name: metricName(s.Metric), Output: "in this run: " + figure(s.Unit, s.Value)}
	switch {
	case s.N == 0:
		out.Skipped = &junitMessage{Message: "no trial of this run has a figure"}
	case c.Needs > 0 || c.Verdict == history.NotFit:
		out.Skipped = &junitMessage{Message: "not judged: " + checkVerdict(c)}
	}
	for _, f := range c.Findings {
		if f.Metric != s.Metric || f.Cell.Key() != s.Cell.Key() {
			continue
		}
		text := FindingText(f)
		switch f.Kind {
		case history.FindingRegression, history.FindingStanding:
			out.Failure, out.Skipped = &junitMessage{Message: text, Type: string(f.Kind), Text: whyFinding(f)}, nil
		case history.FindingSuspect:
			out.Skipped = &junitMessage{Message: text, Type: string(f.Kind)}
		default:
			out.Output += "\n" + text
		}
	}
	return out
}

// OpenMetrics writes a check as OpenMetrics text: the newest run's figures of every
// series, its changes, and the verdict, as gauges. A factor of a cell is a label.
func OpenMetrics(w io.Writer, c history.Check) error {
	base := []*dto.LabelPair{label("experiment", c.Experiment), label("host", c.Host), label("simulated", fmt.Sprint(c.Simulated))}
	var families []*dto.MetricFamily
	add := func(name, help string, value float64, labels ...*dto.LabelPair) {
		i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
		if i < 0 {
			i = len(families)
			families = append(families, &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()})
		}
		families[i].Metric = append(families[i].Metric, &dto.Metric{Label: slices.Concat(base, labels), Gauge: &dto.Gauge{Value: &value}})
	}
	for _, v := range []history.Verdict{history.NoRegression, history.Regression, history.Inconclusive, history.NoData, history.NotFit} {
		is := 0.0
		if v == c.Verdict {
			is = 1
		}
		add("stratbench_check_verdict", "1 for the verdict of the check, 0 for the others.", is, label("verdict", string(v)))
	}
	add("stratbench_check_nights", "Nights on record, the judged one included.", float64(c.Nights))
	add("stratbench_check_nights_needed", "Further nights until a regression can be detected.", float64(c.Needs))
	if !c.When.IsZero() {
		add("stratbench_run_start_seconds", "When the judged run began, in seconds since 1970.", float64(c.When.UnixMilli())/1e3)
	}
	for _, s := range c.Series {
		labels, metric := cellLabels(s.Cell), label("metric", string(s.Metric))
		switch {
		case s.Unit == study.UnitShare:
			add("stratbench_trials", "Trials of the judged run that count.", float64(s.N), append(labels, metric)...)
			add("stratbench_bad_trials", "Trials of the judged run that failed, or whose tests did.", float64(s.Bad), append(labels, metric)...)
		case !s.Value.Finite(): // a run without a figure has no sample: it is not 0
		case s.Metric == study.MetricPeakMemory:
			add("stratbench_peak_memory_bytes", "Median of the peak memory of the trials that became ready.", float64(s.Value), labels...)
		case s.Metric == study.MetricSetup:
			add("stratbench_setup_seconds", "Median time to ready of the trials that became ready.", float64(s.Value), labels...)
		default:
			add("stratbench_phase_seconds", "Median length of a phase.", float64(s.Value), append(labels, label("phase", string(s.Metric)))...)
		}
	}
	for _, f := range c.Findings {
		labels := append(cellLabels(f.Cell), label("metric", string(f.Metric)), label("kind", string(f.Kind)), label("id", f.ID))
		if f.Ratio.Finite() && f.Unit != study.UnitShare {
			add("stratbench_change_ratio", "A change that was found: the value after it divided by the value before.", float64(f.Ratio), labels...)
		} else if f.Unit == study.UnitShare && (f.After - f.Before).Finite() {
			add("stratbench_change_share", "A change that was found: the share of trials after it minus the share before.", float64(f.After-f.Before), labels...)
		}
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, family); err != nil {
			return fmt.Errorf("writing OpenMetrics text: %w", err)
		}
	}
	_, err := expfmt.FinalizeOpenMetrics(w)
	return err
}

var notInLabel = regexp.MustCompile(`[^a-zA-Z0-9]`)

// cellLabels has a label for each factor, under a name that OpenMetrics allows.
func cellLabels(c trial.Cell) (labels []*dto.LabelPair) {
	for _, a := range c {
		labels = append(labels, label("factor_"+notInLabel.ReplaceAllString(a.Factor, "_"), a.Level))
	}
	return labels
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }
