package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/stratbench/stratbench/results/history"
)

// The elements of JUnit's XML that CI systems read.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	Suite   junitSuite
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
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

// JUnit writes a check as JUnit XML: a case for each series, which fails with
// a regression and is skipped where nothing can be said; a cell without a
// trial is an error. A check that judges nothing has an error of its own, so
// that it never reads as passed.
func JUnit(w io.Writer, c history.Check) error {
	suite := junitSuite{Name: "stratbench check " + c.Experiment, Properties: []junitProperty{
		{"host", c.Host}, {"run_id", c.RunID}, {"verdict", string(c.Verdict)}, {"simulated", fmt.Sprint(c.Simulated)}}}
	if !c.When.IsZero() {
		suite.Timestamp = c.When.UTC().Format("2006-01-02T15:04:05")
	}
	suite.add(junitVerdict(c))
	for _, m := range c.Missing {
		suite.add(junitCase{Class: cellOf(m.Cell), Name: "trials", Error: &junitMessage{Message: "no trial in this run; the last is in " + m.LastRun, Type: "no-data"}})
	}
	for _, s := range c.Series {
		suite.add(junitSeries(c, s))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{Name: "stratbench", Suite: suite}); err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// junitVerdict is the case of the check as a whole.
func junitVerdict(c history.Check) junitCase {
	out := junitCase{Class: "check", Name: "verdict", Output: CheckVerdict(c)}
	message := &junitMessage{Message: CheckVerdict(c), Type: string(c.Verdict)}
	switch c.Verdict {
	case history.NoRegression:
	case history.Regression:
		out.Failure = message
	case history.Inconclusive:
		out.Skipped = message
	default:
		out.Error = message
	}
	return out
}

func junitSeries(c history.Check, s history.Now) junitCase {
	out := junitCase{Class: cellOf(s.Cell), Name: metricName(s.Metric), Output: "in this run: " + figure(s.Unit, s.Value)}
	switch {
	case s.N == 0:
		out.Skipped = &junitMessage{Message: "no trial of this run has a figure"}
	case c.Needs > 0 || c.Verdict == history.NotFit:
		out.Skipped = &junitMessage{Message: "not judged: " + CheckVerdict(c)}
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

// FindingText is a finding in a line.
func FindingText(f history.Finding) string {
	return fmt.Sprintf("%s: %s of %s: %s → %s, %s, since %s (p %s)", findingKind(f), metricName(f.Metric), cellOf(f.Cell),
		figure(f.Unit, f.Before), figure(f.Unit, f.After), changed(f.Unit, f.Before, f.After, f.Ratio, f.Interval), day(f.Since.When), pValue(f.P))
}
