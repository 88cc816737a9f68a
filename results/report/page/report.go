package page

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

// Material is what a page is made of.
type Material struct {
	Title       string
	Study       analyse.Study
	Analysis    analyse.Analysis
	Decisions   []analyse.Decision
	Explanation analyse.Explanation
	// Power is nil where it was not asked for.
	Power *analyse.PowerCurve
	// Command is what was typed to make the page.
	Command string
}

// Report is the page of a study: what it says first, then what that rests on.
func Report(m Material) Page {
	figures := plot.All(m.Study, m.Analysis)
	p := Page{Title: m.Title, Lead: lead(m)}
	p.add(Section{Title: "In short", Text: append(report.ExplanationInShort(m.Explanation), short(m)...), Tables: rows(report.Recommendations(m.Decisions))})
	p.add(Section{Title: "Doubts", Text: append(report.Doubts(m.Analysis), report.Beforehand(m.Study)...), Tables: rows(report.Contradictions(m.Analysis))})
	p.add(Section{Title: "Recommended strategy", Text: priors(m), Tables: decisions(m)})
	p.add(Section{Title: "Performance comparison", Tables: rows(report.Performance(m.Study, m.Analysis))})
	p.add(Section{Title: "Outcomes and times", Tables: rows(report.Outcomes(m.Analysis), report.SetupTimes(m.Analysis)),
		Figures: pick(figures, "setup", "ready-", "outcomes-")})
	p.add(Section{Title: "Comparisons", Text: verdicts(m.Analysis), Tables: rows(report.Comparisons(m.Analysis))})
	p.add(Section{Title: "Failures, memory and time", Figures: pick(figures, "memory", "pareto")})
	p.add(explanation(m))
	p.add(Section{Title: "Phases, builds and memory", Tables: rows(report.Phases(m.Study, m.Analysis), report.Images(m.Analysis), report.Memory(m.Analysis)),
		Figures: pick(figures, "phases", "builds", "trial-")})
	p.add(power(m))
	p.add(Section{Title: "Estimates, not measured", Tables: rows(report.Estimates(m.Analysis))})
	p.add(Section{Title: "Where this comes from", Text: []string{"Made with: " + m.Command}, Tables: rows(report.Provenance(m.Analysis))})
	return p
}

func power(m Material) (s Section) {
	if m.Power == nil {
		return Section{}
	}
	doc := report.Power(*m.Power)
	return Section{Title: doc.Title, Text: doc.Notes, Tables: doc.Sections, Figures: []plot.Figure{plot.Power(*m.Power)}}
}

// add leaves out sections that have nothing to say.
func (p *Page) add(s Section) {
	if len(s.Text)+len(s.Tables)+len(s.Figures) > 0 {
		p.Sections = append(p.Sections, s)
	}
}

func rows(tables ...report.Table) (kept []report.Table) {
	for _, t := range tables {
		if len(t.Rows) > 0 {
			kept = append(kept, t)
		}
	}
	return kept
}

func pick(figures []plot.Figure, prefixes ...string) (picked []plot.Figure) {
	for _, prefix := range prefixes {
		for _, f := range figures {
			if strings.HasPrefix(f.Name, prefix) {
				picked = append(picked, f)
			}
		}
	}
	return picked
}

func lead(m Material) []string {
	failed := 0
	for _, o := range m.Study.Trials {
		if !o.Ready {
			failed++
		}
	}
	text := fmt.Sprintf("%d %s trials of %d cells, %d of which failed.", len(m.Study.Trials), report.Evidence(m.Study.Trials), testedCells(m.Analysis), failed)
	if n := len(m.Analysis.Estimates); n > 0 {
		text += fmt.Sprintf(" %d further rows are estimates that nobody measured; they are shown apart and enter no figure.", n)
	}
	if m.Study.Simulated() {
		return []string{"SIMULATED: no engine produced these figures.", text}
	}
	return []string{text}
}

func testedCells(a analyse.Analysis) (n int) {
	for _, c := range a.Cells {
		if c.N > 0 {
			n++
		}
	}
	return n
}

// mostSentences is how many recommendations are said in words too, before
// their table.
const mostSentences = 4

func short(m Material) (lines []string) {
	if len(report.Recommendations(m.Decisions).Rows) > mostSentences {
		return nil
	}
	for _, d := range m.Decisions {
		for _, c := range d.Groups {
			lines = append(lines, fmt.Sprintf("%s, %s: %s", report.Group(c.Group), d.Priorities.Environment, report.Choice(c, d.Priorities)))
		}
	}
	return lines
}

func priors(m Material) []string {
	if len(m.Decisions) == 0 {
		return nil
	}
	return report.Priors(m.Decisions[0])
}

func decisions(m Material) (tables []report.Table) {
	for _, d := range m.Decisions {
		doc := report.Decision(d)
		for _, t := range doc.Sections {
			t.Title += ", " + d.Priorities.Environment
			tables = append(tables, t)
		}
	}
	return tables
}

func verdicts(a analyse.Analysis) (lines []string) {
	for _, c := range a.Compared {
		if shows(c) {
			lines = append(lines, report.ComparisonVerdict(c))
		}
	}
	if len(lines) == 0 && len(a.Compared) > 0 {
		lines = append(lines, "No comparison shows a difference that chance would not explain, after Holm's adjustment.")
	}
	return lines
}

// shows reports whether a comparison shows a difference.
func shows(c analyse.Comparison) bool {
	return !c.NotRun && (float64(c.Time.Adjusted) < analyse.Alpha || float64(c.Rates.Adjusted) < analyse.Alpha)
}

func explanation(m Material) Section {
	doc := report.Explanation(m.Explanation)
	s := Section{Title: "What goes with failures", Tables: rows(doc.Sections...)}
	for _, n := range doc.Notes {
		if !strings.HasPrefix(n, "Warning: ") {
			s.Text = append(s.Text, n)
		}
	}
	return s
}
