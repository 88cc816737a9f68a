package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func lintCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use:   "lint DOC.md [RUN|FILE]...",
		Short: "Compare the figures that a document states with records",
		Long: `Find the figures of set-ups that a Markdown document states, such as "parallel
takes 17 minutes", "registry is twice as fast as serial", "fails in 5 % of runs"
or "3 parallel builds crash at 7 GB", and compare each with the trials of runs, or
of files of observations: supported, contradicted or untested, with its line and
column and the measured figure. Without a run, the newest one is used.

A figure that the records cannot confirm or contradict is untested, and the reason is
given. A maximum is untested too, because means are compared. A figure in a table is
about the levels that its row names. If a file of observations is given instead of the
document, its stated confidences and times are the claims.

` + exitCodeTable("lint") + `
Here: 10 if a claim is contradicted, else 11 if one is untested; 12 without trials.
`,
		Example: `  stratbench lint README.md latest
  stratbench lint docs/e2e.md trials.csv --output json`,
		Args: takes(1, many, "a document, and runs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			gathered, err := gather(cmd, f.dir, args[1:])
			if errors.Is(err, errNoTrial) || err == nil && len(gathered.Trials) == 0 {
				return exitError{exitNoData, fmt.Errorf("no data: %w", errNoTrial)}
			}
			if err != nil {
				return err
			}
			var stated []claims.Claim
			if observations.Readable(args[0]) {
				record, err := observations.Read(args[0])
				if err != nil {
					return exitError{exitUsage, err}
				}
				stated = claims.OfRecord(study.Gather([]results.Run{record}))
			} else {
				document, err := os.ReadFile(args[0])
				if err != nil {
					return usage("reading the document: %w", err)
				}
				stated = claims.OfMarkdown(document, gathered)
			}
			found, counts := []claims.Finding{}, map[claims.Verdict]int{}
			for _, c := range stated {
				finding := claims.Judge(gathered, c)
				found = append(found, finding)
				counts[finding.Verdict]++
			}
			table := report.ClaimsTable(found)
			if len(found) == 0 {
				table.Lead, table.Notes = []string{args[0] + ": no quantitative claim was found."}, nil
			}
			if err := f.print(cmd, table); err != nil {
				return err
			}
			switch {
			case counts[claims.Contradicted] > 0:
				return exitError{exitWorse, fmt.Errorf("%s: %d of %d claims are contradicted by the records", args[0], counts[claims.Contradicted], len(found))}
			case counts[claims.Untested] > 0:
				return exitError{exitInconclusive, fmt.Errorf("%s: %d of %d claims are untested", args[0], counts[claims.Untested], len(found))}
			}
			return nil
		},
	})
}
