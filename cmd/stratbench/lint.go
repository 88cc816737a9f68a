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
	var dir string
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "lint DOC.md [RUN|FILE]...",
		Short: "Hold the figures that a document states against records",
		Long: `Find what a Markdown document states of set-ups in figures, such as "parallel
takes 17 minutes", "registry is twice as fast as serial", "fails in 5 % of runs"
or "3 parallel builds crash at 7 GB", and hold each against the trials of runs, or
of files of observations: supported, contradicted or untested, with its line and
column and the measured figure. Without a run, the newest one.

A figure that cannot be mapped onto the records is untested, and why is said. A
file of observations in the place of the document is an imported record: its
stated confidences and times are its claims.

` + exitCodeTable(ofJudges) + `
Contradicted claims are 10, untested ones 11; no measured trial is 12.
`,
		Example: `  stratbench lint README.md latest
  stratbench lint docs/e2e.md trials.csv --output json`,
		Args: atLeastOne("a document, and runs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			gathered, err := gather(cmd, dir, args[1:])
			if errors.Is(err, errNoTrial) || err == nil && len(gathered.Trials) == 0 {
				return exitError{exitNoData, fmt.Errorf("no data: %w", errNoTrial)}
			}
			if err != nil {
				return err
			}
			stated, err := claimsOf(args[0], gathered)
			if err != nil {
				return usageError{err}
			}
			found := []claims.Finding{}
			for _, c := range stated {
				found = append(found, claims.Judge(gathered, c))
			}
			if err := output.write(cmd, report.ClaimsTable(found)); err != nil {
				return err
			}
			return linted(args[0], found)
		},
	}
	addResultsFlag(cmd, &dir)
	output.add(cmd)
	return cmd
}

// claimsOf are the claims of a Markdown text, or of an imported record.
func claimsOf(name string, s study.Study) ([]claims.Claim, error) {
	if observations.Readable(name) {
		record, err := observations.Read(name)
		return claims.OfRecord(study.Gather([]results.Run{record})), err
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return claims.OfMarkdown(source, s), nil
}

// linted is the exit code of what was found.
func linted(name string, found []claims.Finding) error {
	counts := map[claims.Verdict]int{}
	for _, f := range found {
		counts[f.Verdict]++
	}
	switch {
	case counts[claims.Contradicted] > 0:
		return exitError{exitWorse, fmt.Errorf("%s: %d of %d claims are contradicted by the records", name, counts[claims.Contradicted], len(found))}
	case counts[claims.Untested] > 0:
		return exitError{exitInconclusive, fmt.Errorf("%s: %d of %d claims are untested", name, counts[claims.Untested], len(found))}
	}
	return nil
}
