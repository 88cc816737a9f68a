package report

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// Explanation is the document of an explanation: sentences first, the figures
// that they rest on below.
func Explanation(e analyse.Explanation) Document {
	d := Document{Title: "What goes with failures, and with time", Notes: ExplanationSentences(e), Data: e}
	for _, t := range []Table{failuresByLevel(e), failureEffects(e), interactionTable(e), timeEffects(e)} {
		if len(t.Rows) > 0 {
			d.Sections = append(d.Sections, t)
			d.Tidy = append(append(d.Tidy, append([]string{"table"}, t.Header...)), labelled(t)...)
		}
	}
	return d
}

func labelled(t Table) (rows [][]string) {
	for _, r := range t.Rows {
		rows = append(rows, append([]string{t.Title}, r...))
	}
	return rows
}

// ExplanationSentences say what an explanation shows and what it cannot tell.
func ExplanationSentences(e analyse.Explanation) (lines []string) {
	for _, w := range e.Warnings {
		lines = append(lines, "Warning: "+Warning(w)+".")
	}
	switch e.Failed {
	case 0:
		lines = append(lines, fmt.Sprintf("None of %d trials failed: there is nothing to explain failures by.", e.Trials))
	case e.Trials:
		lines = append(lines, fmt.Sprintf("All %d trials failed: no factor can be told to matter.", e.Trials))
	default:
		lines = append(lines, memoryOrConcurrency(e))
		lines = append(lines, shownEffects(e)...)
	}
	lines = append(lines, shownTimes(e)...)
	return append(lines, cannotTell(e)...)
}

func shown(e analyse.Explanation, factor string) (effects []analyse.FactorEffect) {
	for _, x := range e.Effects {
		if x.Factor == factor && float64(x.Adjusted) < analyse.Alpha {
			effects = append(effects, x)
		}
	}
	return effects
}

func estimated(e analyse.Explanation, factor string) bool {
	for _, x := range e.Effects {
		if x.Factor == factor {
			return true
		}
	}
	return false
}

// memoryOrConcurrency answers the question that everybody asks.
func memoryOrConcurrency(e analyse.Explanation) string {
	memory, strategy := len(shown(e, "memory")) > 0, len(shown(e, "strategy")) > 0
	text := "Memory or concurrency? "
	if aliased(e, "memory", "strategy") {
		return text + "These trials cannot tell: memory and strategy never varied apart."
	}
	switch {
	case !estimated(e, "memory") && !estimated(e, "strategy"):
		return text + "These trials cannot tell: neither varied in a way that could be told apart."
	case !estimated(e, "memory"):
		text += "Memory did not vary apart from the rest, so that its part cannot be told. "
	case !estimated(e, "strategy"):
		text += "The strategy did not vary apart from the rest, so that its part cannot be told. "
	}
	switch {
	case memory && strategy:
		return text + "Both go with failures."
	case memory:
		return text + "The memory limit goes with failures; for the strategy that was not shown."
	case strategy:
		return text + "The strategy goes with failures, with the memory limit held equal where it varied; for memory itself that was not shown."
	}
	return text + fmt.Sprintf("%d of %d trials failed, too few to tell: neither was shown to go with failures, nor shown not to.", e.Failed, e.Trials)
}

func aliased(e analyse.Explanation, a, b string) bool {
	for _, x := range e.Aliased {
		if x.First == a && x.Second == b || x.First == b && x.Second == a {
			return true
		}
	}
	return false
}

func shownEffects(e analyse.Explanation) (lines []string) {
	for _, x := range e.Effects {
		if float64(x.Adjusted) >= analyse.Alpha {
			continue
		}
		more := "more"
		times := x.OddsRatio
		if times < 1 {
			more, times = "less", 1/times
		}
		lines = append(lines, fmt.Sprintf("With %s %s instead of %s, all else equal, the odds of a failure are %s times %s (odds ratio %s, 95 %%: %s to %s; p = %s after Holm).",
			x.Factor, x.Level, x.Reference, ratio(times), more, ratio(x.OddsRatio), ratio(x.Interval.Lower), ratio(x.Interval.Upper), pValue(x.Adjusted)))
	}
	for _, i := range e.Together {
		if float64(i.P) < analyse.Alpha {
			lines = append(lines, fmt.Sprintf("%s %s and %s %s act together: each changes what the other does (ratio of odds ratios %s, 95 %%: %s to %s; p = %s, not adjusted).",
				i.First.Factor, i.First.Level, i.Second.Factor, i.Second.Level, ratio(i.OddsRatio), ratio(i.Interval.Lower), ratio(i.Interval.Upper), pValue(i.P)))
		}
	}
	return lines
}

func shownTimes(e analyse.Explanation) (lines []string) {
	for _, t := range e.Times {
		if !t.Ratio.Interval.Bounded() || t.Ratio.Interval.Lower <= 1 && t.Ratio.Interval.Upper >= 1 {
			continue
		}
		lines = append(lines, fmt.Sprintf("When it works, %s %s takes %s times as long as %s (%s–%s, exact level %s %%), all else equal.",
			t.Factor, t.Level, ratio(t.Ratio.Estimate), t.Reference, ratio(t.Ratio.Interval.Lower), ratio(t.Ratio.Interval.Upper), percent(t.Ratio.Coverage)))
	}
	return lines
}

// mostListed is how many missing combinations are named.
const mostListed = 6

func cannotTell(e analyse.Explanation) (lines []string) {
	for _, a := range e.Aliased {
		lines = append(lines, fmt.Sprintf("Cannot be told: %s and %s never varied apart, so that what one did may have been the other.", a.First, a.Second))
	}
	if len(e.Missing) > 0 {
		lines = append(lines, "Cannot be told: "+missingCells(e.Missing)+" never run, so that what holds elsewhere is only assumed to hold there.")
	}
	if e.Failed > 0 && e.Failed < e.Trials && len(e.Effects) > 0 && !anyShown(e) {
		lines = append(lines, "That no effect was shown does not mean that there is none: the intervals say how large it may be.")
	}
	return append(lines, "Association in randomised blocks is evidence of cause for what was varied; imported trials were not randomised.")
}

func anyShown(e analyse.Explanation) bool {
	for _, x := range e.Effects {
		if float64(x.Adjusted) < analyse.Alpha {
			return true
		}
	}
	return false
}

func missingCells(cells []trial.Cell) string {
	var names []string
	for i, c := range cells {
		if i == mostListed {
			names = append(names, fmt.Sprintf("%d more", len(cells)-mostListed))
			break
		}
		names = append(names, "["+c.String()+"]")
	}
	if len(cells) == 1 {
		return names[0] + " was"
	}
	return strings.Join(names, ", ") + " were"
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
	t.Notes = []string{"Adjusted for the other factors by Firth's penalised logistic regression, which is finite also where a level never failed; exact p: conditional logistic regression, and with more than 30 trials the permutation of failures inside blocks."}
	return t
}

func interactionTable(e analyse.Explanation) Table {
	t := Table{Title: "Acting together", Header: []string{"first", "second", "ratio of odds ratios (95 % interval)", "p"}}
	for _, i := range e.Together {
		t.Rows = append(t.Rows, []string{i.First.Factor + " " + i.First.Level, i.Second.Factor + " " + i.Second.Level,
			fmt.Sprintf("%s (%s–%s)", ratio(i.OddsRatio), ratio(i.Interval.Lower), ratio(i.Interval.Upper)), pValue(i.P)})
	}
	t.Notes = []string{"Each product added to the model on its own; p is not adjusted."}
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
