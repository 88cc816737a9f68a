package page

import (
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
	"github.com/stratbench/stratbench/results/study"
)

// Material is what a page is made of.
type Material struct {
	Title    string
	Study    study.Study
	Analysis study.Analysis
	// Answer is nil where there is nothing to choose between.
	Answer *answer.Answer
	// Indifference is what was asked for; 0 is that of the runs.
	Indifference float64
	// Full adds the appendices.
	Full bool
	// Command is what was typed to make the page.
	Command string
}

// figures are those of the study, its strategies in the order of the answer.
func (m Material) figures() []plot.Figure {
	var matrix plot.Matrix
	if m.Answer != nil {
		matrix.Chosen, matrix.By = m.Answer.Chosen, m.Answer.By
		for _, s := range m.Answer.Strategies {
			matrix.Strategies = append(matrix.Strategies, s.Name)
		}
	}
	return plot.All(m.Study, matrix)
}

// Report is the page of a study: what to do first, then what that rests on.
func Report(m Material) (Page, error) {
	figures := m.figures()
	p := m.first(pick(figures, "strategies"))
	p.add(Section{Title: "Where the time goes", Points: report.BackOffs(m.Study), Figures: pick(figures, "phases", "contention")})
	if study.Failures(m.Study.Trials) > 0 {
		p.add(Section{Title: "What failed", Text: m.whyFailed(), Figures: pick(figures, "memory", "ready")})
	}
	p.add(Section{Title: "Two trials", Figures: pick(figures, "typical", "worst")})
	p.add(Section{Title: "Read with care", Points: append(report.Doubts(m.Analysis), report.Beforehand(m.Study)...), Tables: rows(report.Contradictions(m.Analysis))})
	p.add(Section{Title: "Where this comes from", Points: append(report.Sources(m.Study, m.Analysis), m.made())})
	if m.Full {
		p.Appendices = appendices(m)
	}
	return p, nil
}

// first is the first screen.
func (m Material) first(figure []plot.Figure) Page {
	p := Page{Title: m.Title, Lead: report.Lead(m.Study), Answer: m.Answer}
	if m.Answer == nil {
		p.Lead = append(p.Lead, "Nothing was compared: there are no trials of two strategies.")
		p.add(Section{Figures: figure})
		return p
	}
	p.Cards = report.Cards(*m.Answer)
	p.add(Section{Figures: figure, Tables: rows(report.StrategyTable(*m.Answer))})
	p.add(Section{Title: "What this rests on", Points: report.Grounds(*m.Answer)})
	return p
}

// appendices are what is needed to check the page.
func appendices(m Material) (all []Section) {
	var decisions []report.Table
	if m.Answer != nil {
		decisions = rows(report.ArmTable(*m.Answer))
	}
	for _, s := range []Section{
		{Title: "Decisions", Tables: decisions},
		{Title: "Cells", Tables: rows(report.Outcomes(m.Analysis), report.SetupTimes(m.Analysis))},
		{Title: "Phases, builds and memory", Tables: rows(report.Phases(m.Study, m.Analysis), report.Limits(m.Study), report.Predictions(m.Study), report.Images(m.Analysis), report.Memory(m.Analysis))},
		{Title: "Estimates, not measured", Tables: rows(report.Estimates(m.Analysis))},
		{Title: "Runs", Tables: rows(report.Provenance(m.Analysis))},
		{Title: "Methods", Points: report.Methods()},
	} {
		if len(s.Text)+len(s.Tables)+len(s.Points) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func (m Material) whyFailed() []string {
	if m.Answer == nil {
		return nil
	}
	return report.WhyFailed(*m.Answer)
}

func (m Material) made() string { return "Made with: " + m.Command }

// add leaves out sections that have nothing to say.
func (p *Page) add(s Section) {
	if len(s.Text)+len(s.Tables)+len(s.Figures)+len(s.Points) > 0 {
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

func pick(figures []plot.Figure, names ...string) (picked []plot.Figure) {
	for _, name := range names {
		for _, f := range figures {
			if f.Name == name {
				picked = append(picked, f)
			}
		}
	}
	return picked
}
