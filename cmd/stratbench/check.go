package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
)

// verdictCode is the exit code of a verdict; one that is not known is never 0.
func verdictCode(v history.Verdict) int {
	switch v {
	case history.NoRegression:
		return exitOK
	case history.Regression:
		return exitWorse
	case history.Inconclusive:
		return exitInconclusive
	}
	return exitNoData
}

// checkFlags are those of check.
type checkFlags struct {
	historyFlags
	output                             outputFlag
	junit, summary, openMetrics, pages string
	selfTest                           bool
	maxAge                             time.Duration
	confirming                         confirmFlags
}

func checkCommand() *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Judge the newest run against its history",
		Long: `Judge the newest run of an experiment against the nights before it: set-up time,
each phase, peak memory, failures and failed tests of every cell together, at
one stated rate of false alarms for all of them. Runs in the folder of runs that
the history lacks are added to it first.

A regression keeps being reported until it is undone, accepted with stratbench
baseline accept, or not borne out by the seven nights after its alarm; for at
most 90 nights.

With --confirm SPEC, what is suspected or became worse in this run is put to the
test before the verdict: its cells are run in the last good and in the present
state side by side, where the last good one can be built again, and the history
keeps these trials. A suspicion then is a regression or none. What is certain by
the nights alone stands unless the trials exclude it.

` + exitCodeTable(ofJudges),
		Example: `  stratbench run experiments/nightly.yaml; stratbench check
  stratbench check --summary "$GITHUB_STEP_SUMMARY" --junit check.xml
  stratbench check --confirm experiments/nightly.yaml --prepare 'make -C experiments/workload vendor e2e'
  stratbench check --self-test`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.run(cmd)
		},
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	flags.confirming.add(cmd)
	f := cmd.Flags()
	flags.output.add(cmd)
	f.Lookup("output").Usage = "table, json (schema: stratbench schema --check), csv or markdown"
	f.StringVar(&flags.junit, "junit", "", "file to write JUnit XML to")
	f.StringVar(&flags.summary, "summary", "", "file to add a Markdown summary to, for a CI job or a comment")
	f.StringVar(&flags.openMetrics, "openmetrics", "", "file to write OpenMetrics text to")
	f.StringVar(&flags.pages, "page", "", "file to write a self-contained HTML page to")
	f.DurationVar(&flags.maxAge, "max-age", 0, "no data when the newest run began longer ago than this, such as 20h")
	f.BoolVar(&flags.selfTest, "self-test", false, "put a regression into a copy of the history, and see that it is found")
	return cmd
}

func (f *checkFlags) run(cmd *cobra.Command) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	if err := f.confirming.load(); err != nil {
		return err
	}
	h, err := f.open(cmd)
	if err != nil {
		return err
	}
	if f.selfTest {
		return f.testItself(cmd, h, o)
	}
	c, err := h.Check(f.experiment, f.host, o)
	if err != nil {
		return err
	}
	if err := f.meant(h, &c); err != nil {
		return err
	}
	if c, err = f.confirm(cmd, h, c, o); err != nil {
		return err
	}
	if err := f.write(cmd, h, c, o); err != nil {
		return err
	}
	if code := verdictCode(c.Verdict); code != exitOK {
		return exitError{code, fmt.Errorf("%s: %s", c.Verdict, strings.Join(c.Why, "; "))}
	}
	return nil
}

// meant refuses a check of a run that is not tonight's.
func (f *checkFlags) meant(h *history.History, c *history.Check) error {
	newer, err := h.NotAdded(f.results, f.experiment)
	if err != nil {
		return err
	}
	if newer != "" {
		c.Refuse(fmt.Sprintf("the newest run, %s, could not be added to the history", newer))
	}
	if age := time.Since(c.When); f.maxAge > 0 && !c.When.IsZero() && age > f.maxAge {
		c.Refuse(fmt.Sprintf("the newest run began %s ago, more than %s", age.Round(time.Minute), f.maxAge))
	}
	return nil
}

// write writes the check to where it was asked for.
func (f *checkFlags) write(cmd *cobra.Command, h *history.History, c history.Check, o detect.Options) error {
	if err := report.Check(c).Write(cmd.OutOrStdout(), f.output.format); err != nil {
		return err
	}
	for _, to := range []struct {
		name  string
		flag  int
		write func(io.Writer) error
	}{
		{f.junit, os.O_TRUNC, func(w io.Writer) error { return report.JUnit(w, c) }},
		{f.summary, os.O_APPEND, func(w io.Writer) error { return report.CheckSummary(w, c) }},
		{f.openMetrics, os.O_TRUNC, func(w io.Writer) error { return report.OpenMetrics(w, c) }},
		{f.pages, os.O_TRUNC, func(w io.Writer) error {
			review, err := h.Review(f.experiment, f.host, history.Pattern{}, o)
			if err != nil {
				return err
			}
			return page.Nightly(c, review, commandLine()).HTML(w)
		}},
	} {
		if to.name == "" {
			continue
		}
		if err := writeTo(to.name, to.flag, to.write); err != nil {
			return err
		}
	}
	return nil
}

// writeTo writes a file that is the check's own, or adds to one.
func writeTo(name string, flag int, write func(io.Writer) error) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|flag, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file)
}

// testItself answers 0 when the check found what was put into copies of the
// history, and found nothing where nothing was.
func (f *checkFlags) testItself(cmd *cobra.Command, h *history.History, o detect.Options) error {
	tested, err := h.SelfTest(f.experiment, f.host, o)
	if errors.Is(err, history.ErrTooShort) {
		return exitError{exitInconclusive, err}
	}
	if err != nil {
		return err
	}
	if err := f.output.write(cmd, report.SelfTest(tested)); err != nil {
		return err
	}
	for _, s := range tested.Steps {
		if got, want := verdictCode(s.Verdict), verdictCode(history.Regression); s.Want && got != want {
			return fmt.Errorf("self-test failed: with %s the check exits with %d, not %d", s.What, got, want)
		}
	}
	if !tested.Passed() {
		return errors.New("self-test failed: do not rely on this check")
	}
	return nil
}
