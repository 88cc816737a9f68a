package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/outcomes/triage"
	"github.com/stratbench/stratbench/results"
)

func triageCommand() *cobra.Command {
	var output outputFlag
	var dir string
	cmd := &cobra.Command{
		Use:   "triage TRIAL",
		Short: "Say why a trial ended as it did: cause, what next, evidence, timeline",
		Long: `Say why a trial ended as it did: the likely cause, what to try next, what
speaks against it, a table of evidence, and a timeline with the silent stretches
marked. TRIAL is a trial's name in the newest run (t003), or of a run's
(RUN/t003).`,
		Example: `  stratbench triage t003
  stratbench triage 20260102-030405-quick/t003 --output markdown > crash.md`,
		Args: exactly(1, "one trial"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, record, err := openTrial(cmd, dir, args[0])
			if err != nil {
				return err
			}
			if record.Kind == results.KindReference {
				return usageError{fmt.Errorf("%s is the reference workload and no trial; stratbench ls %s lists the trials", record.Trial.ID, run.ID())}
			}
			return triage.Of(run.ID(), record).Write(cmd.OutOrStdout(), output.format)
		},
	}
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	return cmd
}
