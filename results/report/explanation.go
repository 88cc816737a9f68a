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
	for _, t := range []Table{factorTests(e), failuresByLevel(e), failureEffects(e), interactionTable(e), timeEffects(e)} {
		if len(t.Rows) > 0 {
			d.Sections = append(d.Sections, t)
		}
	}
	d.Tidy = tidyExplanation(e)
	return d
}

// ExplanationSentences say what an explanation shows and what it cannot tell.
func ExplanationSentences(e analyse.Explanation) (lines []string) {
	for _, w := range e.Warnings {
		lines = append(lines, "Warning: "+Warning(w)+".")
	}
	lines = append(lines, whyFailed(e))
	if e.Failed > 0 && e.Failed < e.Trials {
		lines = append(lines, shownEffects(e)...)
	}
	lines = append(lines, shownTimes(e)...)
	return append(lines, cannotTell(e)...)
}

// WhyFailed says in a sentence what failures go with.
func WhyFailed(e analyse.Explanation) []string {
	if e.Trials == 0 {
		return nil
	}
	return []string{whyFailed(e)}
}

// shownOnTime is true where the interval leaves out that both take as long.
func shownOnTime(t analyse.TimeEffect) bool {
	i := t.Ratio.Interval
	return i.Bounded() && (i.Lower > 1 || i.Upper < 1)
}

// whyFailed answers what failures go with.
func whyFailed(e analyse.Explanation) string {
	switch e.Failed {
	case 0:
		i := e.FailureRate().Interval
		return fmt.Sprintf("None of %d trials failed (95 %% interval %s–%s %%): there is nothing to explain failures by.", e.Trials, percent(i.Lower), percent(i.Upper))
	case e.Trials:
		return fmt.Sprintf("All %d trials failed: no factor can be told to matter.", e.Trials)
	}
	return memoryOrConcurrency(e)
}

// factorTest is the overall test of a factor; P is undefined where its part
// cannot be told.
func factorTest(e analyse.Explanation, factor string) analyse.FactorTest {
	for _, f := range e.Factors {
		if f.Factor == factor {
			return f
		}
	}
	nothing := analyse.OverallTest{P: undefined, Adjusted: undefined}
	return analyse.FactorTest{Factor: factor, Failures: nothing, Times: nothing}
}

