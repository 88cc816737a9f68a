package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/observations"
)

func importCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read past observations into a run of records marked imported",
		Long: `Read observations that stratbench did not make into a run's folder.

A CSV file has a header: a column per factor, and of these columns those that
are known: trial (its name), kind (trial, warm-up, injected-fault, reference,
preparation; only trials enter figures), block, outcome (the only one required),
phase, timed_out, setup_seconds, lost_seconds (until a failure was noticed),
recovery_seconds, elapsed_seconds, tests_passed, tests_failed,
peak_memory_bytes, estimate, simulated, message. That is what ls RUN --output csv
writes. A YAML file has trials of the same kind under "trials". What is marked
as an estimate is never analysed as measured.`,
		Example: `  stratbench import observations.csv
  stratbench import observations.yaml && stratbench report latest`,
		Args: exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !observations.Readable(args[0]) {
				return usageError{fmt.Errorf("%s is neither a .csv nor a .yaml file", args[0])}
			}
			folder, run, err := importFile(dir, args[0])
			if err != nil {
				return err
			}
			for _, c := range run.Import.Contradictions {
				fmt.Fprintln(cmd.ErrOrStderr(), "contradiction:", c)
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d observations imported; see: stratbench report %s\n", len(run.Records), filepath.Base(folder))
			fmt.Fprintln(cmd.OutOrStdout(), folder)
			return nil
		},
	}
	addResultsFlag(cmd, &dir)
	return cmd
}

func importFile(dir, name string) (folder string, run results.Run, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", run, usageError{err}
	}
	if run, err = observations.Parse(filepath.Base(name), text); err != nil {
		return "", run, usageError{err}
	}
	now := time.Now()
	base := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	folder = filepath.Join(dir, now.UTC().Format("20060102-150405")+"-"+base)
	run.Dir = folder
	run.Environment.RunID, run.Environment.Started = run.ID(), now
	return folder, run, writeImported(run, filepath.Ext(name), text)
}

func writeImported(run results.Run, extension string, source []byte) error {
	if _, err := os.Stat(run.Dir); err == nil {
		return usageError{fmt.Errorf("%s exists already; wait a second and try again", run.Dir)}
	}
	j, err := results.OpenJournal(run.Dir)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := j.WriteFileOnce("source"+extension, source); err != nil {
		return err
	}
	if err := j.WriteOnce(results.ImportFile, run.Import); err != nil {
		return err
	}
	if err := j.WriteOnce(results.PlanFile, run.Plan); err != nil {
		return err
	}
	for i := range run.Records {
		run.Records[i].RunID = run.ID()
	}
	if err := j.Append(run.Records...); err != nil {
		return err
	}
	// Last: a folder without an environment is no run.
	return j.WriteOnce(results.EnvironmentFile, run.Environment)
}
