package report

import (
	"fmt"

	"github.com/stratbench/stratbench/results/analyse"
)

// Recommendations has a row for each runtime and memory limit and each
// environment: what is recommended there and how sure that is.
func Recommendations(decisions []analyse.Decision) Table {
	t := Table{Title: "Recommendations", Header: []string{"where", "environment", "recommended", "verdict", "P(best)", "next best, P(best)", "time to ready", "failed (95 % interval)"}}
	for _, d := range decisions {
		for _, c := range d.Groups {
			t.Rows = append(t.Rows, recommendation(c, d.Priorities))
		}
	}
	return t
}

func recommendation(c analyse.Choice, p analyse.Priorities) []string {
	row := []string{Group(c.Group), p.Environment}
	if c.Recommended < 0 {
		return append(row, "none", verdictOf(c), none, none, none, none)
	}
	a := c.Arms[c.Recommended]
	best := none
	if len(a.Best) > 0 {
		best = probability(a.Best[0].Probability)
	}
	return append(row, a.Arm.String(), verdictOf(c), best, nextBest(c), runningTime(a.Cost), Rate(a.Failed))
}

// nextBest is the strategy that is most probably the best one if the recommended
// one is not.
func nextBest(c analyse.Choice) string {
	text, most := none, -1.0
	for i, a := range c.Arms {
		if i == c.Recommended || len(a.Best) == 0 || !(float64(a.Best[0].Probability) > most) {
			continue
		}
		most = float64(a.Best[0].Probability)
		text = a.Arm.String() + ", " + probability(a.Best[0].Probability)
	}
	return text
}

// verdictOf says how sure a choice is, in a few words.
func verdictOf(c analyse.Choice) string {
	switch c.Kind {
	case analyse.Decided:
		return "decided"
	case analyse.OnlyOne:
		return "nothing to compare with"
	case analyse.NoneWorks:
		return "none ever became ready"
	case analyse.NoneAllowed:
		return "all were shown to fail too often"
	case analyse.NoTrials:
		return notTested
	}
	if c.MoreBlocks > 0 {
		return fmt.Sprintf("undecided; %d more %s, about %s", c.MoreBlocks, noun(c.MoreBlocks, "block"), roughly(c.MoreSeconds))
	}
	return "undecided"
}

// Contradictions are figures of imported sources that cannot all be true.
func Contradictions(a analyse.Analysis) Table {
	t := Table{Title: "Contradictions in the sources", Header: []string{"source", "what cannot all be true"}}
	for _, r := range a.Runs {
		if r.Import == nil {
			continue
		}
		for _, c := range r.Import.Contradictions {
			t.Rows = append(t.Rows, []string{r.Import.Source, c})
		}
	}
	return t
}
