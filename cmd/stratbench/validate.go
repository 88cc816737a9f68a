package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/history"
)

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate SPEC...",
		Short:   "Report every fault of a spec, each with file, line and column",
		Example: `  stratbench validate experiments/*.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s takes at least one spec", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			all := &issue.List{}
			for _, file := range args {
				spec, err := experiments.Load(file)
				if issues, ok := err.(*issue.List); ok {
					all.List = append(all.List, issues.List...)
					continue
				}
				if err != nil {
					return err
				}
				p := plan.Make(spec, 0)
				fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %d cells, %d blocks, %d trials\n", file, len(p.Cells), p.Blocks, len(p.Trials))
			}
			if len(all.List) > 0 {
				return all
			}
			return nil
		},
	}
}

func schemaCommand() *cobra.Command {
	var workload, analysis, check, review bool
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of a spec, for an editor",
		Example: "  stratbench schema > stratbench.schema.json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := experiments.Schema()
			if workload {
				text = experiments.WorkloadSchema()
			}
			if analysis {
				text = analyse.JSONSchema()
			}
			if check {
				text = history.CheckJSONSchema()
			}
			if review {
				text = history.ReviewJSONSchema()
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&workload, "workload", false, "the schema of a workload's file instead")
	cmd.Flags().BoolVar(&analysis, "analysis", false, "the schema of what analyze --output json writes instead")
	cmd.Flags().BoolVar(&check, "check", false, "the schema of what check --output json writes instead")
	cmd.Flags().BoolVar(&review, "history", false, "the schema of what history --output json writes instead")
	return cmd
}
