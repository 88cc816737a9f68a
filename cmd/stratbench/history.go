package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

const defaultHistory = "results/nights"

// historyFlags say which history is meant, and what of it.
type historyFlags struct {
	dir, results, experiment, host, threshold string
}

func (f *historyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "history", defaultHistory, "folder that holds the history")
	flags.StringVar(&f.results, "dir", defaultResults, "folder that holds the runs, also as --results")
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
	cmd.Flags().StringVar(&f.threshold, "threshold", "5%", "the smallest change of a time or of memory that is reported")
}

// open reads the history, adds the runs that it lacks, and settles which
// experiment and host are meant.
func (f *historyFlags) open(cmd *cobra.Command) (*history.History, error) {
	// Years of nights are decoded at once: collecting twice as often keeps five
	// of them under 200 MiB, also on a host whose busy processors give the
	// collector little time. What needs more gets it, and takes longer.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(150 << 20)
	h, err := history.Read(f.dir, time.Now())
	if err != nil {
		return nil, err
	}
	tellFaults(cmd, h)
	if f.experiment == "" {
		if f.experiment, err = h.Newest(f.results); err != nil {
			return nil, err
		}
	}
	if err := f.update(cmd, h); err != nil {
		return nil, err
	}
	if hosts := h.Hosts(f.experiment); f.host == "" && len(hosts) > 0 {
		f.host = hosts[len(hosts)-1]
	}
	return h, nil
}

// update adds to the history what the folder of runs has and it lacks.
func (f *historyFlags) update(cmd *cobra.Command, h *history.History) error {
	added, told, err := h.Update(f.results, f.experiment)
	for _, t := range told {
		fmt.Fprintln(cmd.ErrOrStderr(), t)
	}
	tellAdded(cmd, added)
	return err
}

func tellAdded(cmd *cobra.Command, added []history.Added) {
	for i, a := range added {
		if i == mostTold {
			fmt.Fprintf(cmd.ErrOrStderr(), "and %d more runs\n", len(added)-mostTold)
			return
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "added to the history: %s, %d records\n", a.Dir, a.Records)
	}
}

// mostTold are told one by one.
const mostTold = 10

func tellFaults(cmd *cobra.Command, h *history.History) {
	told := 0
	for i := 0; i < len(h.Faults); told++ {
		if told == mostTold {
			fmt.Fprintf(cmd.ErrOrStderr(), "and %d more faults of the history\n", len(h.Faults)-i)
			return
		}
		same := alike(h.Faults[i:])
		if fmt.Fprint(cmd.ErrOrStderr(), h.Faults[i]); same > 1 {
			fmt.Fprintf(cmd.ErrOrStderr(), " (and %d lines after it)", same-1)
		}
		fmt.Fprintln(cmd.ErrOrStderr())
		i += same
	}
}

// alike is how many of the faults, from the first on, are the same one of a
// file: those of a run that cannot be used are as many as it has lines.
func alike(faults []results.Fault) int {
	n := 1
	for n < len(faults) && faults[n].File == faults[0].File && faults[n].Message == faults[0].Message {
		n++
	}
	return n
}

// options are the detector's, with the threshold that was asked for.
func (f *historyFlags) options() (detect.Options, error) {
	o := detect.Default
	share, err := trial.ParseShare(f.threshold)
	if err != nil {
		return o, usageError{fmt.Errorf("--threshold: %w", err)}
	}
	o.Threshold = float64(share)
	return o, nil
}

func historyCommand() *cobra.Command {
	var flags historyFlags
	var output outputFlag
	var plots string
	var series history.Pattern
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show each series of an experiment, and when and why it changed",
		Long: `Show the series of an experiment on a host: set-up time, phases, peak memory,
failures and failed tests of each cell, night by night, cut where they changed.
Beside each change stands what else changed then: engine, kernel, Kind, node
image, settings, what images are built from.

Runs in the folder of runs that the history lacks are added to it first. Runs
of different hosts are never in one series.`,
		Example: `  stratbench history
  stratbench history --metric setup --cell 'runtime=podman*' --plots plots
  stratbench history --output csv > nights.csv`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := flags.options()
			if err != nil {
				return err
			}
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			if len(h.Runs) == 0 {
				return usageError{fmt.Errorf("no run is in %s or %s; make one with: stratbench run experiments/nightly.yaml", flags.dir, flags.results)}
			}
			review, err := h.Review(flags.experiment, flags.host, series, o)
			if err != nil {
				return err
			}
			if plots != "" {
				if err := writePlots(plots, review); err != nil {
					return err
				}
			}
			return report.Review(review).Write(cmd.OutOrStdout(), output.format)
		},
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	output.add(cmd)
	cmd.Flags().StringVar(&series.Cell, "cell", "", "cells to show, such as 'runtime=podman*' (default: all)")
	cmd.Flags().StringVar(&series.Metric, "metric", "", "metrics to show: setup, a phase, peak-memory, failures, failed-tests (default: all)")
	cmd.Flags().StringVar(&plots, "plots", "", "folder to draw each series in, as SVG and PNG")
	return cmd
}

func writePlots(dir string, r history.Review) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating the folder of the plots: %w", err)
	}
	for _, f := range plot.Histories(r) {
		if err := f.WriteFiles(dir, true); err != nil {
			return err
		}
	}
	return nil
}

func mergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "merge SRC... DEST",
		Short: "Merge histories into one",
		Long: `Add to the history DEST what the histories SRC have and it has not: runs, the
rest of runs that have grown, and decisions. Nothing is ever rewritten, merging
again adds nothing, and runs of different hosts stay apart. Where two histories
have different records of the same trial both are kept, the second one in a folder
of its own, and reported.

Nights in the format of before, a file each, are read as they are; merged, they
are converted. The files themselves stay where they are.`,
		Example: `  stratbench merge ../other/results/history results/history`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{errors.New("merge takes one or more histories and the one to add them to; see: stratbench merge --help")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := history.Merge(args[len(args)-1], args[:len(args)-1]...)
			for _, f := range m.Faults {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s (left where it is)\n", f)
			}
			for _, c := range m.Conflicts {
				fmt.Fprintf(cmd.ErrOrStderr(), "different records of the same are kept in %s\n", c)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d records and %d decisions added; of %d runs %d are new, %d have grown, %d were there\n",
				filepath.Clean(args[len(args)-1]), m.Records, m.Decisions, m.Runs, m.New, m.Grown, m.Same)
			return err
		},
	}
}
