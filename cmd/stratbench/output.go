package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/report"
)

// outputFlag is --output of every list and table command. A format that does
// not exist is refused with the flags, before any work is done.
type outputFlag struct {
	format report.Format
	// benchstat allows that format too.
	benchstat bool
}

func (o *outputFlag) add(cmd *cobra.Command) {
	o.format = report.FormatTable
	cmd.Flags().VarP(o, "output", "o", "table, json, csv or markdown")
}

// String, Set and Type make a flag of it.
func (o *outputFlag) String() string { return string(o.format) }

func (o *outputFlag) Type() string { return "string" }

func (o *outputFlag) Set(text string) (err error) {
	if o.benchstat && text == string(report.FormatBenchstat) {
		o.format = report.FormatBenchstat
		return nil
	}
	if o.format, err = report.ParseFormat(text); err != nil && o.benchstat {
		err = fmt.Errorf("%w, and here benchstat", err)
	}
	return err
}

func (o *outputFlag) write(cmd *cobra.Command, t report.Table) error {
	return t.Write(cmd.OutOrStdout(), o.format)
}

const defaultResults = "results/data"

// addResultsFlag adds --dir, the folder that holds the runs.
func addResultsFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", defaultResults, "folder that holds the runs")
}
