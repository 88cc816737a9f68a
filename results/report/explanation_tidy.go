package report

import (
	"strconv"

	"github.com/stratbench/stratbench/results/analyse"
)

// tidyExplanation has one figure a row: of a factor, of a level, of a level
// against another one, of two factors, or of two levels together.
func tidyExplanation(e analyse.Explanation) [][]string {
	rows := [][]string{{"of", "factor", "level", "second_factor", "second_level", "figure", "n", "value", "lower", "upper", "method"}}
	unbounded := analyse.Interval{Lower: undefined, Upper: undefined}
	add := func(of, factor, level, second, secondLevel, figure, n string, v analyse.Value, i analyse.Interval, method string) {
		if v.Finite() {
			rows = append(rows, []string{of, factor, level, second, secondLevel, figure, n, number(v), number(i.Lower), number(i.Upper), method})
		}
	}
	for _, f := range e.Factors {
		add("factor", f.Factor, "", "", "", "p_failures", "", f.Failures.P, unbounded, overallMethod(f.Failures))
		add("factor", f.Factor, "", "", "", "p_failures_holm", "", f.Failures.Adjusted, unbounded, "Holm")
		add("factor", f.Factor, "", "", "", "p_time", "", f.Times.P, unbounded, overallMethod(f.Times))
		add("factor", f.Factor, "", "", "", "p_time_holm", "", f.Times.Adjusted, unbounded, "Holm")
	}
	for _, o := range e.Outcomes {
		add("level", o.Factor, o.Level, "", "", "failure_rate", strconv.Itoa(o.Failed.Trials), o.Failed.Estimate, o.Failed.Interval, "Clopper-Pearson")
	}
	for _, x := range e.Effects {
		method := "penalised likelihood ratio"
		if x.Exact {
			method = "exact"
		}
		add("levels", x.Factor, x.Level, x.Factor, x.Reference, "failure_odds_ratio", "", x.OddsRatio, x.Interval, "Firth")
		add("levels", x.Factor, x.Level, x.Factor, x.Reference, "p_failures", "", x.P, unbounded, method)
		add("levels", x.Factor, x.Level, x.Factor, x.Reference, "p_failures_holm", "", x.Adjusted, unbounded, "Holm")
	}
	for _, x := range e.Times {
		n := strconv.Itoa(x.N[0]) + "+" + strconv.Itoa(x.N[1])
		add("levels", x.Factor, x.Level, x.Factor, x.Reference, "setup_ratio_if_ready", n, x.Ratio.Estimate, x.Ratio.Interval, "Hodges-Lehmann inside blocks")
	}
	for _, p := range e.Together {
		add("factors together", p.First, "", p.Second, "", "p_failures", "", p.P, unbounded, "penalised likelihood ratio")
		add("factors together", p.First, "", p.Second, "", "p_failures_holm", "", p.Adjusted, unbounded, "Holm")
	}
	for _, x := range e.Products {
		add("levels together", x.First.Factor, x.First.Level, x.Second.Factor, x.Second.Level, "ratio_of_odds_ratios", "", x.OddsRatio, x.Interval, "Firth")
		add("levels together", x.First.Factor, x.First.Level, x.Second.Factor, x.Second.Level, "p_failures", "", x.P, unbounded, "penalised likelihood ratio")
	}
	return rows
}

func overallMethod(t analyse.OverallTest) string {
	if t.Exact {
		return "all permutations"
	}
	return "drawn permutations, their limit, or penalised likelihood ratio"
}
