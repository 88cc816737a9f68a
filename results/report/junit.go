package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/stratbench/stratbench/results/history"
)

// The elements of JUnit's XML that CI systems read.
type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Name    string     `xml:"name,attr"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
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

// JUnit writes a check as JUnit XML. Each series is a case, which fails with a
// regression and is skipped where nothing can be said; a cell without a trial is an
// error. The verdict is a case too, so that a check that judges nothing never reads
// as passed.
func JUnit(w io.Writer, c history.Check) error {
	suite := junitSuite{Name: "stratbench check " + c.Experiment, Properties: []junitProperty{
		{"host", c.Host}, {"run_id", c.RunID}, {"verdict", string(c.Verdict)}, {"simulated", fmt.Sprint(c.Simulated)}}}
	if !c.When.IsZero() {
		suite.Timestamp = c.When.UTC().Format("2006-01-02T15:04:05")
	}
	verdict := junitCase{Class: "check", Name: "verdict", Output: checkVerdict(c)}
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
	text, err := xml.MarshalIndent(junitSuites{Name: "stratbench", Suite: suite}, "", "  ")
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
