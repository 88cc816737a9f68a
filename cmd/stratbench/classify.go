package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/results/report"
)

// classifyFlags are what the caller knows of a log or a report.
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
		Short: "Decide from a log or a test report of any CI how it ended",
		Long: `Decide from a log how the work in it ended, by rules that are data. The log can be
of any CI; FILE is its file, or - for standard input. The more is known of it
(--phase, --runtime, --exit-code), the better the answer. A log alone is a
witness: its confidence never exceeds 0.9.

With --report, judge a test report as the test phase of a trial does: JUnit XML
in any dialect, ginkgo's JSON, go test -json or -v, from any CI. Several files
are one suite: tests that are in several are attempts at one. A test that
passed at last is flaky if --exit-code is 0, and has failed otherwise.

The exit code is 0 for every answer, 2 for a file that cannot be opened, that
is no text or whose format is not recognised, and 1 if reading fails.`,
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
	known("phase", "`phase` that the log is of: cluster, build, load, deploy or test", func(text string) error { return f.Phase.UnmarshalText([]byte(text)) })
	known("runtime", "`engine` that was used: podman or docker", func(text string) error { return f.Runtime.UnmarshalText([]byte(text)) })
	known("exit-code", "exit `code` of the command that wrote the log", func(text string) error {
		code, err := strconv.Atoi(text)
		if f.ExitCode = &code; err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		return nil
	})
	flags.StringArrayVar(&f.reports, "report", nil, "judge a test report instead of a log; files that follow are of the same suite, - is standard input")
	flags.StringVar(&f.reportFormat, "format", "", "format of the report: go-json, go-verbose, ginkgo-json or junit, instead of what it looks like")
	flags.StringArrayVar(&f.known, "known", nil, "test of the report that is known to fail; give it once for each")
	flags.StringVar(&f.rules, "rules", "", "file with rules of your own, beside those that ship")
	return f.output.addOutput(cmd)
}

func (f *classifyFlags) classifyLog(cmd *cobra.Command, name string) error {
	var own []classify.Rule
	if f.rules != "" {
		var err error
		if own, err = classify.ReadRulesFile(f.rules); err != nil {
			return usageError{err}
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
		return fmt.Sprintf("ok: nothing in the log states a failure, and nothing a success; confidence %.2f", r.Confidence)
	}
	return fmt.Sprintf("ok, confidence %.2f", r.Confidence)
}

// openText opens a file that should be text, or standard input; what says what
// it is.
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

// reportAnswer is the judgement of a suite by its report.
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

// judgeReport judges a suite as the test phase does.
func (f *classifyFlags) judgeReport(cmd *cobra.Command, names []string) error {
	// A report may be large: the collector then works more and holds less.
	debug.SetMemoryLimit(90 << 20)
	exit := testreport.Exit{Known: f.ExitCode != nil}
	if exit.Known {
		if exit.Code = *f.ExitCode; exit.Code < 0 { // how programs other than shells report a signal
			exit.Code = 128 - exit.Code
		}
	}
	var formats []testreport.Format
	var reports []testreport.Report
	for _, name := range names {
		format, read, err := f.readReport(cmd, name)
		if err != nil {
			return err
		}
		reports, formats = append(reports, read), append(formats, format)
	}
	j := testreport.Judge(testreport.Join(reports), exit, f.known)
	a := reportAnswer{Outcome: trial.OK, Counts: j.Counts(), Reasons: append([]testreport.Reason{}, j.Reasons...), Remarks: j.Remarks,
		FailedTests: append([]string{}, j.Failed...), FlakyTests: []string{}, FixedKnown: j.Fixed, AbsentKnown: j.Absent, Formats: formats}
	for _, t := range j.Tests {
		if t.Flaky {
			a.FlakyTests = append(a.FlakyTests, t.Name)
		}
	}
	t := report.Table{Header: []string{"cause", "reason"}}
	for _, r := range j.Reasons {
		t.Rows = append(t.Rows, []string{string(r.Cause), r.Text})
	}
	verdict := string(trial.OK)
	if len(j.Reasons) > 0 {
		a.Outcome, a.Cause = trial.TestFailed, j.Cause()
		verdict = fmt.Sprintf("%s, cause %s", a.Outcome, a.Cause)
	}
	t.Lead = []string{fmt.Sprintf("%s: %d passed, %d failed, %d skipped, %d known, %d flaky", verdict, a.Passed, a.Failed, a.Skipped, a.Known, a.Flaky)}
	for _, remark := range a.Remarks {
		t.Notes = append(t.Notes, "Look at the report: "+remark+".")
	}
	for _, name := range a.FixedKnown {
		t.Notes = append(t.Notes, "The known failure "+name+" passed.")
	}
	for _, name := range a.AbsentKnown {
		t.Notes = append(t.Notes, "The known failure "+name+" is no test of the suite.")
	}
	t.Data = a
	return f.output.print(cmd, t)
}

func (f *classifyFlags) readReport(cmd *cobra.Command, name string) (format testreport.Format, read testreport.Report, err error) {
	file, err := openText(cmd, "report", name)
	if err != nil {
		return format, read, err
	}
	defer file.Close()
	var in io.Reader = file
	if f.reportFormat == "" {
		format, in, err = testreport.Recognise(in)
	} else {
		format, err = testreport.ParseFormat(f.reportFormat)
	}
	if err != nil {
		return format, read, usage("reading the report %s: %w", name, err)
	}
	if read, err = format.Read(in, func(string) {}); err != nil {
		return format, read, fmt.Errorf("reading the report %s: %w", name, err)
	}
	return format, read, nil
}
