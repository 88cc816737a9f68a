package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/study"
)

// templates are the pages that report can make.
var templates = map[string]func(page.Material) (page.Page, error){"report": page.Report, "dd-e2e-001": page.DesignRecord}

func reportCommand() *cobra.Command {
	var dir, out, template, indifference string
	var full, png, records bool
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
  stratbench report latest --full --records -o docs/reports/ours
  stratbench report docs/reports/ours
  stratbench report latest record.yaml --template dd-e2e-001 -o docs/dd-e2e-001`,
		RunE: func(cmd *cobra.Command, args []string) error {
			within, err := shareOf("--indifference", indifference)
			if err != nil {
				return err
			}
			if records {
				if args, err = published(dir, args, out); err != nil {
					return err
				}
			}
			if out == "" {
				if cmd.Flags().Changed("template") {
					return usageError{errors.New("--template is of a page: give its folder with --out")}
				}
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
			m.Command = madeWith(cmd, args)
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
	cmd.Flags().BoolVar(&records, "records", false, "publish the runs' records in the folder too, compressed and with checksums: report FOLDER then makes the same page of them")
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

// published publishes the named runs in the folder of a report, and returns what
// the report is then made of.
func published(dir string, names []string, out string) ([]string, error) {
	if out == "" {
		return nil, usageError{errors.New("--records publishes records beside a page: give its folder with --out")}
	}
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var folders []string
	for _, name := range names {
		folder, err := results.Find(dir, name)
		if err != nil {
			return nil, usageError{fmt.Errorf("--records is of runs: %w", err)}
		}
		folders = append(folders, folder)
	}
	return []string{out}, results.Publish(out, folders)
}

// madeWith is the command that makes a page again, wherever it is written to.
func madeWith(cmd *cobra.Command, args []string) string {
	words := append([]string{"stratbench", "report"}, args...)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "out", "records", "png":
		case "dir":
			if !cmd.Flags().Changed("records") {
				words = append(words, "--dir", f.Value.String())
			}
		case "full":
			words = append(words, "--full")
		default:
			words = append(words, "--"+f.Name, f.Value.String())
		}
	})
	return strings.Join(words, " ")
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
	m := page.Material{Title: reportTitle(gathered), Study: gathered, Analysis: gathered.Analyse(), Full: full, Indifference: indifference}
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