// memoryOrConcurrency answers the question that everybody asks.
func memoryOrConcurrency(e analyse.Explanation) string {
	byMemory, byStrategy := factorTest(e, "memory").Failures, factorTest(e, "strategy").Failures
	text := "Memory or concurrency? "
	if aliased(e, "memory", "strategy") {
		return text + "These trials cannot tell: memory and strategy never varied apart."
	}
	switch {
	case !byMemory.P.Finite() && !byStrategy.P.Finite():
		return text + "These trials cannot tell: neither varied in a way that could be told apart."
	case !byMemory.P.Finite():
		text += "Memory did not vary apart from the rest, so that its part cannot be told. "
	case !byStrategy.P.Finite():
		text += "The strategy did not vary apart from the rest, so that its part cannot be told. "
	}
	switch {
	case byMemory.Shown() && byStrategy.Shown():
		return text + "Both go with failures."
	case byMemory.Shown():
		return text + "The memory limit goes with failures; for the strategy that was not shown."
	case byStrategy.Shown():
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

// shownEffects says which factors go with failures, and of those with several
// levels which of them.
func shownEffects(e analyse.Explanation) (lines []string) {
	for _, f := range e.Factors {
		if !f.Failures.Shown() {
			continue
		}
		if f.Levels > 2 {
			lines = append(lines, fmt.Sprintf("Of the %d levels of %s not all fail alike (%s after Holm over the factors); %s failed least.",
				f.Levels, f.Factor, pIs(f.Failures.Adjusted), failedLeast(e, f.Factor)))
		}
		pairs := 0
		for _, x := range e.Effects {
			if x.Factor == f.Factor && float64(x.Adjusted) < analyse.Alpha {
				lines, pairs = append(lines, effectSentence(x)), pairs+1
			}
		}
		if pairs == 0 && f.Levels > 2 {
			lines = append(lines, "Which of them differ was not shown: no pair does so by itself after Holm.")
		}
	}
	return append(lines, shownTogether(e)...)
}

func effectSentence(x analyse.FactorEffect) string {
	return fmt.Sprintf("With %s %s instead of %s, all else equal, the odds of a failure are %s times as high (95 %%: %s to %s; %s after Holm).",
		x.Factor, x.Level, x.Reference, ratio(x.OddsRatio), ratio(x.Interval.Lower), ratio(x.Interval.Upper), pIs(x.Adjusted))
}

func failedLeast(e analyse.Explanation, factor string) string {
	best := -1
	for i, o := range e.Outcomes {
		if o.Factor == factor && (best < 0 || o.Failed.Estimate < e.Outcomes[best].Failed.Estimate) {
			best = i
		}
	}
	if best < 0 {
		return none
	}
	return fmt.Sprintf("%s, in %s,", e.Outcomes[best].Level, Rate(e.Outcomes[best].Failed))
}

// shownTogether says which factors act together, with the levels in which
// that is largest.
func shownTogether(e analyse.Explanation) (lines []string) {
	for _, t := range e.Together {
		if !(float64(t.Adjusted) < analyse.Alpha) {
			continue
		}
		line := fmt.Sprintf("%s and %s act together: what one does depends on the other (%s after Holm over the pairs)", t.First, t.Second, pIs(t.Adjusted))
		if x, ok := largestProduct(e, t); ok {
			line += fmt.Sprintf(", most of all %s with %s (ratio of odds ratios %s, 95 %%: %s to %s)",
				x.First.Level, x.Second.Level, ratio(x.OddsRatio), ratio(x.Interval.Lower), ratio(x.Interval.Upper))
		}
		lines = append(lines, line+".")
	}
	return lines
}

func largestProduct(e analyse.Explanation, t analyse.PairTest) (largest analyse.Interaction, ok bool) {
	for _, x := range e.Products {
		if x.First.Factor == t.First && x.Second.Factor == t.Second && (!ok || x.P < largest.P) {
			largest, ok = x, true
		}
	}
	return largest, ok
}

func shownTimes(e analyse.Explanation) (lines []string) {
	tested := false
	for _, f := range e.Factors {
		tested = tested || f.Times.P.Finite()
		if !f.Times.Shown() {
			continue
		}
		lines = append(lines, fmt.Sprintf("When it works, %s goes with the time it takes (%s after Holm over the factors, permutation of ranks inside blocks).", f.Factor, pIs(f.Times.Adjusted)))
		for _, t := range e.Times {
			if t.Factor != f.Factor || !shownOnTime(t) {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s %s takes %s times as long as %s (%s–%s, level %s %%), all else equal.",
				t.Factor, t.Level, ratio(t.Ratio.Estimate), t.Reference, ratio(t.Ratio.Interval.Lower), ratio(t.Ratio.Interval.Upper), percent(t.Ratio.Coverage)))
		}
	}
	if tested && len(lines) == 0 {
		lines = append(lines, "When it works, no factor was shown to go with the time it takes, which does not show that none does.")
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
	for _, f := range e.Untold {
		if !partOfAlias(e, f) {
			lines = append(lines, fmt.Sprintf("Cannot be told: what %s does by itself, because some of its levels were not run apart from levels of other factors.", f))
		}
	}
	if e.Failed > 0 && e.Failed < e.Trials && len(e.Effects) > 0 && !anyShown(e) {
		lines = append(lines, "That no effect was shown does not mean that there is none: the intervals say how large it may be.")
	}
	return append(lines, "Association in randomised blocks is evidence of cause for what was varied; imported trials were not randomised.")
}

func partOfAlias(e analyse.Explanation, factor string) bool {
	for _, a := range e.Aliased {
		if a.First == factor || a.Second == factor {
			return true
		}
	}
	return false
}

func anyShown(e analyse.Explanation) bool {
	for _, f := range e.Factors {
		if f.Failures.Shown() {
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
