package page

import (
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

// DesignRecord is the sections of DD-E2E-001, each sentence made from data.
func DesignRecord(m Material) Page {
	figures := plot.All(m.Study, m.Analysis)
	p := Page{Title: m.Title, Lead: lead(m)}
	limits := slices.Concat(report.Doubts(m.Analysis), report.Beforehand(m.Study), untold(m))
	p.add(Section{Title: "Known limitations", Text: limits, Tables: rows(report.Contradictions(m.Analysis))})
	p.add(Section{Title: "Tested configurations", Text: notTested(m.Analysis),
		Tables: rows(report.Provenance(m.Analysis), report.Outcomes(m.Analysis))})
	p.add(Section{Title: "Performance comparison", Tables: rows(report.Performance(m.Study, m.Analysis), report.Phases(m.Study, m.Analysis)),
		Figures: pick(figures, "setup", "ready-", "outcomes-", "builds", "memory", "pareto")})
	p.add(Section{Title: "Recommended strategy per environment", Text: append(short(m), priors(m)...),
		Tables: append(rows(report.Recommendations(m.Decisions)), decisions(m)...)})
	p.add(power(m))
	p.add(Section{Title: "Confidence", Text: append(confidence(m), "Made with: "+m.Command), Tables: rows(report.Comparisons(m.Analysis))})
	return p
}

func untold(m Material) (lines []string) {
	for _, l := range explanation(m).Text {
		lines = append(lines, l)
	}
	return lines
}

// notTested lists what the record must not speak of.
func notTested(a analyse.Analysis) (lines []string) {
	for _, c := range a.Cells {
		for _, w := range c.Warnings {
			if w.Kind == analyse.NotRun {
				lines = append(lines, fmt.Sprintf("[%s]: %s.", c.Cell.Cell, report.Warning(w)))
			}
		}
	}
	for _, e := range a.Estimates {
		lines = append(lines, fmt.Sprintf("[%s]: not tested; only an estimate is given (%s line %d).", e.Cell, e.Source, e.Line))
	}
	return lines
}

// mostVerdicts is how many comparisons have a sentence each; of more, those
// that show something do.
const mostVerdicts = 8

func confidence(m Material) (lines []string) {
	run, silent, tooFew := 0, 0, 0
	for _, c := range m.Analysis.Compared {
		if !c.NotRun {
			run++
		}
	}
	for _, c := range m.Analysis.Compared {
		switch {
		case c.NotRun:
		case run <= mostVerdicts || shows(c):
			lines = append(lines, report.ComparisonVerdict(c))
		default:
			silent++
			if float64(c.Time.Smallest) > analyse.Alpha {
				tooFew++
			}
		}
	}
	if silent > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d comparisons show no difference that chance would not explain, after Holm's adjustment, which does not show that there is none; %d of them have too few trials for their times to show any.", silent, run, tooFew))
	}
	if len(m.Analysis.Cells) > 0 {
		lines = append(lines, fmt.Sprintf("To say that a strategy fails in under 10 %% of set-ups takes %d clean trials of it in a row.", m.Analysis.Cells[0].CleanRuns))
	}
	return lines
}
