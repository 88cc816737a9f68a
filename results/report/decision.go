package report

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// Decision is the document of a decision.
func Decision(d analyse.Decision) Document {
	doc := Document{Title: "Recommendation: " + wanted(d.Priorities), Data: d,
		Tidy: [][]string{tidyDecisionHeader}}
	for _, w := range d.Warnings {
		doc.Notes = append(doc.Notes, "Warning: "+Warning(w)+".")
	}
	doc.Notes = append(doc.Notes, Priors(d)...)
	for _, c := range d.Groups {
		doc.Sections = append(doc.Sections, choice(c, d.Priorities))
		doc.Tidy = append(doc.Tidy, tidyChoice(c)...)
	}
	return doc
}

func wanted(p analyse.Priorities) string {
	text := "least expected time to a ready environment, failures and recovery included"
	if p.Quantile > 0 {
		text = fmt.Sprintf("least %s %% quantile of the time to a ready environment, retries included", percent(analyse.Value(p.Quantile)))
	}
	if p.MaxFailureRate > 0 {
		text += fmt.Sprintf(", failing in at most %s %% of trials", percent(analyse.Value(p.MaxFailureRate)))
	}
	return text + " (" + p.Environment + ")"
}

// Group names a group of cells for people.
func Group(c trial.Cell) string {
	if len(c) == 0 {
		return "All trials"
	}
	return c.String()
}

