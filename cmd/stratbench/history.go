package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

// historyFlags choose a history, and an experiment and a host in it.
type historyFlags struct {
	shared
	history, experiment, host string
	threshold                 trial.Share
	// refused is a run that should be judged and could not be added.
	refused string
}

func (f *historyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.history, "history", "results/nights", "folder that holds the history")
	flags.StringVar(&f.dir, "dir", defaultResults, "folder that holds the runs, also as --results")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "results" {
			name = "dir"
		}
		return pflag.NormalizedName(name)
	})
	flags.StringVar(&f.experiment, "experiment", "", "name of the experiment (default: that of the newest run)")
	flags.StringVar(&f.host, "host", "", "host whose runs are judged (default: that of the newest run)")
}

func (f *historyFlags) addThreshold(cmd *cobra.Command) {
	f.threshold = detect.DefaultThreshold
	usage := fmt.Sprintf("smallest change of a time or of memory that is reported, as a `share` (default %g%%)", 100*detect.DefaultThreshold)
	parsed(cmd, &f.threshold, "threshold", "", usage, trial.ParseShare)
}

// open reads the history, adds the runs that it lacks, and chooses the
// experiment and the host that are not named.
func (f *historyFlags) open(cmd *cobra.Command) (*history.History, error) {
	// Five years of nights stay under 200 MiB with this, also on a host whose busy
	// processors give the collector little time. What needs more gets it, and
	// takes longer.
	debug.SetMemoryLimit(150 << 20)
	h, err := history.Read(f.history, time.Now())
	if err != nil {
		return nil, err
	}
	reportDamage(cmd, h.Damaged)
	if err := f.update(cmd, h); err != nil {
		return nil, err
	}
	f.host = cmp.Or(f.host, h.Host(f.experiment))
	return h, nil
}

// update adds to the history the runs in the folder of runs that it lacks.
func (f *historyFlags) update(cmd *cobra.Command, h *history.History) error {
	u, err := h.Update(f.dir, f.experiment)
	f.experiment, f.refused = u.Experiment, u.Refused
	for _, why := range u.Passed {
		fmt.Fprintln(cmd.ErrOrStderr(), why)
	}
	for i, a := range u.Added {
		if i == mostReported {
			fmt.Fprintf(cmd.ErrOrStderr(), "and %d more runs\n", len(u.Added)-i)
			break
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "added to the history: %s, records: %d\n", a.Dir, a.Records)
	}
	return err
}

// noRun is the reason why there is nothing to show or to judge.
func (f *historyFlags) noRun() string {
	return fmt.Sprintf("no run is in %s or %s; make one with: stratbench run experiments/nightly.yaml", f.history, f.dir)
}

func historyCommand() *cobra.Command {
	var flags historyFlags
	var plots string
	var series history.Pattern
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show each series of an experiment, and when and why it changed",
		Long: `Show the series of an experiment on a host: setup time, phases, peak memory,
failures and failed tests of each cell, night by night, cut where they changed.
Beside each change is what else changed then: engine, kernel, Kind, node image,
settings, what images are built from.

Runs in the folder of runs that the history lacks are added to it first. Runs
of different hosts are never in one series.`,
		Example: `  stratbench history
  stratbench history --metric setup --cell 'runtime=podman*' --plots plots
  stratbench history --output csv > nights.csv`,
		Args: takes(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			if len(h.Runs) == 0 {
				return usage("%s", flags.noRun())
			}
			review := h.Review(flags.experiment, flags.host, series, float64(flags.threshold))
			if plots != "" {
				if err := os.MkdirAll(plots, 0o755); err != nil {
					return fmt.Errorf("creating the folder of the plots: %w", err)
				}
				for _, p := range plot.Histories(review) {
					if err := p.WriteFiles(plots, true); err != nil {
						return err
					}
				}
			}
			return flags.print(cmd, report.Review(review))
		},
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	flags.addOutput(cmd)
	cmd.Flags().StringVar(&series.Cell, "cell", "", "cells to show, such as 'runtime=podman*' (default: all)")
	cmd.Flags().StringVar(&series.Metric, "metric", "", "metrics to show: setup, a phase, peak-memory, failures, failed-tests (default: all)")
	cmd.Flags().StringVar(&plots, "plots", "", "folder to draw each series in, as SVG and PNG")
	return cmd
}

func mergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "merge SRC... DEST",
		Short: "Merge histories into one",
		Long: `Add to the history DEST what it lacks of the histories SRC: runs, the rest of runs
that have grown, and decisions. Nothing is rewritten, merging again adds nothing,
and runs of different hosts stay apart. If two histories have different records of
the same trial, both are kept and reported, the second one in a folder of its own.`,
		Example: `  stratbench merge ../other/results/nights results/nights`,
		Args:    takes(2, many, "one or more histories and the one to add them to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := history.Merge(args[len(args)-1], args[:len(args)-1]...)
			reportDamage(cmd, m.Damaged)
			for _, c := range m.Conflicts {
				fmt.Fprintf(cmd.ErrOrStderr(), "different records of the same trial are kept in %s\n", c)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s and %s added, of %s\n",
				filepath.Clean(args[len(args)-1]), report.Counted(m.Records, "record"), report.Counted(m.Decisions, "decision"), report.Counted(m.Runs, "run"))
			return err
		},
	}
}

func baselineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Choose what runs are judged against: accept a change, or start anew",
		Long: `Keep decisions about what runs are judged against in the history itself, with
who made them, when and why. A change that was accepted is no longer reported.`,
		Example: `  stratbench baseline accept 0a1b2c3d --reason "the new node image is worth it"
  stratbench baseline set 20261112-020000-nightly --reason "new disks"
  stratbench baseline show`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(baselineSetCommand(), baselineShowCommand(), baselineAcceptCommand())
	return cmd
}

type decisionFlags struct {
	historyFlags
	reason, who string
}

func (f *decisionFlags) add(cmd *cobra.Command) {
	f.historyFlags.add(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why; kept with the decision")
	cmd.Flags().StringVar(&f.who, "who", "", "who decides (default: git's user, or the system's)")
}

func (f *decisionFlags) open(cmd *cobra.Command) (*history.History, error) {
	if strings.TrimSpace(f.reason) == "" {
		return nil, usage("--reason is missing: give one for those who read the history later")
	}
	if f.who == "" {
		name, _ := exec.CommandContext(cmd.Context(), "git", "config", "user.name").Output()
		f.who = cmp.Or(strings.TrimSpace(string(name)), os.Getenv("USER"))
	}
	return f.historyFlags.open(cmd)
}

// decide keeps a decision, with who made it, why, and about what.
func (f *decisionFlags) decide(h *history.History, b history.Baseline) (history.Baseline, error) {
	b.When, b.Who, b.Reason, b.Experiment, b.Host = time.Now(), f.who, f.reason, f.experiment, f.host
	return h.Decide(b)
}

func baselineSetCommand() *cobra.Command {
	var flags decisionFlags
	cmd := &cobra.Command{
		Use:     "set [RUN] --reason WHY",
		Short:   "Judge later runs against no run before RUN",
		Long:    `Make RUN, or the newest one, the first run that later ones are judged against.`,
		Example: `  stratbench baseline set 20261112 --reason "new disks"`,
		Args:    takes(0, 1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			run, err := h.Find(flags.experiment, flags.host, strings.Join(args, ""))
			if err != nil {
				return exitError{exitUsage, err}
			}
			b, err := flags.decide(h, history.Baseline{Do: history.BaselineSet, RunID: run.RunID, From: run.Environment.Started})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: runs of %s are judged against no run before %s\n", b.ID, b.Experiment, b.RunID)
			return err
		},
	}
	flags.add(cmd)
	return cmd
}

func baselineShowCommand() *cobra.Command {
	var flags historyFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List the decisions",
		Args:  takes(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			return flags.print(cmd, report.Baselines(h.Decisions(flags.experiment, flags.host)))
		},
	}
	flags.add(cmd)
	flags.addOutput(cmd)
	return cmd
}

func baselineAcceptCommand() *cobra.Command {
	var flags decisionFlags
	var pattern history.Pattern
	cmd := &cobra.Command{
		Use:   "accept [ID] --reason WHY",
		Short: "Accept a change, so that it is no longer reported",
		Long: `Accept the change with the ID that stratbench check shows, or all changes of the
named cells and metrics. A series is then compared with no run before its change.`,
		Example: `  stratbench baseline accept 0a1b2c3d --reason "more tests"
  stratbench baseline accept --cell 'runtime=podman*' --metric setup --reason "Podman 5.5"`,
		Args: takes(0, 1, "at most one id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern.ID = strings.Join(args, "")
			if pattern == (history.Pattern{}) {
				return usage("say what to accept: an id that stratbench check shows, --cell or --metric; --cell '*' accepts every change")
			}
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			c := h.Check(flags.experiment, flags.host, float64(flags.threshold))
			meant := slices.DeleteFunc(c.Findings, func(f history.Finding) bool { return !pattern.Matches(f) })
			if len(meant) == 0 {
				return usage("nothing that stratbench check reports now matches, so nothing was accepted; run stratbench check to see the ids")
			}
			for _, f := range meant {
				if _, err := flags.decide(h, history.Baseline{Do: history.BaselineAccept, RunID: f.Since.RunID, From: f.Since.When, Cell: f.Cell, Metric: f.Metric, Finding: f.ID}); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "accepted:", report.FindingText(f))
			}
			return nil
		},
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	cmd.Flags().StringVar(&pattern.Cell, "cell", "", "cells whose changes are accepted, such as 'runtime=podman*'")
	cmd.Flags().StringVar(&pattern.Metric, "metric", "", "metrics whose changes are accepted, such as setup")
	return cmd
}
