package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/observations"
)

// gather reads runs, and files of observations, as one study; without names the
// newest run.
func gather(cmd *cobra.Command, dir string, names []string) (analyse.Study, error) {
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var runs []results.Run
	for _, name := range names {
		if observations.Readable(name) {
			run, err := observations.Read(name)
			if err != nil {
				return analyse.Study{}, usageError{err}
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			runs = append(runs, run)
			continue
		}
		run, err := openRun(cmd, dir, name)
		if err != nil {
			return analyse.Study{}, err
		}
		runs = append(runs, run)
	}
	study := analyse.Gather(runs)
	if len(study.Trials)+len(study.Estimates) == 0 {
		return study, usageError{errors.New("these runs have no measured trial yet: stratbench ls RUN lists what they recorded")}
	}
	return study, nil
}
