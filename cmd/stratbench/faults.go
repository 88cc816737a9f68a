package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

func faultsCommand() *cobra.Command {
	var output outputFlag
	var dir string
	cmd := &cobra.Command{
		Use:   "faults RUN...",
		Short: "Print how injected faults were classified",
		Long: `Print how the faults that were injected into runs were classified: the true
outcome beside the one that was found, how fast it was noticed, and how long
recovery took. make fault-matrix makes such runs.`,
		Example: "  stratbench faults latest --output markdown",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s takes at least one run; see: %s --help", cmd.CommandPath(), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var runs []results.Run
			for _, name := range args {
				run, err := openRun(cmd, dir, name)
				if err != nil {
					return err
				}
				runs = append(runs, run)
			}
			return output.write(cmd, report.Faults(runs))
		},
	}
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	return cmd
}
