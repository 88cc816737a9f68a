package report

import (
	"fmt"

	"github.com/stratbench/stratbench/results/analyse"
)

// factorTests has a row a factor: does it matter at all?
func factorTests(e analyse.Explanation) Table {
	t := Table{Title: "Factors", Header: []string{"factor", "levels", "p failures", "p Holm", "p time when ready", "p Holm"}}
	for _, f := range e.Factors {
		t.Rows = append(t.Rows, []string{f.Factor, fmt.Sprint(f.Levels), overallP(f.Failures), pValue(f.Failures.Adjusted), overallP(f.Times), pValue(f.Times.Adjusted)})
	}
	t.Notes = []string{"All levels of a factor together, by permuting failures, or ranks of times, inside blocks and combinations of the other factors (generalised Cochran–Mantel–Haenszel statistic). Exact: all permutations counted; else 20 000 of them drawn with a fixed seed, and with over 2000 trials their χ² limit. Where nothing can be permuted, the penalised likelihood ratio. Holm over the factors."}
	return t
}

func overallP(t analyse.OverallTest) string {
	if t.P.Finite() && t.Exact {
		return pValue(t.P) + " exact"
	}
	return pValue(t.P)
}

func failuresByLevel(e analyse.Explanation) Table {
	t := Table{Title: "Failures by level", Header: []string{"factor", "level", "failed (95 % interval)"}}
	for _, o := range e.Outcomes {
		t.Rows = append(t.Rows, []string{o.Factor, o.Level, Rate(o.Failed)})
	}
	t.Notes = []string{"Clopper–Pearson, over all levels of the other factors."}
	return t
}

func failureEffects(e analyse.Explanation) Table {
	t := Table{Title: "Effects on failing", Header: []string{"factor", "level", "against", "odds ratio (95 % interval)", "p", "p Holm"}}
	for _, x := range e.Effects {
		p := pValue(x.P)
		if x.Exact {
			p += " exact"
		}
		t.Rows = append(t.Rows, []string{x.Factor, x.Level, x.Reference,
			fmt.Sprintf("%s (%s–%s)", ratio(x.OddsRatio), ratio(x.Interval.Lower), ratio(x.Interval.Upper)), p, pValue(x.Adjusted)})
	}
	t.Notes = []string{"Of each pair the level that failed less is the reference. p Holm: over the factor's pairs, and never under the factor's own. Adjusted for the other factors by Firth's penalised logistic regression, which is finite also where a level never failed; exact p: conditional logistic regression, and with more than 30 trials the permutation of failures inside blocks."}
	return t
}

func interactionTable(e analyse.Explanation) Table {
	t := Table{Title: "Acting together", Header: []string{"first", "second", "ratio of odds ratios (95 % interval)", "p", "p Holm"}}
	for _, pair := range e.Together {
		t.Rows = append(t.Rows, []string{pair.First, pair.Second, none, pValue(pair.P), pValue(pair.Adjusted)})
	}
	for _, i := range e.Products {
		t.Rows = append(t.Rows, []string{i.First.Factor + " " + i.First.Level, i.Second.Factor + " " + i.Second.Level,
			fmt.Sprintf("%s (%s–%s)", ratio(i.OddsRatio), ratio(i.Interval.Lower), ratio(i.Interval.Upper)), pValue(i.P), none})
	}
	t.Notes = []string{"Two factors: penalised likelihood ratio of all products of their levels, Holm over the pairs of factors. Two levels: that product added to the model on its own, against the factors' first levels; its p is not adjusted."}
	return t
}

func timeEffects(e analyse.Explanation) Table {
	t := Table{Title: "Effects on time", Header: []string{"factor", "level", "against", "n", "ratio of setup times (95 % interval)"}}
	for _, x := range e.Times {
		t.Rows = append(t.Rows, []string{x.Factor, x.Level, x.Reference, fmt.Sprintf("%d v %d", x.N[0], x.N[1]), timeRatio(x.Ratio)})
	}
	t.Notes = []string{"Successful trials only, compared inside blocks and combinations of the other factors (Hodges–Lehmann)."}
	return t
}
