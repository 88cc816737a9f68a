package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/confirm"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
)

func confirmCommand() *cobra.Command {
	var o confirm.Options
	var output outputFlag
	var good string
	var kind machine.Kind
	var metrics []string
	cmd := &cobra.Command{
		Use:   "confirm --good RUN SPEC",
		Short: "Run the last good state beside the present one, and say whether it is worse",
		Long: `Build the last good state of an experiment again, from the git revision that
its run recorded, and run it beside the present one: both states of each cell
in each block, in random order. What differs then is the state's doing and not
the night's. A kernel or a host cannot be undone; what of that changed is told.

Nothing of the repository is changed. What git ignores and the workload needs,
--prepare makes in the copy of the revision.

` + exitCodeTable(ofJudges),
		Example: `  stratbench confirm --good 20260102-030405-nightly experiments/nightly.yaml \
    --cell runtime=podman,strategy=parallel --metric setup \
    --prepare 'make -C experiments/workload vendor e2e'`,
		Args: exactly(1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if good == "" {
				return usageError{errors.New("--good is missing: name the last good run; stratbench ls lists the runs")}
			}
			dir, err := results.Find(o.Root, good)
			if err != nil {
				return usageError{err}
			}
			if o.Good, err = results.ReadRun(dir); err != nil {
				return err
			}
			if o.Present, err = spec.Load(args[0]); err != nil {
				return err
			}
			for _, name := range metrics {
				m, err := study.ParseMetric(name)
				if err != nil {
					return usageError{err}
				}
				o.Metrics = append(o.Metrics, m)
			}
			o.Machine = kind
			return confirmAndPrint(cmd, o, &output)
		},
	}
	output.add(cmd)
	addResultsFlag(cmd, &o.Root)
	flags := cmd.Flags()
	flags.StringVar(&good, "good", "", "the last good run: its name, the beginning of one, or its folder")
	flags.StringArrayVar(&o.Cells, "cell", nil, "FACTOR=LEVEL,FACTOR=LEVEL of cells to compare; may be given again (default: all)")
	flags.StringSliceVar(&metrics, "metric", nil, "what decides: setup, a phase, peak-memory, failures or failed-tests (default: all)")
	flags.IntVar(&o.Blocks, "blocks", 0, "blocks to run (default: one more than the comparisons need)")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed of the order (default: drawn)")
	flags.StringVar(&o.Prepare, "prepare", "", "shell command that makes, in the copy of the revision, what git does not have")
	flags.DurationVar(&o.Budget, "budget", 0, "run as many whole blocks as fit in this time, such as 1h")
	flags.BoolVar(&o.AsFound, "as-found", false, "where engines of the user's run: only those, with the memory they have")
	addMachineFlag(cmd, &kind)
	return cmd
}

// confirmAndPrint runs both states, prints the table, and answers with the
// exit code.
func confirmAndPrint(cmd *cobra.Command, o confirm.Options, output *outputFlag) error {
	show := newProgress(cmd.ErrOrStderr())
	o.Report = show.update
	r, err := confirm.Run(cmd.Context(), o)
	show.close()
	var cells *confirm.CellError
	switch {
	case errors.As(err, &cells) || errors.Is(err, results.ErrInUse):
		return usageError{err}
	case errors.Is(err, confirm.ErrNotBuilt) && !errors.Is(err, context.Canceled):
		return exitError{exitInconclusive, err}
	case err != nil:
		return err
	}
	table := report.Worsening(r.Run, r.Worsening)
	for _, engine := range r.Engines {
		table.Notes = append(table.Notes, "The last good run's engine is not to be had any more: "+engine+", in both states.")
	}
	if err := output.write(cmd, table); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "\nResults: %s\n", r.Run.Dir)
	return confirmed(r.Worsening)
}

// confirmed is the exit code of a verdict.
func confirmed(w answer.Worsening) error {
	switch w.Verdict {
	case answer.Confirmed:
		return exitError{exitWorse, errors.New("confirmed: the present state is worse than the last good one")}
	case answer.TooFew:
		return exitError{exitInconclusive, fmt.Errorf("inconclusive: these comparisons need %d measured blocks of both states; give more --blocks, or fewer cells and metrics", w.Blocks)}
	}
	return nil
}