func choice(c analyse.Choice, p analyse.Priorities) Table {
	var notes footnotes
	t := Table{Title: Group(c.Group), Header: []string{"strategy", "failed (95 % interval)", "time to ready",
		"P(best)", "uniform", "sceptical", "erratic", "expected regret", "not beaten"}}
	if p.MaxFailureRate > 0 {
		t.Header = append(t.Header, "failure limit")
	}
	for i, a := range c.Arms {
		name := a.Arm.String()
		if i == c.Recommended {
			name += " ←"
		}
		row := append([]string{name + notes.mark(a.Warnings), Rate(a.Failed), runningTime(a.Cost)}, probabilities(a.Best)...)
		row = append(row, regret(a.Regret), yes(a.NotBeaten))
		if p.MaxFailureRate > 0 {
			row = append(row, limitText(a.Limit))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append([]string{Choice(c, p)}, notes.list()...)
	t.Notes = append(t.Notes, priorInfluence(c)...)
	t.Notes = append(t.Notes, breakEvens(c)...)
	var notRun []string
	for _, n := range c.NotRun {
		notRun = append(notRun, n.String())
	}
	if len(notRun) > 0 {
		t.Notes = append(t.Notes, and(notRun)+": not tested, and not ranked.")
	}
	return t
}

// Priors says under what beliefs P(best) is, where there is one.
func Priors(d analyse.Decision) []string {
	for _, c := range d.Groups {
		for _, a := range c.Arms {
			if len(a.Best) > 0 {
				return []string{priorsNote}
			}
		}
	}
	return nil
}

const priorsNote = "P(best) under four priors: of success rates Jeffreys', a uniform one, and a sceptic's, who starts from four trials that are all alike; of the spread of times a factor of about 1.6 either way, and last (erratic) of about 7, with Jeffreys'. It is no error rate."

// priorInfluence says how far P(best) rests on what was believed of times.
func priorInfluence(c analyse.Choice) []string {
	if len(c.Arms) == 0 || len(c.Arms[0].Best) == 0 {
		return nil
	}
	least, most := analyse.Value(1), analyse.Value(0)
	for _, a := range c.Arms {
		least, most = min(least, a.PriorShare), max(most, a.PriorShare)
	}
	switch {
	case least >= 0.995:
		return []string{"Nobody has seen how much the times vary: all that is held of that is the prior's."}
	case most >= 0.05:
		return []string{fmt.Sprintf("Of what is held of how much an arm's times vary, up to %s %% is the prior's.", percent(most))}
	}
	return nil
}

// Choice says what is recommended and how sure that is.
func Choice(c analyse.Choice, p analyse.Priorities) string {
	switch c.Kind {
	case analyse.NoTrials:
		return "Not tested: no recommendation."
	case analyse.NoneWorks:
		return "No strategy ever became ready: none is recommended."
	case analyse.NoneAllowed:
		return fmt.Sprintf("Every strategy that ever became ready was shown to fail in over %s %% of trials: none is recommended.", percent(analyse.Value(p.MaxFailureRate)))
	}
	a := c.Arms[c.Recommended]
	text := "Recommended: " + a.Arm.String()
	switch c.Kind {
	case analyse.Decided:
		text += ", decided: " + decidedBecause(c)
	case analyse.OnlyOne:
		text += ", because nothing else was run: nothing was compared."
	default:
		text += ", undecided: " + undecided(c)
	}
	if len(a.Best) > 0 {
		text += " " + bestSentence(a.Best)
	}
	return text + fmt.Sprintf(" Of its trials %s failed.", Rate(a.Failed)) + limitSentence(a, p)
}

// bestSentence has the range over the priors where they disagree.
func bestSentence(best []analyse.PriorProbability) string {
	low, high := best[0].Probability, best[0].Probability
	for _, b := range best {
		low, high = min(low, b.Probability), max(high, b.Probability)
	}
	usual := "= " + probability(best[0].Probability)
	if strings.ContainsAny(usual, "<>") {
		usual = usual[2:3] + " " + usual[3:]
	}
	if high-low < 0.05 {
		return fmt.Sprintf("P(best) %s.", usual)
	}
	return fmt.Sprintf("P(best) %s under Jeffreys' prior, and from %s to %s under others.", usual, probability(low), probability(high))
}

func decidedBecause(c analyse.Choice) string {
	for i, a := range c.Arms {
		if i != c.Recommended && a.NotBeaten {
			return "every other strategy that was run is beaten or was shown to fail too often (confidence 95 %)."
		}
	}
	return "every other strategy that was run is beaten (confidence 95 %)."
}

// regret is undefined where the posterior has no mean.
func regret(v analyse.Value) string {
	if !v.Finite() {
		return none
	}
	return duration(v)
}

func undecided(c analyse.Choice) string {
	var others []string
	for i, a := range c.Arms {
		if a.NotBeaten && i != c.Recommended && a.Limit != analyse.LimitExceeded {
			others = append(others, a.Arm.String())
		}
	}
	text := and(others) + " " + isAre(len(others)) + " not beaten."
	if len(others) == 0 {
		text = "it is not beaten, nor does it beat all others."
	}
	if c.TooFew {
		text += " So few trials cannot decide, however much the strategies differ."
	}
	switch {
	case c.MoreBlocks > 0:
		text += fmt.Sprintf(" %d more %s of these, about %s, %s with 80 %%.", c.MoreBlocks, noun(c.MoreBlocks, "block"), roughly(c.MoreSeconds), decideVerb(c.MoreBlocks))
	case c.MoreBlocks < 0:
		text += " Even 100 further blocks would not decide with 80 %: they may be as good as equal."
	}
	return text
}

func decideVerb(n int) string {
	if n == 1 {
		return "decides"
	}
	return "decide"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// probability prints a probability without ever rounding it to certainty.
func probability(v analyse.Value) string {
	switch {
	case !v.Finite():
		return none
	case v > 0.995:
		return ">0.99"
	case v < 0.005:
		return "<0.01"
	}
	return fmt.Sprintf("%.2f", float64(v))
}

// probabilities has a column for each of the four priors.
func probabilities(best []analyse.PriorProbability) []string {
	columns := []string{none, none, none, none}
	for i, b := range best {
		columns[i] = probability(b.Probability)
	}
	return columns
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func limitText(k analyse.LimitKind) string {
	switch k {
	case analyse.LimitShown:
		return "shown to be kept"
	case analyse.LimitExceeded:
		return "shown to be exceeded"
	}
	return "not shown either way"
}

func limitSentence(a analyse.Candidate, p analyse.Priorities) string {
	if a.Limit != analyse.LimitOpen {
		return ""
	}
	return fmt.Sprintf(" That it fails in at most %s %% of trials is not shown: without a further failure that takes %d trials in all.",
		percent(analyse.Value(p.MaxFailureRate)), analyse.CleanTrials(a.Failed.Events, p.MaxFailureRate))
}

func breakEvens(c analyse.Choice) (lines []string) {
	var never []string
	for _, b := range c.BreakEven {
		recommended := c.Arms[c.Recommended].Arm
		given := ""
		if b.Estimated.Finite() {
			given = "Given that it takes the ESTIMATED " + duration(b.Estimated) + " when it works, "
		}
		switch {
		case b.Rate > 0:
			lines = append(lines, fmt.Sprintf(given+"%s pays against %s only if it fails in under %s %% of trials; the probability that it does is %s.",
				b.Arm, recommended, percent(b.Rate), probability(b.Below)))
		case b.Estimated.Finite():
			lines = append(lines, fmt.Sprintf(given+"%s would not pay against %s even if it never failed.", b.Arm, recommended))
		default:
			never = append(never, b.Arm.String())
		}
	}
	switch len(never) {
	case 0:
		return lines
	case 1:
		return append(lines, fmt.Sprintf("%s would not pay against %s even if it never failed.", never[0], c.Arms[c.Recommended].Arm))
	}
	return append(lines, fmt.Sprintf("%s would not pay against %s even if they never failed.", and(never), c.Arms[c.Recommended].Arm))
}

// and joins names: "serial, 2+1 and parallel".
func and(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
