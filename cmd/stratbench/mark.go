package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

func markCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mark PHASE start|end",
		Short: "Tell, inside a set-up command, that a phase begins or ends",
		Long: `Tell that a phase begins or ends: cluster, build, load, deploy or test. It is for
the set-up command of a workload (setup.command), while a trial runs it; at any
other time it does nothing, so that the command may call it always. A shell that
wants no process for it appends a line: echo build start >>"$` + pipeline.MarksVariable + `"`,
		Example: `  stratbench mark build start
  stratbench mark build end`,
		Args: exactly(2, "a phase, and start or end"),
		RunE: func(_ *cobra.Command, args []string) error {
			phase := trial.Phase(args[0])
			if !slices.Contains(trial.Phases(), phase) {
				return usageError{fmt.Errorf("%q is no phase; the phases are cluster, build, load, deploy and test", args[0])}
			}
			if args[1] != "start" && args[1] != "end" {
				return usageError{fmt.Errorf("%q is no end of a phase; write start or end", args[1])}
			}
			file := os.Getenv(pipeline.MarksVariable)
			if file == "" {
				return nil
			}
			return pipeline.WriteMark(file, phase, args[1])
		},
	}
}
