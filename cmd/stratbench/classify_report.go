package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/results/report"
)

// reportFlags are what the caller knows of a suite's report.
type reportFlags struct {
	files, known []string
	format       string
}

func (f *reportFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.files, "report", nil, "judge a test report instead of a log; files that follow are of the same suite, - is standard input")
	cmd.Flags().StringVar(&f.format, "format", "", "format of the report: go-json, go-verbose, ginkgo-json or junit, instead of what it looks like")
	cmd.Flags().StringArrayVar(&f.known, "known", nil, "test of the report that is known to fail; give it once for each")
}

// reportAnswer is what a report says of its suite.
type reportAnswer struct {
	Outcome trial.Outcome `json:"outcome"`
	Cause   trial.Cause   `json:"cause,omitempty"`
	testreport.Counts
	Reasons []testreport.Reason `json:"reasons"`
	// Remarks are what does not fit together in the report, and is no reason.
	Remarks []string `json:"remarks,omitempty"`
	// FailedTests and FlakyTests are names; FixedKnown are known failures that
	// passed, AbsentKnown those that are no tests of the suite.
	FailedTests []string            `json:"failed_tests"`
	FlakyTests  []string            `json:"flaky_tests"`
	FixedKnown  []string            `json:"fixed_known,omitempty"`
	AbsentKnown []string            `json:"absent_known,omitempty"`
	Formats     []testreport.Format `json:"formats"`
}

// judge judges the suite as the test phase does.
func (f *reportFlags) judge(cmd *cobra.Command, more []string, exitCode string, output *outputFlag) error {
	// A report may be large: the collector then works more and holds less.
	debug.SetMemoryLimit(90 << 20)
	exit, err := exitOf(exitCode)
	if err != nil {
		return err
	}
	answer := reportAnswer{Outcome: trial.OK, Reasons: []testreport.Reason{}, FailedTests: []string{}, FlakyTests: []string{}}
	var reports []testreport.Report
	for _, name := range append(f.files, more...) {
		format, read, err := f.read(cmd, name)
		if err != nil {
			return err
		}
		reports, answer.Formats = append(reports, read), append(answer.Formats, format)
	}
	j := testreport.Judge(testreport.Join(reports), exit, f.known)
	if len(j.Reasons) > 0 {
		answer.Outcome, answer.Cause, answer.Reasons = trial.TestFailed, j.Cause(), j.Reasons
	}
	answer.Remarks = j.Remarks
	answer.Counts, answer.FixedKnown, answer.AbsentKnown = j.Counts(), j.Fixed, j.Absent
	answer.FailedTests = append(answer.FailedTests, j.Failed...)
	for _, t := range j.Tests {
		if t.Flaky {
			answer.FlakyTests = append(answer.FlakyTests, t.Name)
		}
	}
	return answer.write(cmd, output)
}

// exitOf reads --exit-code; programs that are not a shell say -9 of signal 9.
func exitOf(text string) (testreport.Exit, error) {
	if text == "" {
		return testreport.Exit{}, nil
	}
	code, err := strconv.Atoi(text)
	if err != nil {
		return testreport.Exit{}, usageError{fmt.Errorf("--exit-code: %q is not a whole number", text)}
	}
	if code < 0 {
		code = 128 - code
	}
	return testreport.Exit{Known: true, Code: code}, nil
}

func (f *reportFlags) read(cmd *cobra.Command, name string) (testreport.Format, testreport.Report, error) {
	file, err := openText(cmd, "report", name)
	if err != nil {
		return "", testreport.Report{}, err
	}
	defer file.Close()
	var in io.Reader = file
	format, err := testreport.ParseFormat(f.format)
	if f.format == "" {
		format, in, err = testreport.Recognise(in)
	}
	if err != nil {
		return "", testreport.Report{}, usageError{fmt.Errorf("reading the report %s: %w", name, err)}
	}
	read, err := format.Read(in, func(string) {})
	if err != nil {
		return format, read, fmt.Errorf("reading the report %s: %w", name, err)
	}
	return format, read, nil
}

func (a reportAnswer) write(cmd *cobra.Command, output *outputFlag) error {
	t := report.Table{Header: []string{"cause", "reason"}, Data: a}
	for _, r := range a.Reasons {
		t.Rows = append(t.Rows, []string{string(r.Cause), r.Text})
	}
	verdict := string(a.Outcome)
	if a.Cause != "" {
		verdict += ", cause " + string(a.Cause)
	}
	t.Lead = append(t.Lead, fmt.Sprintf("%s: %d passed, %d failed, %d skipped, %d known, %d flaky", verdict, a.Passed, a.Failed, a.Skipped, a.Known, a.Flaky))
	for _, remark := range a.Remarks {
		t.Notes = append(t.Notes, "Look at the report: "+remark+".")
	}
	for _, name := range a.FixedKnown {
		t.Notes = append(t.Notes, "The known failure "+name+" passed.")
	}
	for _, name := range a.AbsentKnown {
		t.Notes = append(t.Notes, "The known failure "+name+" is no test of the suite.")
	}
	return output.write(cmd, t)
}
