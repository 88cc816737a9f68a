package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

func showCommand() *cobra.Command {
	var output outputFlag
	var dir, trace string
	cmd := &cobra.Command{
		Use:   "show TRIAL",
		Short: "Show one trial: outcome, phases, images, tests, where its log is",
		Long: `Show one trial. TRIAL is a trial's name in the newest run (t003), or of a
run's (RUN/t003).`,
		Example: `  stratbench show t003
  stratbench show 20260102-030405-quick/t003 --output json
  stratbench show t003 --trace t003.json`,
		Args: exactly(1, "one trial"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, record, err := openTrial(cmd, dir, args[0])
			if err != nil {
				return err
			}
			if trace != "" {
				return writeTrace(trace, record)
			}
			return output.write(cmd, report.Trial(run, record))
		},
	}
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	cmd.Flags().StringVar(&trace, "trace", "", "write the trial to this file instead, as a trace that ui.perfetto.dev opens")
	return cmd
}

func writeTrace(name string, record results.Record) error {
	f, err := os.Create(name)
	if err != nil {
		return usageError{err}
	}
	return errors.Join(report.Trace(f, record), f.Close())
}

func openTrial(cmd *cobra.Command, dir, name string) (results.Run, results.Record, error) {
	runName, id := "", name
	if i := strings.LastIndex(name, "/"); i >= 0 {
		runName, id = name[:i], name[i+1:]
	}
	run, err := openRun(cmd, dir, runName)
	if err != nil {
		return run, results.Record{}, err
	}
	record, found := run.Find(id)
	if !found {
		return run, record, usageError{fmt.Errorf("run %s has recorded no trial %q; stratbench ls %s lists them", run.ID(), id, run.ID())}
	}
	return run, record, nil
}
