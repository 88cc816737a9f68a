package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/study"
)

// Hypotheses has a line for each hypothesis: its verdict, what it says, and the
// figures.
func Hypotheses(all []claims.Tested) (lines []string) {
	for _, t := range all {
		lines = append(lines, fmt.Sprintf("Hypothesis %s: %s. %s.", t.Verdict, Hypothesis(t.Hypothesis), Capital(figuresOf(t))))
	}
	return lines
}

// Hypothesis says what a hypothesis says.
func Hypothesis(h trial.Hypothesis) (text string) {
	switch h.Kind {
	case trial.HypothesisFailures:
		text = fmt.Sprintf("%s fails no more often than %s, give or take %s points", h.Of, h.Against, inPercent(float64(cmp.Or(h.Margin, claims.Margin))))
	case trial.HypothesisTime:
		text = fmt.Sprintf("%s takes at most %g × as long as %s", h.Of, h.Ratio, h.Against)
		if h.Survives {
			text += " where that never failed"
		}
	case trial.HypothesisLeastMemory:
		text = fmt.Sprintf("the least memory at which at most 5 %% of trials fail is lower for %s than for %s", h.Of, h.Against)
		if len(h.Against) == 0 {
			text = fmt.Sprintf("the least memory at which at most 5 %% of trials of %s fail is at most %s", h.Of, h.Memory)
		}
	}
	if len(h.Where) > 0 {
		text += " (" + h.Where.String() + ")"
	}
	return text
}

// figuresOf are what was measured for a hypothesis.
func figuresOf(t claims.Tested) string {
	m := t.Measured
	if m == nil {
		return "not tested: " + t.Why
	}
	if t.Kind == trial.HypothesisLeastMemory {
		text := enough(m.Value, m.N, m.Failed)
		if m.Base != nil {
			text += ", against " + enough(m.Base.Value, m.Base.N, m.Base.Failed)
		}
		return text + fmt.Sprintf("; true with a probability of %s %%", percent(study.Value(*m.Chance)))
	}
	figure, unit := func(v float64) string { return fmt.Sprintf("%.2f", v) }, " ×"
	if t.Kind == trial.HypothesisFailures {
		figure, unit = func(v float64) string { return strings.TrimSuffix(relative(v), " %") }, " points"
	}
	text := "endless"
	if m.Value.Finite() {
		text = figure(float64(m.Value)) + unit
	}
	upper := "∞"
	if m.High != nil {
		upper = figure(*m.High)
	}
	return fmt.Sprintf("%s (95 %%: %s to %s); %d of %d failed, against %d of %d", text, figure(*m.Low), upper, m.Failed, m.N, m.Base.Failed, m.Base.N)
}

// enough is the least memory that was enough, and the failures there.
func enough(memory study.Value, n, failed int) string {
	if !memory.Finite() {
		return fmt.Sprintf("no limit (%d of %d failed with the most)", failed, n)
	}
	return fmt.Sprintf("%s (%d of %d failed there)", trial.Bytes(memory), failed, n)
}
