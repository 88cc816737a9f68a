package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/study"
)

var templates = map[string]func(page.Material) page.Page{"report": page.Report, "dd-e2e-001": page.DesignRecord}

type reportFlags struct {
	shared
	out, template      string
	indifference       trial.Share
	full, png, records bool
}

func reportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [RUN|FILE]... [-o DIR]",
		Short: "Recommend a strategy, on one screen or as a page with figures",
		Long: `Recommend a strategy for images that must be built and for images that are there
already, for local work (lowest mean time) and for CI (lowest 90 % quantile with at
most 5 % failures), from runs or files of observations: verdict, effect, interval,
what is ruled out, and what would settle what is open.

With --out, write a folder: index.html (one page that needs no network), report.md,
figures as SVG, answer.json (the recommendations) and analysis.json (every cell).
--full adds what is needed to check it: folded away in the page, or below the first
screen.

--output benchstat prints a line for each trial, for golang.org/x/perf/cmd/benchstat.
--template dd-e2e-001 writes the design record DD-E2E-001: the measured runs beside
an imported record, with each of its claims supported, contradicted or untested.`,
		Example: `  stratbench report latest
  stratbench report trials.csv --output json
  stratbench report latest --full
  stratbench report latest -o report
  stratbench report latest --full --records -o docs/reports/ours
  stratbench report docs/reports/ours
  stratbench report latest record.yaml --template dd-e2e-001 -o docs/dd-e2e-001`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if f.records {
				if args, err = f.publish(args); err != nil {
					return err
				}
			}
			if f.out == "" && cmd.Flags().Changed("template") {
				return usage("--template is for a page; give its folder with --out")
			}
			if templates[f.template] == nil {
				return usage("there is no template %q; the templates are report and dd-e2e-001", f.template)
			}
			gathered, err := gather(cmd, f.dir, args)
			if err != nil {
				return err
			}
			if f.out == "" && f.format == report.FormatBenchstat {
				return report.Benchmarks(cmd.OutOrStdout(), gathered)
			}
			var a *answer.Answer
			found, none := answer.Of(gathered, float64(f.indifference))
			if none == nil {
				a = &found
			}
			nothingToChoose := errors.Is(none, answer.ErrNothingToChoose)
			switch {
			case f.out == "" && f.full && (a != nil || nothingToChoose):
				return f.print(cmd, page.Full(f.material(cmd, args, gathered, a)))
			case f.out == "" && a != nil:
				return f.print(cmd, report.Answer(gathered, *a))
			case f.out == "" && nothingToChoose:
				return usage("%w; --full shows what was measured", none)
			case f.out == "":
				return exitError{exitUsage, none}
			case none != nil && !nothingToChoose && len(gathered.Trials) > 0:
				return none
			}
			m := f.material(cmd, args, gathered, a)
			p := templates[f.template](m)
			data := map[string]any{"analysis.json": m.Analysis}
			if p.Answer != nil {
				data["answer.json"] = p.Answer
			}
			if err := p.Write(f.out, data, f.png); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(f.out, "index.html"))
			return err
		},
	}
	f.addDir(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "folder to write a page with figures to")
	f.format = report.FormatTable
	parsed(cmd, &f.format, "output", "", "without --out, `format`: table (default), json, csv, markdown or benchstat", func(text string) (report.Format, error) {
		format, err := report.ParseFormat(text)
		if err != nil && text != string(report.FormatBenchstat) {
			return "", fmt.Errorf("%w, and here benchstat", err)
		}
		return cmp.Or(format, report.FormatBenchstat), nil
	})
	parsed(cmd, &f.indifference, "indifference", "", "`share` by which two strategies may differ and still count as equally good, such as 5% (default: that of the run, else 10%)", trial.ParseShare)
	flags.BoolVar(&f.full, "full", false, "add appendices: every decision and cell, phases, time limits, methods")
	flags.BoolVar(&f.records, "records", false, "publish the runs' records in the folder too, compressed and with checksums; report FOLDER makes the same page from them")
	flags.BoolVar(&f.png, "png", false, "write each figure as PNG too")
	flags.StringVar(&f.template, "template", "report", "report or dd-e2e-001")
	return cmd
}

// publish publishes the named runs in the folder of the report, and returns what
// the report is then made of.
func (f *reportFlags) publish(names []string) ([]string, error) {
	if f.out == "" {
		return nil, usage("--records publishes records beside a page; give its folder with --out")
	}
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var folders []string
	for _, name := range names {
		folder, err := results.Find(f.dir, name)
		if err != nil {
			return nil, usage("--records publishes runs: %w", err)
		}
		folders = append(folders, folder)
	}
	return []string{f.out}, results.Publish(f.out, folders)
}

// material is what the report is made of. Its command makes the page again, wherever
// it is written to.
func (f *reportFlags) material(cmd *cobra.Command, args []string, s study.Study, a *answer.Answer) page.Material {
	m := page.Material{Study: s, Analysis: s.Analyse(), Answer: a, Full: f.full, Indifference: float64(f.indifference)}
	var runs []string
	for _, r := range m.Study.Runs {
		runs = append(runs, r.ID())
	}
	m.Title = "Set-up strategies: " + strings.Join(runs, ", ")
	words := append([]string{"stratbench", "report"}, args...)
	for _, flag := range [][]string{{"--dir", f.dir}, {"--full"}, {"--indifference", fmt.Sprint(f.indifference)}, {"--template", f.template}} {
		if name := flag[0][2:]; cmd.Flags().Changed(name) && !(f.records && name == "dir") {
			words = append(words, flag...)
		}
	}
	m.Command = strings.Join(words, " ")
	return m
}
