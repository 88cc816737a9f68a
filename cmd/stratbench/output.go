package main

import (
	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/report"
)

// outputFlag is --output of every list and table command.
type outputFlag struct{ format string }

func (o *outputFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", string(report.FormatTable), "table, json, csv or markdown")
}

func (o *outputFlag) write(cmd *cobra.Command, t report.Table) error {
	f, err := report.ParseFormat(o.format)
	if err != nil {
		return usageError{err}
	}
	return t.Write(cmd.OutOrStdout(), f)
}

const defaultResults = "results/data"

// addResultsFlag adds --dir, the folder that holds the runs.
func addResultsFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", defaultResults, "folder that holds the runs")
}
