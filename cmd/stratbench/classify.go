package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/results/report"
)

// classifyFlags are what the caller knows of a log.
type classifyFlags struct {
	phase, runtime, rules, exitCode string
	report                          reportFlags
}

func (f *classifyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.phase, "phase", "", "phase that the log is of: cluster, build, load, deploy or test")
	cmd.Flags().StringVar(&f.runtime, "runtime", "", "engine that was used: podman or docker")
	cmd.Flags().StringVar(&f.exitCode, "exit-code", "", "exit code of the command that wrote the log")
	f.report.add(cmd)
	cmd.Flags().StringVar(&f.rules, "rules", "", "file with rules of your own, beside those that ship")
}

func (f *classifyFlags) options() (o classify.Options, err error) {
	if err := o.Phase.UnmarshalText([]byte(f.phase)); err != nil {
		return o, usageError{fmt.Errorf("--phase: %w", err)}
	}
	if f.runtime != "" {
		if err := o.Runtime.UnmarshalText([]byte(f.runtime)); err != nil {
			return o, usageError{fmt.Errorf("--runtime: %w", err)}
		}
	}
	if f.exitCode != "" {
		code, err := strconv.Atoi(f.exitCode)
		if err != nil {
			return o, usageError{fmt.Errorf("--exit-code: %q is not a whole number", f.exitCode)}
		}
		o.ExitCode = &code
	}
	return o, nil
}

func (f *classifyFlags) classifier() (*classify.Classifier, error) {
	if f.rules == "" {
		return classify.New(classify.Rules())
	}
	own, err := classify.ReadRulesFile(f.rules)
	if err != nil {
		return nil, usageError{err}
	}
	c, err := classify.New(classify.Rules(), own)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", f.rules, err)}
	}
	return c, nil
}

func classifyCommand() *cobra.Command {
	var flags classifyFlags
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "classify FILE|- | --report FILE...",
		Short: "Say what a log of any CI tells of how it ended",
		Long: `Say what a log tells of how it ended, by rules that are data. The log can be of
any CI; FILE is its file, or - for standard input. The more is known of it
(--phase, --runtime, --exit-code), the better the answer. A log alone is a
witness: its confidence never exceeds 0.9.

With --report, judge a test report as the test phase of a trial does: JUnit XML
in any dialect, ginkgo's JSON, go test -json or -v, from any CI. Several files
are one suite: tests that are in several are attempts at one. A test that
passed at last is flaky where --exit-code is 0, and has failed otherwise.

The exit code is 0 for every answer, 2 for a file that cannot be opened, that
is no text or whose format is not recognised, and 1 where reading fails.`,
		Example: `  stratbench classify build.log --phase build --runtime podman --exit-code 125
  gh run view 4711 --log-failed | stratbench classify - --output json
  stratbench classify --report junit.xml --exit-code 1 --known TestKnownBroken
  go test -json ./... | stratbench classify --report - --output json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(flags.report.files) > 0 {
				return nil
			}
			return exactly(1, "one file, or - for standard input")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(flags.report.files) > 0 {
				return flags.report.judge(cmd, args, flags.exitCode, &output)
			}
			options, err := flags.options()
			if err != nil {
				return err
			}
			classifier, err := flags.classifier()
			if err != nil {
				return err
			}
			log, err := openText(cmd, "log", args[0])
			if err != nil {
				return err
			}
			defer log.Close()
			result, err := classifier.Classify(cmd.Context(), options, log)
			if err != nil {
				return fmt.Errorf("reading %s: %w", args[0], err)
			}
			return writeResult(cmd, &output, result)
		},
	}
	flags.add(cmd)
	output.add(cmd)
	return cmd
}

// openText opens a file that should be text, or standard input; what says what
// it is.
func openText(cmd *cobra.Command, what, name string) (io.ReadCloser, error) {
	raw := io.NopCloser(cmd.InOrStdin())
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{fmt.Errorf("opening the %s: %w; give the path of a readable file, or - for standard input", what, err)}
		}
		raw = f
	}
	in := bufio.NewReaderSize(raw, 64<<10)
	// An error of reading comes again when the rest is read.
	if start, _ := in.Peek(in.Size()); len(start) > 0 {
		if err := readable.Check(start); err != nil {
			raw.Close()
			return nil, usageError{fmt.Errorf("reading the %s %s: %w", what, name, err)}
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{in, raw}, nil
}

// writeResult prints the result; as JSON, on one line for each log.
func writeResult(cmd *cobra.Command, output *outputFlag, r classify.Result) error {
	if output.format == report.FormatJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	t := report.Table{Lead: []string{sentence(r)}, Header: []string{"line", "rule", "text"}, Data: r}
	for _, e := range r.Evidence {
		t.Rows = append(t.Rows, []string{strconv.Itoa(e.Line), e.Rule, e.Text})
	}
	return output.write(cmd, t)
}

// sentence says what the log tells, and no more: that nothing in it states a
// failure is not yet a success.
func sentence(r classify.Result) string {
	switch {
	case r.Outcome != trial.OK:
		return fmt.Sprintf("%s, cause %s, confidence %.2f", report.Verdict(trial.Verdict{Outcome: r.Outcome, Phase: r.Phase}), cmp.Or(r.Cause, trial.CauseUnknown), r.Confidence)
	case r.Contradicted:
		return fmt.Sprintf("ok, although the log states a failure: the exit code, or what followed, tells of a success; confidence %.2f", r.Confidence)
	case len(r.Evidence) == 0:
		return fmt.Sprintf("ok: nothing in the log states a failure, and nothing a success; confidence %.2f", r.Confidence)
	}
	return fmt.Sprintf("ok, confidence %.2f", r.Confidence)
}
