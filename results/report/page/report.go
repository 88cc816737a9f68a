package page

import (
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/history"
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

// figures draws the study, and picks of its figures those that are named.
func (m Material) figures() func(names ...string) []plot.Figure {
	var a answer.Answer
	if m.Answer != nil {
		a = *m.Answer
	}
	all := plot.All(m.Study, a)
	return func(names ...string) []plot.Figure {
		return slices.DeleteFunc(slices.Clone(all), func(f plot.Figure) bool { return !slices.Contains(names, f.Name) })
	}
}

// Report is the page of a study: what to do first, then what that rests on.
func Report(m Material) Page {
	figures := m.figures()
	p := Page{Title: m.Title, Lead: append(report.Lead(m.Study), report.Hypotheses(claims.Test(m.Study))...), Answer: m.Answer}
	if m.Answer == nil {
		p.Lead = append(p.Lead, "Nothing was compared: there are no trials of two strategies.")
		p.add(Section{Figures: figures("strategies")})
	} else {
		p.Lead = append(p.Lead, report.Imported(*m.Answer)...)
		p.Cards = report.Cards(*m.Answer)
		p.add(Section{Figures: figures("strategies"), Tables: []report.Table{report.StrategyTable(*m.Answer)}})
		p.add(Section{Title: "What this rests on", Points: report.Grounds(*m.Answer)})
	}
	p.add(Section{Title: "Where the time goes", Points: slices.Concat(report.Unseen(m.Study), report.Exports(m.Study), report.Waits(m.Study)), Figures: figures("phases", "contention")})
	if study.Failures(m.Study.Trials) > 0 {
		failed := Section{Title: "What failed", Figures: figures("memory", "ready")}
		if m.Answer != nil {
			failed.Text = report.WhyFailed(*m.Answer)
		}
		p.add(failed)
	}
	p.add(Section{Title: "Two trials", Figures: figures("typical", "worst")})
	p.add(Section{Title: "Read with care", Points: append(report.Doubts(m.Analysis), report.Beforehand(m.Study)...), Tables: []report.Table{report.Contradictions(m.Analysis)}})
	p.add(Section{Title: "Where this comes from", Points: append(report.Sources(m.Study, m.Analysis), "Made with: "+m.Command)})
	p.Appendices = m.appendices()
	return p
}

// Full is the whole page but for its figures, for a terminal and for programs.
func Full(m Material) (d report.Document) {
	m.Full = true
	p := Report(m)
	d.Notes = p.Lead
	for _, c := range p.Cards {
		d.Notes = append(d.Notes, c.String())
	}
	for _, s := range slices.Concat(p.Sections, p.Appendices) {
		if notes := slices.Concat(s.Text, s.Points); len(notes) > 0 {
			d.Sections = append(d.Sections, report.Table{Title: s.Title, Notes: notes})
		}
		d.Sections = append(d.Sections, s.Tables...)
	}
	d.Data = struct {
		*answer.Answer
		Hypotheses []claims.Tested `json:"hypotheses,omitempty"` // without an answer, too
		Analysis   study.Analysis  `json:"analysis"`
	}{m.Answer, claims.Test(m.Study), m.Analysis}
	if m.Answer != nil {
		d.Tidy = report.Answer(m.Study, *m.Answer).Tidy
	}
	return d
}

// appendices are what is needed to check the page, if they are asked for.
func (m Material) appendices() (all []Section) {
	if !m.Full {
		return nil
	}
	for _, t := range report.Appendices(m.Study, m.Analysis, m.Answer) {
		all = append(all, Section{Title: t.Title, Tables: []report.Table{t}})
	}
	if notes := report.RunNotes(m.Analysis); len(notes) > 0 {
		all = append(all, Section{Title: "Runs", Points: notes})
	}
	return append(all, Section{Title: "Methods", Points: []string{
		"Recommendations compare strategies inside places and blocks, over all places together; docs/decisions/016-one-comparison-engine.md has the procedure and its error rates.",
		"docs/statistics.md says which method answers which question, docs/calibration.md and docs/decision-simulation.md how often it is right.",
	}})
}

// mostContradictions of a source are listed in the record.
const mostContradictions = 6

// DesignRecord has the sections of DD-E2E-001, on two pages: what was measured
// beside what an earlier record saw and states.
func DesignRecord(m Material) Page {
	var measured, claimed []results.Run
	for _, run := range m.Study.Runs {
		// A record states what nobody measured beside what somebody saw.
		if slices.ContainsFunc(run.Records, func(r results.Record) bool {
			return r.Imported != nil && (r.Imported.Estimate || r.Imported.Stability != "" || r.Imported.Confidence != nil)
		}) {
			claimed = append(claimed, run)
		} else {
			measured = append(measured, run)
		}
	}
	sources := report.Sources(m.Study, m.Analysis)
	record, now := study.Gather(claimed), study.Gather(measured)
	p := Page{Title: m.Title, CardsTitle: "Recommended strategy per environment", Lead: []string{fmt.Sprintf("%d trials measured, beside an earlier record: %d seen by hand, and %d estimates, which nobody measured.", len(now.Trials), len(record.Trials), len(record.Estimates))}}
	if now.Simulated() {
		p.Lead = append([]string{"SIMULATED: no engine produced these figures."}, p.Lead...)
	}
	m.Study = now
	a, err := answer.Of(now, m.Indifference)
	if m.Answer = nil; err == nil {
		m.Answer, p.Answer, p.Cards = &a, &a, report.Cards(a)
		p.Lead = append(p.Lead, report.Imported(a)...)
	} else {
		p.add(Section{Title: p.CardsTitle, Text: []string{"None can be recommended: " + err.Error() + "."}})
	}
	p.add(Section{Title: "Comparison", Figures: m.figures()("strategies"), Tables: []report.Table{report.SideBySide(record, now)}})
	if len(claimed) > 0 {
		p.add(Section{Title: "The record's claims", Tables: []report.Table{report.RecordClaims(record, now)}})
	}
	tested := Section{Title: "Tested configurations"}
	if len(now.Trials) > 0 {
		tested.Points = append(tested.Points, "Measured: "+report.Tested(now))
	}
	if len(record.Trials) > 0 {
		tested.Points = append(tested.Points, "Seen by hand: "+report.Tested(record))
	}
	tested.Points = append(tested.Points, sources...)
	p.add(tested)
	limits := slices.Concat(report.Doubts(m.Analysis), report.Beforehand(m.Study))
	var against []string
	for _, r := range m.Analysis.Runs {
		if r.Import != nil {
			limits = append(limits, r.Import.Notes...)
			against = append(against, r.Import.Contradictions...)
		}
	}
	if len(limits) == 0 {
		limits = []string{"No check of the trials found any."}
	}
	p.add(Section{Title: "Known limitations", Points: limits})
	if n := len(against); n > mostContradictions {
		against = append(slices.Clone(against[:mostContradictions]), fmt.Sprintf("And %d more, which --full lists.", n-mostContradictions))
	}
	p.add(Section{Title: "Contradictions in the record", Points: against})
	confidence := Section{Title: "Confidence", Points: []string{"Made with: " + m.Command}}
	if m.Answer != nil {
		confidence.Points = slices.Concat(report.Grounds(*m.Answer), confidence.Points)
	}
	p.add(confidence)
	if p.Appendices = m.appendices(); m.Full && len(against) > 0 {
		p.Appendices = append(p.Appendices, Section{Title: "Contradictions in the sources", Tables: []report.Table{report.Contradictions(m.Analysis)}})
	}
	return p
}

// Nightly is the page of a check: the verdict, what changed and why, and series. It draws
// the times to ready, and every series that ever changed or has a finding now.
func Nightly(c history.Check, r history.Review, command string) Page {
	changes := Section{Title: "Changes in this run", Tables: []report.Table{report.Findings(c)}}
	if len(c.Findings) == 0 {
		changes.Text = []string{"No change was found."}
	}
	var setups, changed []plot.Figure
	for _, s := range r.Series {
		found := slices.ContainsFunc(c.Findings, func(f history.Finding) bool { return f.Metric == s.Metric && f.Cell.Key() == s.Cell.Key() })
		switch {
		case s.Metric == study.MetricSetup:
			setups = append(setups, plot.History(r, s)...)
		case len(s.Changes) > 0 || found:
			changed = append(changed, plot.History(r, s)...)
		}
	}
	p := Page{Title: "Nightly check: " + c.Experiment, Lead: report.Check(c).Notes}
	p.add(changes)
	p.add(Section{Title: "Changes over all nights", Tables: []report.Table{report.Changes(r)}})
	p.add(Section{Title: "Time to ready", Figures: setups})
	p.add(Section{Title: "Series that changed", Figures: changed})
	p.add(Section{Title: "Where this comes from", Text: append(report.Review(r).Notes, "Made with: "+command), Tables: []report.Table{report.Series(r)}})
	return p
}
