package main

import (
	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/run"
)

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    run.WorkerCommand,
		Short:  "Run one trial's pipeline; started by run",
		Hidden: true,
		Args:   exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return run.Work(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
