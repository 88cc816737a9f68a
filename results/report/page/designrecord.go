package page

import (
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// mostContradictions is how many of a source's contradictions the record lists.
const mostContradictions = 6

// DesignRecord has the sections of DD-E2E-001, on two pages: what was measured
// beside what an earlier record saw and states.
func DesignRecord(m Material) (Page, error) {
	var measured, claimed []results.Run
	for _, run := range m.Study.Runs {
		if report.Claimed(run) {
			claimed = append(claimed, run)
		} else {
			measured = append(measured, run)
		}
	}
	sources := report.Sources(m.Study, m.Analysis)
	record, now := study.Gather(claimed), study.Gather(measured)
	p := Page{Title: m.Title, CardsTitle: "Recommended strategy per environment", Lead: []string{fmt.Sprintf("%d trials measured, beside an earlier record: %d seen by hand, and %d estimates of which nobody measured anything.", len(now.Trials), len(record.Trials), len(record.Estimates))}}
	if now.Simulated() {
		p.Lead = append([]string{"SIMULATED: no engine produced these figures."}, p.Lead...)
	}
	m.Study = now
	a, err := answer.Of(now, m.Indifference)
	if m.Answer = nil; err == nil {
		m.Answer, p.Answer, p.Cards = &a, &a, report.Cards(a)
	} else {
		p.add(Section{Title: p.CardsTitle, Text: []string{"None can be recommended: " + err.Error() + "."}})
	}
	p.add(Section{Title: "Comparison", Figures: pick(m.figures(), "strategies"), Tables: rows(report.SideBySide(record, now))})
	if len(claimed) > 0 {
		p.add(Section{Title: "The record's claims", Tables: rows(report.RecordClaims(record, now))})
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
	limits, against := limitations(m)
	if len(limits) == 0 {
		limits = []string{"No check of the trials found any."}
	}
	p.add(Section{Title: "Known limitations", Points: limits})
	p.add(Section{Title: "Contradictions in the record", Points: against})
	confidence := Section{Title: "Confidence", Points: []string{m.made()}}
	if m.Answer != nil {
		confidence.Points = slices.Concat(report.Grounds(*m.Answer), confidence.Points)
	}
	p.add(confidence)
	if m.Full {
		p.Appendices = append([]Section{{Title: "Contradictions in the sources", Tables: rows(report.Contradictions(m.Analysis))}}, appendices(m)...)
	}
	return p, nil
}

// limitations are what qualifies the whole, and where the record contradicts
// itself.
func limitations(m Material) (limits, against []string) {
	limits = slices.Concat(report.Doubts(m.Analysis), report.Beforehand(m.Study))
	for _, r := range m.Analysis.Runs {
		if r.Import != nil {
			limits = append(limits, r.Import.Notes...)
			against = append(against, r.Import.Contradictions...)
		}
	}
	if n := len(against); n > mostContradictions {
		against = append(slices.Clone(against[:mostContradictions]), fmt.Sprintf("And %d more, which --full lists.", n-mostContradictions))
	}
	return limits, against
}
