package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/study"
)

// templates are the pages that report can make.
var templates = map[string]func(page.Material) (page.Page, error){"report": page.Report, "dd-e2e-001": page.DesignRecord}

func reportCommand() *cobra.Command {
	var dir, out, template, indifference string
	var full, png bool
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "report [RUN|FILE]... [-o DIR]",
		Short: "Recommend a strategy, on one screen or as a page with figures",
		Long: `Say which strategy to use where images must be built and where they are there
already, for local work (least mean time) and for CI (least 90 % quantile with at
most 5 % failures), from runs or files of observations: verdict, effect, interval,
what is ruled out, and what would settle what is open.

With --out, a report is written into a folder: index.html (one page that needs no
network), report.md, its figures as SVG, answer.json (the recommendations) and
analysis.json (every cell). --full adds what is needed to check it: in a page
folded away, without --out below the first screen.

--output benchstat prints a trial a line, for golang.org/x/perf/cmd/benchstat.
The template dd-e2e-001 has the sections of that design record: the measured runs
beside an imported record, each of whose claims is supported, contradicted or
untested.`,
		Example: `  stratbench report latest
  stratbench report trials.csv --output json
  stratbench report latest --full
  stratbench report latest -o report
  stratbench report latest --full --png -o report
  stratbench report latest record.yaml --template dd-e2e-001 -o docs/dd-e2e-001`,
		RunE: func(cmd *cobra.Command, args []string) error {
			within, err := shareOf("--indifference", indifference)
			if err != nil {
				return err
			}
			if out == "" {
				return answerOf(cmd, dir, args, full, output.format, within)
			}
			make, ok := templates[template]
			if !ok {
				return usageError{fmt.Errorf("%q is no template; the templates are report and dd-e2e-001", template)}
			}
			m, err := gatherMaterial(cmd, dir, args, full, within)
			if err != nil {
				return err
			}
			p, err := make(m)
			if err != nil {
				return err
			}
			data := map[string]any{"analysis.json": m.Analysis}
			if p.Answer != nil {
				data["answer.json"] = p.Answer
			}
			if err := p.Write(out, data, png); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(out, "index.html"))
			return err
		},
	}
	addResultsFlag(cmd, &dir)
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder to write a page with figures to")
	output.format, output.benchstat = report.FormatTable, true
	cmd.Flags().Var(&output, "output", "without --out: table, json, csv, markdown or benchstat")
	cmd.Flags().StringVar(&indifference, "indifference", "", "share by which two strategies may differ and be as good as each other, such as 5% (default: that of the run, else 10%)")
	cmd.Flags().BoolVar(&full, "full", false, "add appendices: every decision and cell, phases, provenance, methods")
	cmd.Flags().BoolVar(&png, "png", false, "write each figure as PNG too")
	cmd.Flags().StringVar(&template, "template", "report", "report or dd-e2e-001")
	return cmd
}

// shareOf reads a flag that may be empty.
func shareOf(flag, text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	share, err := trial.ParseShare(text)
	if err != nil {
		return 0, usageError{fmt.Errorf("%s: %w", flag, err)}
	}
	return float64(share), nil
}

// answerOf prints the first screen, and with full the tables below it.
func answerOf(cmd *cobra.Command, dir string, args []string, full bool, format report.Format, indifference float64) error {
	gathered, err := gather(cmd, dir, args)
	if err != nil {
		return err
	}
	if format == report.FormatBenchstat {
		return report.Benchmarks(cmd.OutOrStdout(), gathered)
	}
	a, err := answer.Of(gathered, indifference)
	switch {
	case err == nil && !full:
		return report.Answer(gathered, a).Write(cmd.OutOrStdout(), format)
	case err == nil:
		return report.Full(gathered, gathered.Analyse(), &a).Write(cmd.OutOrStdout(), format)
	case full && errors.Is(err, answer.ErrNothingToChoose):
		return report.Full(gathered, gathered.Analyse(), nil).Write(cmd.OutOrStdout(), format)
	case errors.Is(err, answer.ErrNothingToChoose):
		return usageError{fmt.Errorf("%w; --full shows what there is of its cells", err)}
	}
	return usageError{err}
}

// commandLine is what was typed, without where the program lies.
func commandLine() string {
	return strings.Join(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...), " ")
}

// gatherMaterial reads what a page is made of.
func gatherMaterial(cmd *cobra.Command, dir string, args []string, full bool, indifference float64) (page.Material, error) {
	gathered, err := gather(cmd, dir, args)
	if err != nil {
		return page.Material{}, err
	}
	m := page.Material{Title: reportTitle(gathered), Study: gathered, Analysis: gathered.Analyse(), Full: full, Command: commandLine(), Indifference: indifference}
	a, err := answer.Of(gathered, indifference)
	switch {
	case err == nil:
		m.Answer = &a
	case !errors.Is(err, answer.ErrNothingToChoose) && len(gathered.Trials) > 0:
		return m, err
	}
	return m, nil
}

func reportTitle(s study.Study) string {
	var names []string
	for _, r := range s.Runs {
		names = append(names, r.ID())
	}
	return "Set-up strategies: " + strings.Join(names, ", ")
}
