package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/study"
)

var errNoTrial = errors.New("these runs have no measured trial yet: stratbench ls RUN lists what they recorded")

// gather reads runs, and files of observations, as one study; without names the
// newest run.
func gather(cmd *cobra.Command, dir string, names []string) (study.Study, error) {
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var runs []results.Run
	for _, name := range names {
		if observations.Readable(name) {
			run, err := observations.Read(name)
			if err != nil {
				return study.Study{}, usageError{err}
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			runs = append(runs, run)
			continue
		}
		folders, err := results.Published(name)
		if err != nil {
			return study.Study{}, err
		}
		if len(folders) == 0 {
			folders = []string{name}
		}
		for _, folder := range folders {
			run, err := openRun(cmd, dir, folder)
			if err != nil {
				return study.Study{}, err
			}
			runs = append(runs, run)
		}
	}
	gathered := study.Gather(runs)
	if len(gathered.Trials)+len(gathered.Estimates) == 0 {
		return gathered, usageError{errNoTrial}
	}
	return gathered, nil
}
