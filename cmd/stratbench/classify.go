package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/results/report"
)

type classifyFlags struct {
	classify.Options
	rules string
	// reports are files with a suite's report, and known its known failures.
	reports, known []string
	reportFormat   string
	output         shared
}

func classifyCommand() *cobra.Command {
	var f classifyFlags
	cmd := &cobra.Command{
		Use:   "classify FILE|- | --report FILE...",
		Short: "Decide from a log or test report of any CI how the work ended",
		Long: `Decide from a log of any CI how the work in it ended, and why. FILE is the log, or -
for standard input. The more you say about it (--phase, --runtime, --exit-code), the
better the answer. A log alone never gives a confidence above 0.9.

With --report, judge a test report as the test phase of a trial does: JUnit XML
in any dialect, ginkgo's JSON, go test -json or -v. Several files are one suite: a
test that is in several of them was repeated. A test that failed and then passed is
flaky if --exit-code is 0, and otherwise has failed.

The exit code is 0 for every answer.`,
		Example: `  stratbench classify build.log --phase build --runtime podman --exit-code 125
  gh run view 4711 --log-failed | stratbench classify - --output json
  stratbench classify --report junit.xml --exit-code 1 --known TestKnownBroken
  go test -json ./... | stratbench classify --report - --output json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(f.reports) > 0 {
				return nil
			}
			return takes(1, 1, "one file, or - for standard input")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(f.reports) > 0 {
				return f.judgeReport(cmd, append(f.reports, args...))
			}
			return f.classifyLog(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	// A script may pass what it does not know as an empty text.
	known := func(name, help string, read func(text string) error) {
		flags.Func(name, help, func(text string) error {
			if text == "" {
				return nil
			}
			return read(text)
		})
	}
	known("phase", "`phase` that wrote the log: cluster, build, load, deploy or test", func(text string) error { return f.Phase.UnmarshalText([]byte(text)) })
	known("runtime", "`engine` that was used: podman or docker", func(text string) error { return f.Runtime.UnmarshalText([]byte(text)) })
	known("exit-code", "exit `code` of the command that wrote the log", func(text string) error {
		code, err := strconv.Atoi(text)
		if f.ExitCode = &code; err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		return nil
	})
	flags.StringArrayVar(&f.reports, "report", nil, "judge a test report instead of a log; files that follow belong to the same suite, - is standard input")
	flags.StringVar(&f.reportFormat, "format", "", "format of the report: go-json, go-verbose, ginkgo-json or junit, instead of recognising it")
	flags.StringArrayVar(&f.known, "known", nil, "test that is known to fail; may be repeated")
	flags.StringVar(&f.rules, "rules", "", "file with rules of your own, in addition to the shipped ones")
	return f.output.addOutput(cmd)
}

func (f *classifyFlags) classifyLog(cmd *cobra.Command, name string) error {
	var own []classify.Rule
	if f.rules != "" {
		var err error
		if own, err = classify.ReadRulesFile(f.rules); err != nil {
			return exitError{exitUsage, err}
		}
	}
	classifier, err := classify.New(classify.Rules(), own)
	if err != nil {
		return usage("%s: %w", f.rules, err)
	}
	log, err := openText(cmd, "log", name)
	if err != nil {
		return err
	}
	defer log.Close()
	r, err := classifier.Classify(cmd.Context(), f.Options, log)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if f.output.format == report.FormatJSON { // on one line for each log
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	t := report.Table{Lead: []string{sentence(r)}, Header: []string{"line", "rule", "text"}, Data: r}
	for _, e := range r.Evidence {
		t.Rows = append(t.Rows, []string{strconv.Itoa(e.Line), e.Rule, e.Text})
	}
	return f.output.print(cmd, t)
}

// sentence is the answer, and no more: a log that states no failure does not
// state a success.
func sentence(r classify.Result) string {
	switch {
	case r.Outcome != trial.OK:
		return fmt.Sprintf("%s, cause %s, confidence %.2f", report.Verdict(trial.Verdict{Outcome: r.Outcome, Phase: r.Phase}), cmp.Or(r.Cause, trial.CauseUnknown), r.Confidence)
	case r.Contradicted:
		return fmt.Sprintf("ok, although the log states a failure: the exit code, or what followed, shows a success; confidence %.2f", r.Confidence)
	case len(r.Evidence) == 0:
		return fmt.Sprintf("ok: nothing in the log states a failure or a success; confidence %.2f", r.Confidence)
	}
	return fmt.Sprintf("ok, confidence %.2f", r.Confidence)
}

// openText opens a file that should be text, or standard input; what is its name in
// messages.
func openText(cmd *cobra.Command, what, name string) (io.ReadCloser, error) {
	raw := io.NopCloser(cmd.InOrStdin())
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usage("opening the %s: %w; give the path of a readable file, or - for standard input", what, err)
		}
		raw = f
	}
	in := bufio.NewReaderSize(raw, 64<<10)
	// An error of reading comes again when the rest is read.
	if start, _ := in.Peek(in.Size()); len(start) > 0 {
		if err := readable.Check(start); err != nil {
			raw.Close()
			return nil, usage("reading the %s %s: %w", what, name, err)
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{in, raw}, nil
}

// judgeReport judges a suite as the test phase does.
func (f *classifyFlags) judgeReport(cmd *cobra.Command, names []string) error {
	// A report may be large: the collector then works more and holds less.
	debug.SetMemoryLimit(32 << 20)
	exit := testreport.Exit{Known: f.ExitCode != nil}
	if exit.Known {
		if exit.Code = *f.ExitCode; exit.Code < 0 { // how programs other than shells report a signal
			exit.Code = 128 - exit.Code
		}
	}
	var formats []testreport.Format
	suite := testreport.Brief(f.known)
	for _, name := range names {
		format, err := f.readReport(cmd, name, &suite)
		if err != nil {
			return err
		}
		formats = append(formats, format)
	}
	j := testreport.Judge(suite, exit, f.known)
	t := report.Table{Header: []string{"cause", "reason"}, Data: struct {
		testreport.Judgement
		Formats []testreport.Format `json:"formats"`
	}{j, formats}}
	for _, r := range j.Reasons {
		t.Rows = append(t.Rows, []string{string(r.Cause), r.Text})
	}
	lead := string(j.Outcome)
	if j.Cause != "" {
		lead += ", cause " + string(j.Cause)
	}
	lead += fmt.Sprintf(": %d passed, %d failed", j.Passed, j.Counts.Failed)
	for _, c := range []struct {
		n    int
		what string
	}{{j.Skipped, "skipped"}, {j.Known, "known to fail"}, {j.Counts.Flaky, "flaky"}} {
		if c.n > 0 {
			lead += fmt.Sprintf(", %d %s", c.n, c.what)
		}
	}
	t.Lead = []string{lead}
	note := func(format string, args ...any) { t.Notes = append(t.Notes, fmt.Sprintf(format, args...)) }
	if n := len(j.Flaky); n > mostReported {
		note("Flaky: %s and %d more.", strings.Join(j.Flaky[:mostReported], ", "), n-mostReported)
	} else if n > 0 {
		note("Flaky: %s.", strings.Join(j.Flaky, ", "))
	}
	repeated := slices.IndexFunc(j.Tests, func(t trial.TestResult) bool { return t.Status == trial.TestFail && t.Attempts > 1 && !t.Known })
	if repeated >= 0 && !exit.Known {
		note("%s was tried %d times. If it passed in the end and the command succeeded, give --exit-code 0: it then counts as flaky.", j.Tests[repeated].Name, j.Tests[repeated].Attempts)
	}
	for _, remark := range j.Remarks {
		note("Look at the report: %s.", remark)
	}
	for _, name := range j.Fixed {
		note("The known failure %s passed: take it out of --known.", name)
	}
	for _, name := range j.Absent {
		note("No test is named %s, which --known lists: correct the name, or take it out.", name)
	}
	return f.output.print(cmd, t)
}

func (f *classifyFlags) readReport(cmd *cobra.Command, name string, suite *testreport.Report) (format testreport.Format, err error) {
	file, err := openText(cmd, "report", name)
	if err != nil {
		return format, err
	}
	defer file.Close()
	var in io.Reader = file
	if f.reportFormat == "" {
		format, in, err = testreport.Recognise(in)
	} else {
		format, err = testreport.ParseFormat(f.reportFormat)
	}
	if err != nil {
		return format, usage("reading the report %s: %w", name, err)
	}
	if err := suite.Read(format, in, func(string) {}); err != nil {
		return format, fmt.Errorf("reading the report %s: %w", name, err)
	}
	return format, nil
}
