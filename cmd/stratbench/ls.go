package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

func lsCommand() *cobra.Command {
	var output outputFlag
	var dir string
	cmd := &cobra.Command{
		Use:   "ls [RUN]",
		Short: "List the runs, or the trials of one",
		Long: `List the runs that were recorded or, with RUN, the trials of one. RUN is a
run's name, the beginning of one, its folder, or "latest".`,
		Example: `  stratbench ls
  stratbench ls latest
  stratbench ls latest --output csv`,
		Args: atMost(1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				run, err := openRun(cmd, dir, args[0])
				if err != nil {
					return err
				}
				return output.write(cmd, report.Trials(run))
			}
			runs, err := readRuns(cmd, dir)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "no run is recorded in %s; make one with: stratbench run experiments/quick.yaml\n", dir)
			}
			return output.write(cmd, report.Runs(runs))
		},
	}
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	return cmd
}

// mostFaults is how many faults of a run are told one by one: when all its lines
// are of another version, one says as much as a thousand.
const mostFaults = 20

// openRun reads a run and tells of what in it could not be read.
func openRun(cmd *cobra.Command, dir, name string) (results.Run, error) {
	folder, err := results.Find(dir, name)
	if err != nil {
		return results.Run{}, usageError{err}
	}
	run, err := results.ReadRun(folder)
	for i, f := range run.Faults {
		if i == mostFaults {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d more faults\n", run.Dir, len(run.Faults)-i)
			break
		}
		fmt.Fprintln(cmd.ErrOrStderr(), f)
	}
	return run, err
}

func readRuns(cmd *cobra.Command, dir string) ([]results.Run, error) {
	folders, err := results.Runs(dir)
	if err != nil {
		return nil, err
	}
	var runs []results.Run
	for _, f := range folders {
		run, err := openRun(cmd, dir, f)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			continue
		}
		runs = append(runs, run)
	}
	return runs, nil
}
