package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results/analyse"
)

// Comparisons puts the levels asked for against each other.
func Comparisons(a analyse.Analysis) Table {
	var notes footnotes
	t := Table{Title: "Comparisons", Header: []string{"within", "first", "second", "n", "p time", "p Holm",
		"first faster", "setup ratio", "failed", "difference in points", "p failed", "p Holm"}}
	for _, c := range a.Compared {
		t.Rows = append(t.Rows, comparisonRow(c, &notes))
	}
	t.Notes = notes.list()
	if len(a.Compared) > 0 {
		t.Notes = append(t.Notes, comparisonMethods(a)...)
	}
	return t
}

func comparisonRow(c analyse.Comparison, notes *footnotes) []string {
	within := c.Within.String()
	if within == "" {
		within = "all"
	}
	row := []string{within, c.First, c.Second, fmt.Sprintf("%d v %d", c.N[0], c.N[1])}
	if c.NotRun {
		return append(row, notTested, none, none, none, none, none, none, none)
	}
	return append(row,
		pValue(c.Time.P)+notes.mark(c.Warnings), pValue(c.Time.Adjusted),
		superiority(c.Faster), timeRatio(c.Ratio),
		fmt.Sprintf("%d of %d v %d of %d", c.Failed[0], c.N[0], c.Failed[1], c.N[1]),
		difference(c.Rates), pValue(c.Rates.P), pValue(c.Rates.Adjusted))
}

func superiority(s analyse.Superiority) string {
	if !s.Interval.Bounded() {
		return percentOf(s.Probability)
	}
	return fmt.Sprintf("%s (%s–%s)", percentOf(s.Probability), percent(s.Interval.Lower), percent(s.Interval.Upper))
}

func percentOf(v analyse.Value) string {
	if !v.Finite() {
		return none
	}
	return percent(v) + " %"
}

func timeRatio(r analyse.TimeRatio) string {
	if !r.Interval.Bounded() {
		return ratio(r.Estimate)
	}
	return fmt.Sprintf("%s (%s–%s)", ratio(r.Estimate), ratio(r.Interval.Lower), ratio(r.Interval.Upper))
}

func difference(t analyse.RateTest) string {
	if !t.Interval.Bounded() {
		return points(t.Difference)
	}
	return fmt.Sprintf("%s (%s to %s)", points(t.Difference), points(t.Interval.Lower), points(t.Interval.Upper))
}

func comparisonMethods(a analyse.Analysis) []string {
	tested := 0
	for _, c := range a.Compared {
		if c.Time.P.Finite() {
			tested++
		}
	}
	return []string{
		fmt.Sprintf("p time: permutation test inside blocks, failures ranked behind every time. Holm: over the %d %s here, each test on its own.", tested, noun(tested, "comparison")),
		"First faster: share of pairs in which the first is ready before the second, Newcombe's interval. Setup ratio: first over second, ready trials only (Hodges–Lehmann inside blocks). All intervals 95 %.",
		rateMethods(a),
	}
}

// rateMethods names how failure rates were compared.
func rateMethods(a analyse.Analysis) string {
	texts := map[analyse.RateMethod]string{
		analyse.FixedLength:  "p failed: Boschloo; difference: Miettinen–Nurminen.",
		analyse.Sequential:   "p failed and difference: exact for a run looked at after every block up to the planned number (alpha spent in proportion to the blocks), valid although the run stopped by what it showed.",
		analyse.AnytimeValid: "p failed and difference: e-process and its confidence sequence, valid although the run stopped by what it showed.",
	}
	var used []string
	for _, m := range []analyse.RateMethod{analyse.FixedLength, analyse.Sequential, analyse.AnytimeValid} {
		if slices.ContainsFunc(a.Compared, func(c analyse.Comparison) bool { return !c.NotRun && c.Rates.Method == m }) {
			used = append(used, texts[m])
		}
	}
	return strings.Join(used, " ")
}
