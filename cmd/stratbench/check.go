package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/confirm"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
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

type checkFlags struct {
	historyFlags
	junit, summary, openMetrics, page string
	selfTest                          bool
	maxAge                            time.Duration
	// spec is the file of the present state, if alarms are tested by trials. These
	// are run by runTrials, which is confirm.Run.
	spec      string
	trials    confirm.Options
	runTrials func(context.Context, confirm.Options) (results.Run, error)
}

func checkCommand() *cobra.Command {
	flags := checkFlags{runTrials: confirm.Run}
	cmd := &cobra.Command{
		Use:         "check",
		Annotations: map[string]string{tearsDown: "confirm"},
		Short:       "Judge the newest run against its history",
		Long: `Judge the newest run of an experiment against the nights before it: setup time,
each phase, peak memory, failures and failed tests of every cell together, at
one stated rate of false alarms for all of them. Runs in the folder of runs that
the history lacks are added to it first, except one that is still being recorded.

A regression is reported until it is undone, until it is accepted with stratbench
baseline accept, or until the seven nights after its alarm have failed to confirm it,
and for at most 90 nights.

With --confirm SPEC, whatever is suspected or became worse in this run is tested
before the verdict: its cells run in the last good and in the present state, side
by side, if the last good one can be built again. The history keeps these trials.
They decide whether a suspicion is a regression. What the nights alone prove
stands unless the trials exclude it.

` + exitCodeTable("check"),
		Example: `  stratbench run experiments/nightly.yaml; stratbench check
  stratbench check --summary "$GITHUB_STEP_SUMMARY" --junit check.xml
  stratbench check --confirm experiments/nightly.yaml --prepare 'make -C experiments/workload vendor e2e'
  stratbench check --self-test`,
		Args: takes(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.spec, "confirm", "", "SPEC of the present state: run what is suspected or worse beside the last good state, and decide by that")
	addTrials(cmd, &flags.trials, "with --confirm: ")
	flags.addOutput(cmd)
	f.Lookup("output").Usage = "`format`: table (default), json (schema: stratbench schema --check), csv or markdown"
	f.StringVar(&flags.junit, "junit", "", "file to write JUnit XML to")
	f.StringVar(&flags.summary, "summary", "", "file to add a Markdown summary to, for a CI job or a comment")
	f.StringVar(&flags.openMetrics, "openmetrics", "", "file to write OpenMetrics text to")
	f.StringVar(&flags.page, "page", "", "file to write a self-contained HTML page to")
	f.DurationVar(&flags.maxAge, "max-age", 0, "treat the newest run as no data if it began longer ago than this, such as 20h")
	f.BoolVar(&flags.selfTest, "self-test", false, "put a regression into copies of the history, and verify that it is found")
	return cmd
}

func (f *checkFlags) run(cmd *cobra.Command) (err error) {
	switch t := &f.trials; {
	case f.spec != "":
		// A fault of the spec is reported in a quiet night too.
		if t.Present, err = spec.Load(f.spec); err != nil {
			return err
		}
	case t.Prepare != "" || t.Budget != 0 || t.AsFound || t.Machine != "":
		return usage("--prepare, --budget, --as-found and --machine apply only to the trials of --confirm; add --confirm SPEC, or leave them out")
	}
	h, err := f.open(cmd)
	if err != nil {
		return err
	}
	if f.selfTest && len(h.Runs) > 0 {
		return f.testItself(cmd, h)
	}
	c := h.Check(f.experiment, f.host, float64(f.threshold))
	if runs, err := results.Runs(f.dir); err == nil && len(runs)+len(h.Runs) == 0 {
		c.Why = []string{f.noRun()}
	}
	if f.refused != "" {
		c.Refuse(fmt.Sprintf("the newest run, %s, could not be added to the history", f.refused))
	}
	if age := time.Since(c.When); f.maxAge > 0 && !c.When.IsZero() && age > f.maxAge {
		c.Refuse(fmt.Sprintf("the newest run began %s ago, more than %s", age.Round(time.Minute), f.maxAge))
	}
	if c, err = f.confirm(cmd, h, c); err != nil {
		return err
	}
	if err := f.write(cmd, h, c); err != nil {
		return err
	}
	if code := verdictCode(c.Verdict); code != exitOK {
		return exitError{code, fmt.Errorf("%s: %s", c.Verdict, strings.Join(c.Why, "; "))}
	}
	return nil
}

// confirm tests the alarms of a check by trials and judges again. If that is not
// possible the check stays as it was, with the reason.
func (f *checkFlags) confirm(cmd *cobra.Command, h *history.History, c history.Check) (history.Check, error) {
	alarms := c.Alarms()
	if f.spec == "" || len(alarms) == 0 || verdictCode(c.Verdict) == exitNoData {
		return c, nil
	}
	t, err := f.trialsOf(h, c, alarms)
	if err != nil {
		return c, err
	}
	show := newProgress(cmd.ErrOrStderr())
	t.Root, t.Report = f.dir, show.update
	fmt.Fprintf(cmd.ErrOrStderr(), "running %s in the state of %s beside the present one, in %s\n", strings.Join(t.Cells, "; "), t.Good.ID(), report.Counted(t.Blocks, "block"))
	_, err = f.runTrials(cmd.Context(), t)
	show.close()
	switch {
	case errors.Is(err, confirm.ErrNotBuilt) && !errors.Is(err, context.Canceled) || errors.Is(err, confirm.ErrCells):
		c.Why = append(c.Why, fmt.Sprintf("not put to the test: %v", err))
		return c, nil
	case err != nil:
		return c, fmt.Errorf("running the last good state beside the present one: %w", err)
	}
	if err := f.update(cmd, h); err != nil {
		return c, err
	}
	return h.Check(f.experiment, f.host, float64(f.threshold)), nil
}

// trialsOf are the trials to run for the alarms: of their cells, in the last state
// that was good for all of them.
func (f *checkFlags) trialsOf(h *history.History, c history.Check, alarms []history.Finding) (t confirm.Options, err error) {
	if t = f.trials; t.Present.Name != c.Experiment {
		return t, usage("--confirm %s is the experiment %s, and the check is of %s", f.spec, t.Present.Name, c.Experiment)
	}
	first := slices.MinFunc(alarms, func(a, b history.Finding) int { return a.Since.Night - b.Since.Night })
	good, err := h.Find(c.Experiment, c.Host, first.LastGood)
	if err != nil {
		return t, err
	}
	t.Blocks = history.BlocksToConfirm(alarms)
	for _, a := range alarms {
		if key := a.Cell.Key(); !slices.Contains(t.Cells, key) {
			t.Cells = append(t.Cells, key)
		}
	}
	t.Good = results.Run{Dir: good.RunID, Environment: good.Environment}
	return t, nil
}

func (f *checkFlags) write(cmd *cobra.Command, h *history.History, c history.Check) error {
	if err := f.print(cmd, report.Check(c)); err != nil {
		return err
	}
	for _, to := range []struct {
		name string
		put  func(name string, text []byte) error
		text func(io.Writer, history.Check) error
	}{
		{f.junit, host.WriteFile, report.JUnit},
		{f.summary, addTo, report.CheckSummary},
		{f.openMetrics, host.WriteFile, report.OpenMetrics},
		{f.page, host.WriteFile, func(w io.Writer, c history.Check) error {
			review := h.Review(f.experiment, f.host, history.Pattern{}, float64(f.threshold))
			command := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
			return page.Nightly(c, review, strings.Join(command, " ")).HTML(w)
		}},
	} {
		if to.name == "" {
			continue
		}
		var text bytes.Buffer
		if err := to.text(&text, c); err != nil {
			return err
		}
		if err := to.put(to.name, text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// addTo adds a text to the end of a file, in one piece.
func addTo(name string, text []byte) error {
	return host.Whole(func() error {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		_, err = file.Write(text)
		return errors.Join(err, file.Close())
	})
}

// testItself succeeds if the check finds what was put into copies of the history,
// and nothing in an unchanged copy.
func (f *checkFlags) testItself(cmd *cobra.Command, h *history.History) error {
	tested, err := h.SelfTest(f.experiment, f.host, float64(f.threshold))
	if errors.Is(err, history.ErrTooShort) {
		return exitError{exitInconclusive, err}
	}
	if err != nil {
		return err
	}
	if err := f.print(cmd, report.SelfTest(tested)); err != nil {
		return err
	}
	if !tested.Passed() {
		return errors.New("self-test failed: do not rely on this check")
	}
	return nil
}

func confirmCommand() *cobra.Command {
	var f shared
	var o confirm.Options
	var good string
	cmd := f.add(&cobra.Command{
		Use:         "confirm --good RUN SPEC",
		Annotations: map[string]string{tearsDown: always},
		Short:       "Run the last good state beside the present one, and decide whether it is worse",
		Long: `Build the last good state of an experiment again, from the git revision that
its run recorded, and run it beside the present one: both states of each cell
in each block, in random order. A difference then comes from the state and not
from the night. A kernel or a host cannot be undone; such changes are listed.

The repository is not changed. --prepare makes, in the copy of the revision, what
the workload needs and git ignores. If git does not have the tar of an engine, both
states use the present one.

` + exitCodeTable("confirm"),
		Example: `  stratbench confirm --good 20260102-030405-nightly experiments/nightly.yaml \
    --cell runtime=podman,strategy=parallel --metric setup \
    --prepare 'make -C experiments/workload vendor e2e'`,
		Args: takes(1, 1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if good == "" {
				return usage("--good is missing: name the last good run; stratbench ls lists the runs")
			}
			dir, err := results.Find(f.dir, good)
			if err != nil {
				return exitError{exitUsage, err}
			}
			if o.Good, err = results.ReadRun(dir); err != nil {
				return err
			}
			if o.Present, err = spec.Load(args[0]); err != nil {
				return err
			}
			show := newProgress(cmd.ErrOrStderr())
			o.Root, o.Report = f.dir, show.update
			both, err := confirm.Run(cmd.Context(), o)
			show.close()
			switch {
			case errors.Is(err, confirm.ErrCells) || errors.Is(err, results.ErrInUse):
				return exitError{exitUsage, err}
			case errors.Is(err, confirm.ErrNotBuilt):
				return exitError{exitInconclusive, err}
			case err != nil:
				return err
			}
			w, err := answer.Worsened(study.Gather([]results.Run{both}), results.StateFactor, results.LastGood, results.Present, o.Metrics)
			if err != nil {
				return err
			}
			table := report.Worsening(both, w)
			for _, engine := range confirm.EngineChanges(o.Good, both) {
				table.Notes = append(table.Notes, "Both states ran on a version of the engine that differs from that of the last good run: "+engine+".")
			}
			if err := f.print(cmd, table); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "\nResults: %s\n", both.Dir)
			switch w.Verdict {
			case answer.Confirmed:
				return exitError{exitWorse, errors.New("confirmed: the present state is worse than the last good one")}
			case answer.TooFew:
				return exitError{exitInconclusive, fmt.Errorf("inconclusive: these comparisons need %d measured blocks of both states; give more --blocks, or fewer cells and metrics", w.Blocks)}
			}
			return nil
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&good, "good", "", "the last good run: its name, the beginning of its name, or its folder")
	flags.StringArrayVar(&o.Cells, "cell", nil, "FACTOR=LEVEL,FACTOR=LEVEL of cells to compare; may be repeated (default: all)")
	flags.Func("metric", "`metrics` that decide: setup, a phase, peak-memory, failures or failed-tests (default: all)", func(text string) error {
		for name := range strings.SplitSeq(text, ",") {
			m, err := study.ParseMetric(name)
			if err != nil {
				return err
			}
			o.Metrics = append(o.Metrics, m)
		}
		return nil
	})
	flags.IntVar(&o.Blocks, "blocks", 0, "blocks to run (default: one more than the comparisons need)")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed of the trial order (default: a random one)")
	addTrials(cmd, &o, "")
	return cmd
}

// addTrials adds the flags for trials of the last good and the present state.
func addTrials(cmd *cobra.Command, o *confirm.Options, when string) {
	flags := cmd.Flags()
	flags.StringVar(&o.Prepare, "prepare", "", when+"shell command that makes, in the copy of the last good revision, what git does not have")
	flags.DurationVar(&o.Budget, "budget", 0, when+"run as many whole blocks as fit in this time, such as 1h")
	flags.BoolVar(&o.AsFound, "as-found", false, when+"if engines of yours answer, use only those, with the memory they have")
	parsed(cmd, &o.Machine, "machine", "", when+machineHelp, machine.ParseKind)
}
