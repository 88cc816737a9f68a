package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
)

// templates are the pages that report can make.
var templates = map[string]func(page.Material) page.Page{"report": page.Report, "dd-e2e-001": page.DesignRecord}

func reportCommand() *cobra.Command {
	var flags studyFlags
	var out, template, power string
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "report [RUN|FILE]... [-o DIR]",
		Short: "Recommend a strategy, on one screen or as a page with figures",
		Long: `Say which strategy to use where images must be built and where they are there
already, for local work (least mean time) and for CI (least 90 % quantile with at
most 5 % failures), from runs or files of observations: verdict, effect, interval,
what is ruled out, and what would settle what is open.

With --out, a report is written into a folder: index.html (one page that needs no
network), report.md, analysis.json, and each figure as SVG and PNG. The template
dd-e2e-001 has the sections of that design record.`,
		Example: `  stratbench report latest
  stratbench report trials.csv --output json
  stratbench report latest -o report
  stratbench report latest --power=5%:40% -o report
  stratbench report latest --template dd-e2e-001 -o docs/dd-e2e-001`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return answerOf(cmd, &flags, args, output.format)
			}
			make, ok := templates[template]
			if !ok {
				return usageError{fmt.Errorf("%q is no template; the templates are report and dd-e2e-001", template)}
			}
			m, err := gatherMaterial(cmd, &flags, args)
			if err != nil {
				return err
			}
			m.Command = commandLine()
			if power != "" {
				if m.Power, err = powerAt(m.Study, power); err != nil {
					return err
				}
			}
			if err := make(m).Write(out, m.Analysis); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(out, "index.html"))
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder to write a page with figures to")
	output.format = report.FormatTable
	cmd.Flags().Var(&output, "output", "without --out: table, json, csv or markdown")
	cmd.Flags().StringVar(&power, "power", "", "also say how many replicates it takes to tell these failure rates apart, LOW:HIGH")
	cmd.Flags().Lookup("power").NoOptDefVal = usualPower
	cmd.Flags().StringVar(&template, "template", "report", "report or dd-e2e-001")
	return cmd
}

// answerOf prints the first screen.
func answerOf(cmd *cobra.Command, flags *studyFlags, args []string, format report.Format) error {
	study, err := flags.gather(cmd, args)
	if err != nil {
		return err
	}
	a, err := answer.Of(study)
	if err != nil {
		return usageError{err}
	}
	return report.Answer(a).Write(cmd.OutOrStdout(), format)
}

// usualPower is the question of report --power without a value.
const usualPower = "2%:50%"

// powerAt is the power curve at the noise of a study's trials.
func powerAt(s analyse.Study, rates string) (*analyse.PowerCurve, error) {
	low, high, _ := strings.Cut(rates, ":")
	q := analyse.PowerQuestion{Ratio: usualRatio, Comparisons: comparisons(s.Factors), Simulated: s.Simulated()}
	var errLow, errHigh error
	q.Low, errLow = share(low)
	q.High, errHigh = share(high)
	if err := errors.Join(errLow, errHigh); err != nil {
		return nil, usageError{fmt.Errorf("--power=%s: %w", rates, err)}
	}
	q.Spread, q.SpreadSeen = s.Spread()
	c, err := analyse.Power(q)
	if err != nil {
		return nil, usageError{err}
	}
	return &c, nil
}

// commandLine is what was typed, without where the program lies.
func commandLine() string {
	return strings.Join(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...), " ")
}

func gatherMaterial(cmd *cobra.Command, flags *studyFlags, args []string) (page.Material, error) {
	study, a, err := flags.analyse(cmd, args)
	if err != nil {
		return page.Material{}, err
	}
	m := page.Material{Title: reportTitle(study), Study: study, Analysis: a}
	for _, environment := range []string{"local", "ci"} {
		p, err := analyse.EnvironmentPriorities(environment)
		if err != nil {
			return m, err
		}
		if d, err := study.Decide(p); err == nil {
			m.Decisions = append(m.Decisions, d)
		}
	}
	// Without a measured trial there is nothing to explain, and the page says so.
	m.Explanation, _ = study.Explain(false)
	return m, nil
}

func reportTitle(s analyse.Study) string {
	var names []string
	for _, r := range s.Runs {
		names = append(names, r.ID())
	}
	return "Set-up strategies: " + strings.Join(names, ", ")
}
