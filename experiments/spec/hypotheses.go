package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// checkHypotheses reports hypotheses, and cells to run or to leave out, that are not of
// the plan, and what does not fit the kind of a hypothesis.
func (l *loader) checkHypotheses() {
	known := true
	for i, levels := range l.spec.Design.Cells {
		known = l.checkLevels(fmt.Sprintf("/design/cells/%d", i), levels) && known
	}
	for i, levels := range l.spec.Design.LeaveOut {
		l.checkLevels(fmt.Sprintf("/design/leaveOut/%d", i), levels)
	}
	cells := l.spec.Cells()
	if known && len(l.spec.Design.LeaveOut) > 0 && len(cells) == 0 {
		l.reportValue("/design/leaveOut", "design.leaveOut leaves out every cell; take some of its entries out")
	}
	if len(l.spec.Design.Hypotheses) > 0 && l.spec.Design.Stop != "" {
		l.reportValue("/design/stop", "design.stop ends a run by what its trials show, and hypotheses are tested by a number of trials that is fixed beforehand; take one of the two out")
	}
	for i := range l.spec.Design.Hypotheses {
		h, at := &l.spec.Design.Hypotheses[i], fmt.Sprintf("/design/hypotheses/%d", i)
		if h.Kind == "" || len(h.Of) == 0 {
			continue // the schema has reported it
		}
		good := true
		for key, levels := range map[string]trial.Levels{"of": h.Of, "against": h.Against, "where": h.Where} {
			good = l.checkLevels(at+"/"+key, levels) && good
		}
		if !l.checkKind(at, *h) || !good {
			continue
		}
		for key, levels := range map[string]trial.Levels{"of": h.Of, "against": h.Against} {
			if levels = levels.With(h.Where); known && len(levels) > 0 && !slices.ContainsFunc(cells, levels.In) {
				l.reportValue(at+"/"+key, "no cell of the plan has %s, because design.cells or design.leaveOut leaves them out; change the hypothesis or the design", levels)
			}
		}
	}
}

// checkLevels gives the levels the names that they have as written, such as 1.10, and
// reports those that the experiment does not vary. It returns whether it found none.
func (l *loader) checkLevels(at string, levels trial.Levels) bool {
	good := true
	for factor := range levels {
		here := at + pointerTo(factor)
		if text, ok := l.doc.text[here]; ok {
			levels[factor] = text
		}
		known, varied := l.spec.LevelNames(factor)
		if !varied {
			if known := l.doc.keys["/factors"]; !slices.Contains(known, factor) { // else its own issue is reported
				l.reportKey(here, "%s is no factor of this experiment; %s", factor, suggest(factor, known))
			}
			good = false
			continue
		}
		if !slices.Contains(known, levels[factor]) {
			l.reportValue(here, "factor %s has no level %q; %s", factor, levels[factor], suggest(levels[factor], known))
			good = false
		}
	}
	return good
}

// checkKind reports keys that a hypothesis of its kind lacks, or that mean nothing for
// it. It returns whether it found none.
func (l *loader) checkKind(at string, h trial.Hypothesis) bool {
	before := len(l.issues.List)
	given := func(key string) bool { return l.doc.has(at + "/" + key) } // right or wrong
	fits := map[trial.HypothesisKind][]string{
		trial.HypothesisFailures: {"against", "margin"}, trial.HypothesisTime: {"against", "ratio", "phase", "survives"}, trial.HypothesisLeastMemory: {"against", "memory"},
	}[h.Kind]
	for _, key := range []string{"against", "margin", "ratio", "phase", "survives", "memory"} {
		if given(key) && !slices.Contains(fits, key) {
			l.reportKey(at+"/"+key, "%s means nothing for a hypothesis of kind %s, which takes %s; take it out", key, h.Kind, strings.Join(fits, ", "))
		}
	}
	switch {
	case h.Kind != trial.HypothesisLeastMemory && !given("against"):
		l.reportValue(at, "the hypothesis compares with nothing; add against, such as against: {strategy: serial}")
	case h.Kind == trial.HypothesisTime && !given("ratio"):
		l.reportValue(at, "the hypothesis does not say how long is too long; add ratio, such as ratio: 1.1 for at most 1.1 times as long")
	case h.Kind == trial.HypothesisLeastMemory:
		if given("against") == given("memory") {
			l.reportValue(at, "a hypothesis of kind leastMemory needs either against or memory; write one of the two, such as memory: 2GiB")
		}
		if _, named := h.Of.With(h.Against).With(h.Where)["memory"]; named {
			l.reportValue(at, "a hypothesis of kind leastMemory is about all levels of memory; take memory out of its keys of, against and where")
		}
		if known, _ := l.spec.LevelNames("memory"); len(known) < 2 {
			l.reportValue(at, "a hypothesis of kind leastMemory needs several levels of the factor memory; add them under factors")
		} else if name := slices.IndexFunc(known, func(level string) bool { _, err := trial.ParseBytes(level); return err != nil }); name >= 0 {
			l.reportValue(at, "a hypothesis of kind leastMemory compares amounts, and %q is the name of a level of memory; write its amount in place of the name", known[name])
		} else if h.Memory != "" && !slices.Contains(known, h.Memory) {
			l.reportValue(at+"/memory", "factor memory has no level %q; %s", h.Memory, suggest(h.Memory, known))
		}
	}
	differ := func(factor string) bool { return h.Against[factor] != "" && h.Against[factor] != h.Of[factor] }
	if len(h.Against) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(h.Of)), differ) {
		l.reportValue(at+"/against", "of and against have trials in common; give them different levels of one factor, such as strategy")
	}
	for factor := range h.Where {
		if _, named := h.Of.With(h.Against)[factor]; named {
			l.reportKey(at+"/where"+pointerTo(factor), "%s is in where and in of or against; name it in one of them", factor)
		}
	}
	return len(l.issues.List) == before
}
