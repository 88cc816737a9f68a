package main

import (
	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/report"
)

func explainCommand() *cobra.Command {
	var flags studyFlags
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "explain [RUN|FILE]...",
		Short: "Was it memory or concurrency? Which factors go with failures and time",
		Long: `Say which factors go with failures and with time, by how much, which act
together, and what the trials cannot tell. Exact and penalised methods, valid
with few trials and with levels that never failed.`,
		Example: `  stratbench explain latest
  stratbench explain observations.csv --output markdown`,
		RunE: func(cmd *cobra.Command, args []string) error {
			study, err := flags.gather(cmd, args)
			if err != nil {
				return err
			}
			e, err := study.Explain(true)
			if err != nil {
				return usageError{err}
			}
			return report.Explanation(e).Write(cmd.OutOrStdout(), output.format)
		},
	}
	addResultsFlag(cmd, &flags.dir)
	output.add(cmd)
	return cmd
}
