package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// The first screen has room for so much. With more than mostCards recommendations
// each has its effect only, one sentence covers what would settle them, and the
// table has fewRows strategies instead of mostRows.
const (
	mostCards = 3
	cardWords = 140
	mostRows  = 10
	fewRows   = 6
)

// Answer is the first screen: what to do, the strategies, and what this rests on.
func Answer(s study.Study, a answer.Answer) Document {
	return Document{Data: a, Tidy: tidyAnswer(a),
		Notes:    slices.Concat(Lead(s), Hypotheses(a.Hypotheses), Imported(a), texts(Cards(a), Card.String)),
		Sections: []Table{StrategyTable(a), {Title: "What this rests on", Notes: Grounds(a)}}}
}

var (
	situations   = map[answer.Situation]string{answer.Build: "Images to build", answer.Pull: "Images there already"}
	environments = map[answer.Environment]string{answer.Local: "local", answer.CI: "CI"}
)

// situation is what is there already, which nobody knows of a set-up of a user's own.
func situation(a answer.Answer, s answer.Situation) string {
	if slices.ContainsFunc(a.Chosen, func(factor string) bool { return strings.HasPrefix(factor, "workload.setup.") }) {
		return "Set-up"
	}
	return situations[s]
}

// Card is one recommendation: when, what to do, what it brings, and how sure that is.
type Card struct {
	When, Do, Why string
	Verdict       compare.Verdict
	// Label is the verdict, or provisional where only failures that nobody has seen keep
	// it open.
	Label string
}

func (c Card) String() string {
	return strings.TrimSuffix(c.When+": "+c.Do+". "+c.Why, " ")
}

// Cards are the recommendations. Environments and places with the same one share it.
func Cards(a answer.Answer) (cards []Card) {
	groups, words := together(a.Decisions), 0
	for _, group := range groups {
		d := group[0]
		c := Card{When: situation(a, d.Situation) + conditions(group), Do: toDo(d), Verdict: d.Verdict, Label: string(d.Verdict)}
		if slices.ContainsFunc(group, func(d answer.Decision) bool { return d.Verdict != compare.Undecided && d.OnlyWhenItWorks }) {
			if len(d.Best) > 1 {
				c.Do += ", when they work"
			} else {
				c.Do += ", when it works"
			}
		}
		if works(d) {
			c.Label = "provisional"
		}
		if d.Verdict != compare.Undecided && slices.ContainsFunc(group, func(d answer.Decision) bool { return reachesFurther(d, a.Warnings) }) {
			c.Do += ", where tried"
		}
		alone := allThatIsLeft(group)
		if alone != "" {
			c.Do += ", the only one not ruled out"
		}
		switch {
		case d.Verdict == compare.None:
		case a.Mixed(results.MixedWithin):
			c.Why = "Times of one combination seem to be in several units; write all in seconds."
		case nothingCompared(d):
			c.Why = "No two strategies ran in the same place and block, so nothing can be compared."
		case d.Verdict == compare.Undecided && d.FailureBound == nil && a.Mixed(results.MixedBetween): // open for its units
			c.Why = "If all times are in the same unit: " + figures(group, true) + "."
		case len(groups) > mostCards:
			c.Why = Capital(figures(group, false)) + "."
			if len(d.FailTooOften) == len(d.Best) {
				c.Why += tooOften(group)
			}
			// What these places rule out and others of the situation do not.
			_, partly := outOf(a, d.Situation)
			out := slices.DeleteFunc(partly, func(name string) bool {
				return slices.ContainsFunc(group, func(d answer.Decision) bool { return !slices.Contains(d.RuledOut, name) })
			})
			if len(out) > 0 {
				c.Why += " Out: " + strings.Join(out, ", ") + "."
			}
		default:
			c.Why = Capital(figures(group, true)) + "." + tooOften(group) + stillOpen(group)
		}
		c.Why += alone
		// Not shown to be faster than the next.
		if d.Verdict == compare.Decided && slices.ContainsFunc(group, func(d answer.Decision) bool { return d.Interval != nil && d.Interval[1] > 0 }) {
			c.Do += fmt.Sprintf(" (best within %s %%)", percent(study.Value(a.Indifference)))
		}
		if words += len(strings.Fields(c.String())); words > cardWords && len(groups) > mostCards {
			break
		}
		cards = append(cards, c)
	}
	return cards
}

// toDo is what a decision recommends.
func toDo(d answer.Decision) string {
	switch {
	case d.Verdict == compare.None:
		return "no strategy works well enough"
	case d.Verdict != compare.Undecided:
		return "use " + or(d.Best)
	case nothingCompared(d):
		return "no verdict"
	case len(d.FailTooOften) == len(d.Best):
		return "no strategy yet"
	case works(d):
		return d.Best[0] + " looks best"
	}
	if n := len(d.Best); n > 3 {
		return fmt.Sprintf("%s or %d others, still open", strings.Join(d.Best[:2], ", "), n-2)
	}
	return or(d.Best) + ", still open"
}

// tooOften names strategies not ruled out, and not recommended for their failures.
func tooOften(group []answer.Decision) string {
	var names []string
	for _, d := range group {
		for _, name := range d.FailTooOften {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	verb := "fails"
	if len(names) > 1 {
		verb = "fail"
	}
	return fmt.Sprintf(" %s probably %s in over %s %% of set-ups, more than CI accepts.", and(names), verb, inPercent(answer.MaxFailureRate))
}

// allThatIsLeft says how little is known of a strategy that is chosen only because all
// others fail too often or never became ready; empty if it was compared with any.
func allThatIsLeft(group []answer.Decision) string {
	trials, bound := 0, 0.0
	for _, d := range group {
		if d.Verdict != compare.Decided || d.Effect != nil || len(d.RuledOut) == 0 || d.FailureBound == nil {
			return ""
		}
		if *d.FailureBound > bound {
			trials, bound = d.N, *d.FailureBound
		}
	}
	return fmt.Sprintf(" After %d %s it may still fail in up to %s %% of set-ups (95 %%).", trials, noun(trials, "trial"), inPercent(bound))
}

func nothingCompared(d answer.Decision) bool {
	return d.Verdict == compare.Undecided && len(d.FailTooOften) == 0 && d.Effect == nil && d.Against == "" && d.ToSettle == nil && d.Interval == nil
}

// works reports whether only failures keep the decision open.
func works(d answer.Decision) bool {
	return d.Verdict == compare.Undecided && len(d.FailTooOften) == 0 && (d.WhenItWorks == compare.Decided || d.WhenItWorks == compare.Tied)
}

// together groups the decisions of a situation that say the same.
func together(all []answer.Decision) (groups [][]answer.Decision) {
	for _, d := range all {
		same := func(g []answer.Decision) bool {
			return g[0].Situation == d.Situation && g[0].Verdict == d.Verdict && toDo(g[0]) == toDo(d)
		}
		if i := slices.IndexFunc(groups, same); i >= 0 {
			groups[i] = append(groups[i], d)
		} else {
			groups = append(groups, []answer.Decision{d})
		}
	}
	return groups
}

// conditions are the environments and places of decisions that say the same.
func conditions(group []answer.Decision) string {
	names := map[string]string{} // of the environments, by places
	var all []string
	for _, e := range []answer.Environment{answer.Local, answer.CI} {
		var wheres []compare.Where
		for _, d := range group {
			if d.Environment == e {
				wheres = append(wheres, d.Where)
			}
		}
		places := anyOf(wheres)
		switch {
		case len(wheres) == 0:
		case names[places] != "":
			names[places] += " and " + environments[e]
		default:
			names[places], all = environments[e], append(all, places)
		}
	}
	return ", " + strings.Join(texts(all, func(places string) string { return strings.TrimSuffix(names[places]+", "+places, ", ") }), "; ")
}

// anyOf names places. Where all are levels of one factor, it is named once.
func anyOf(wheres []compare.Where) string {
	var names, levels []string
	factors := map[string]bool{}
	for _, where := range wheres {
		names = append(names, placeName(where))
		for factor, some := range where {
			factors[factor], levels = true, append(levels, some.String())
		}
	}
	if len(factors) == 1 && len(levels) == len(wheres) {
		return slices.Collect(maps.Keys(factors))[0] + " " + strings.Join(levels, " or ")
	}
	return strings.Join(names, " or ")
}

// stillOpen says what would settle open decisions that say the same.
func stillOpen(group []answer.Decision) (text string) {
	var blocks, trials []int
	var verdicts []string
	seconds, of, doubt := 0.0, "", "do not show well enough how often each fails"
	for _, d := range group {
		trials = append(trials, d.N)
		if v := string(d.WhenItWorks); !slices.Contains(verdicts, v) {
			verdicts = append(verdicts, v)
		}
		if d.FailureBound == nil || d.BreakEven == nil || *d.FailureBound > *d.BreakEven {
			doubt = "cannot exclude that failures reverse it"
		}
		if s := d.ToSettle; s != nil {
			blocks, seconds, of = append(blocks, s.Blocks), max(seconds, s.Seconds), strings.Join(s.Arms, ", ")
			if n := len(s.Arms); n > 1 && slices.Equal(s.Arms, group[0].Best) && !works(group[0]) {
				of = "these"
			} else if n > 3 {
				of = fmt.Sprintf("the %d that are not slower", n)
			}
		}
	}
	if works(group[0]) {
		text = fmt.Sprintf(" %s when it works; %s %s %s.", Capital(or(verdicts)), fromTo(trials), noun(slices.Max(trials), "trial"), doubt)
	}
	if len(blocks) > 0 {
		text += fmt.Sprintf(" About %s more %s of %s (%s) should settle it.", fromTo(blocks), noun(slices.Max(blocks), "block"), of, roughly(study.Value(seconds)))
	}
	return text
}

func fromTo(counts []int) string {
	if least, most := slices.Min(counts), slices.Max(counts); least < most {
		return fmt.Sprintf("%d to %d", least, most)
	}
	return fmt.Sprint(counts[0])
}

// settled says what would settle all open decisions, where the cards do not.
func settled(a answer.Answer) string {
	if len(together(a.Decisions)) <= mostCards {
		return ""
	}
	var blocks []int
	failures := false
	for _, d := range a.Decisions {
		if s := d.ToSettle; d.Verdict == compare.Undecided && s != nil {
			blocks, failures = append(blocks, s.Blocks), failures || works(d)
		}
	}
	if len(blocks) == 0 {
		return ""
	}
	text := fmt.Sprintf("About %s more %s should settle what is open", fromTo(blocks), noun(slices.Max(blocks), "block"))
	if failures {
		text += ", and whether failures reverse what looks best"
	}
	return text + "."
}

// figures are the cost, effect, interval and n of decisions that say the same, over all
// places of the first environment, which is named if there are two. The bound of failures
// and the rate at which they would turn the choice are the worst of both.
func figures(group []answer.Decision, cost bool) string {
	var parts []string
	d := group[0]
	both := group[len(group)-1].Environment != d.Environment
	var costs, effects, bounds []float64
	against, n, failed, slow, inCI, failedInCI := d.Against, 0, 0, 0, 0, 0
	bound, turns, told := 0.0, 1.0, cost && (d.Verdict != compare.Undecided || works(d))
	for _, other := range group {
		if other.FailureBound != nil && other.BreakEven != nil {
			bound, turns, told = max(bound, *other.FailureBound), min(turns, *other.BreakEven), told || other.OnlyWhenItWorks && d.Verdict != compare.Undecided
		}
		if other.Environment != d.Environment {
			inCI, failedInCI = inCI+other.N, failedInCI+other.Failed
			continue
		}
		n, failed, slow = n+other.N, failed+other.Failed, slow+other.Slow
		if other.Cost != nil && cost {
			costs = append(costs, *other.Cost)
		}
		if other.Effect != nil {
			effects = append(effects, *other.Effect)
		}
		if other.Interval != nil {
			bounds = append(bounds, other.Interval[:]...)
		}
		if other.Against != against {
			against = "the next"
		}
	}
	what := "mean "
	if d.Environment == answer.CI {
		what = "90 % quantile "
	}
	if len(costs) > 0 {
		least, most := duration(study.Value(slices.Min(costs))), duration(study.Value(slices.Max(costs)))
		if what += least; least != most {
			what += " to " + most
		}
		parts = append(parts, what)
	}
	if len(effects) > 0 {
		low, high := relative(slices.Min(effects)), relative(slices.Max(effects))
		effect := high + " against " + against
		if low != high {
			effect = strings.TrimSuffix(low, " %") + " to " + effect
		}
		if len(bounds) > 0 {
			effect += fmt.Sprintf(" (95 %%: %s to %s)", strings.TrimSuffix(relative(slices.Min(bounds)), " %"), relative(slices.Max(bounds)))
		}
		if both && len(costs) == 0 {
			effect = what + effect
		}
		parts = append(parts, effect)
	}
	if both && len(parts) > 0 {
		parts = []string{"local " + strings.Join(parts, ", ")}
	}
	failures := fmt.Sprintf("%d of %d failed", failed, n)
	if slow > 0 {
		failures += fmt.Sprintf(", %d far slower", slow)
	}
	if both && (inCI != n || failedInCI != failed) {
		failures += fmt.Sprintf(", in CI %d of %d", failedInCI, inCI)
	}
	if bound > 0 && told {
		failures += fmt.Sprintf(" (95 %%: under %s %%; not best over %s %%)", inPercent(bound), inPercent(turns))
	}
	return strings.Join(append(parts, failures), "; ")
}

func placeName(where compare.Where) string {
	return strings.Join(texts(slices.Sorted(maps.Keys(where)), func(f string) string { return f + " " + where[f].String() }), ", ")
}

// StrategyTable has a row for each strategy, up to mostRows.
func StrategyTable(a answer.Answer) Table {
	t := Table{Title: "Strategies: mean seconds to ready", Header: []string{cmp.Or(strings.Join(a.Chosen, ", "), "strategy")}}
	columns := slices.DeleteFunc(append([]string{""}, a.Levels...), func(level string) bool {
		return !slices.ContainsFunc(a.Strategies, func(s answer.Strategy) bool { return s.Seconds[level] > 0 })
	})
	t.Header = slices.Concat(t.Header, texts(columns, func(level string) string { return cmp.Or(level, "all") }), []string{"failed"})
	most := mostRows
	if len(together(a.Decisions)) > mostCards {
		most = fewRows
	}
	for i, s := range a.Strategies {
		if i == most {
			t.Notes = append(t.Notes, fmt.Sprintf("%d slower strategies are left out.", len(a.Strategies)-most))
			break
		}
		row := []string{s.Name}
		for _, level := range columns {
			if v, ok := s.Seconds[level]; ok {
				row = append(row, fmt.Sprintf("%.1f", v))
			} else {
				row = append(row, none)
			}
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%d/%d", s.Failed, s.N)))
	}
	for _, s := range a.Strategies {
		if s.Crashed > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s lost the engine in %d of %d trials and went on; the times include all of that.", s.Name, s.Crashed, s.N))
		}
	}
	return t
}

// Imported is what is doubtful about imported trials, to be read before any advice.
func Imported(a answer.Answer) (notes []string) {
	if len(a.Doubts) > 0 {
		notes = append(notes, "Doubtful: "+a.Doubts[0])
	}
	if n := len(a.Doubts) - 1; n > 0 {
		notes = append(notes, fmt.Sprintf("%d more doubtful %s in the document (--output json).", n, noun(n, "line")))
	}
	return notes
}

// Grounds are what was ruled out and pooled, and what would change the advice.
func Grounds(a answer.Answer) (notes []string) {
	add := func(text string) {
		if text != "" {
			notes = append(notes, text)
		}
	}
	add(fmt.Sprintf("Differences under %s %% count as none.", percent(study.Value(a.Indifference))))
	add(pooled(a))
	for _, e := range a.Engines {
		add(EngineVersion(e))
	}
	add(untried(a))
	for _, w := range a.Warnings {
		switch {
		case w.Kind == compare.Confounded:
			add(fmt.Sprintf("%s never ran in the same place, so the effect of the strategy cannot be separated from that of %s. Run each strategy at each of its levels.",
				strings.Join(w.Arms, " and "), cmp.Or(or(w.Factors), "the place where it ran")))
		case w.Kind == compare.Drift && math.Abs(w.Change) >= 0.005:
			text := fmt.Sprintf("Times drifted by %s a block", relative(w.Change))
			if slices.ContainsFunc(a.Decisions, func(d answer.Decision) bool { return d.Effect != nil }) {
				text += "; comparisons inside blocks are unharmed"
			}
			add(text + ".")
		case w.Kind == compare.CarryOver:
			add(fmt.Sprintf("Failures follow failures: %s %% fail after a failed trial, %s %% otherwise. Recovery leaves something behind, so rates here are not independent.",
				inPercent(w.After), inPercent(w.Otherwise)))
		}
	}
	if len(a.FailuresAt) > 0 {
		add(fmt.Sprintf("All %d failures are at %s.", a.Failed, placeName(a.FailuresAt)))
	}
	add(ruledOut(a))
	if n := len(together(a.Decisions)) - len(Cards(a)); n > 0 {
		add(fmt.Sprintf("%d more %s for other places (--output json).", n, noun(n, "recommendation")))
	}
	add(settled(a))
	var setUps []int
	for _, p := range a.Push {
		setUps = append(setUps, p.SetUps)
	}
	switch {
	case slices.Contains(setUps, 0):
		add("Pushing the images for this alone does not pay everywhere: pulling saves no time at some places.")
	case len(setUps) > 0:
		add(fmt.Sprintf("Pushing the images pays after %s %s.", fromTo(setUps), noun(slices.Max(setUps), "set-up")))
	}
	return notes
}

func inPercent(v float64) string {
	if v > 0.99 {
		return percent(study.Value(v))
	}
	return fmt.Sprintf("%.2g", 100*v)
}

func pooled(a answer.Answer) string {
	var same, split []string
	for _, f := range a.Pooled {
		switch {
		case f.Split:
			// At its levels the order may differ, and the best be the same.
			if slices.ContainsFunc(a.Decisions, func(d answer.Decision) bool { return len(d.Where[f.Name]) > 0 }) {
				split = append(split, f.Name)
			}
		case f.P.Finite():
			same = append(same, f.Name)
		}
	}
	text := "The best strategy depends on " + strings.Join(split, " and ")
	switch {
	case len(split)+len(same) == 0:
		return ""
	case len(split) == 0:
		text = "The order of strategies does not depend on " + strings.Join(same, " or ")
	case len(same) > 0:
		text += ", not on " + strings.Join(same, " or ")
	}
	return text + "."
}

// EngineVersion says which version of an engine sets up faster; it is empty while that
// is open.
func EngineVersion(e answer.EngineVersion) string {
	tail := "."
	if e.OnlyWhenItWorks {
		tail = " when they work."
	}
	if len(e.Where) > 0 {
		tail = ", at " + placeName(e.Where) + tail
	}
	switch {
	case e.Verdict == compare.Tied:
		return Capital(e.Runtime) + " " + and(e.Best) + " are equally fast" + tail
	case e.Verdict != compare.Decided || e.Effect == nil || e.Interval == nil:
		return ""
	}
	return fmt.Sprintf("%s %s takes %s against %s, all else equal (95 %%: %s to %s)%s", Capital(e.Runtime), e.Best[0], relative(*e.Effect), e.Against,
		strings.TrimSuffix(relative(e.Interval[0]), " %"), relative(e.Interval[1]), tail)
}

// mostUntried is how many sets of untried strategies are named, and places of each.
const mostUntried = 3

// untried names strategies that never ran in some place.
func untried(a answer.Answer) string {
	var who, parts []string
	wheres := map[string][]compare.Where{}
	for _, w := range a.Warnings {
		if w.Kind != compare.Untried || slices.ContainsFunc(a.Warnings, func(c compare.Warning) bool { // which says it
			return c.Kind == compare.Confounded && !slices.ContainsFunc(w.Arms, func(arm string) bool { return !slices.Contains(c.Arms, arm) }) &&
				slices.ContainsFunc(c.Factors, func(f string) bool { _, in := w.Where[f]; return in })
		}) {
			continue
		}
		name := and(w.Arms)
		if wheres[name] == nil {
			who = append(who, name)
		}
		wheres[name] = append(wheres[name], w.Where)
	}
	for _, name := range who[:min(mostUntried, len(who))] {
		at := wheres[name]
		part := name + " at " + anyOf(at[:min(mostUntried, len(at))])
		if more := len(at) - mostUntried; more > 0 {
			part += fmt.Sprintf(" or %d other places", more)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	text := "No trial of " + strings.Join(parts, "; of ")
	if len(who) > mostUntried {
		text += "; of others elsewhere (--output json)"
	}
	return text + ": how well that works there is not known."
}

// reachesFurther reports whether a decision recommends a strategy where that never ran.
func reachesFurther(d answer.Decision, warnings []compare.Warning) bool {
	return slices.ContainsFunc(warnings, func(w compare.Warning) bool {
		for factor, level := range w.Where {
			if at := d.Where[factor]; at != nil && !slices.Contains(at, level[0]) {
				return false
			}
		}
		return w.Kind == compare.Untried && slices.ContainsFunc(w.Arms, func(arm string) bool { return slices.Contains(d.Best, arm) })
	})
}

// ruledOut names what every decision of a situation rules out and, if room, what some do.
func ruledOut(a answer.Answer) string {
	var parts, builders []string
	for _, strategy := range a.Strategies {
		if !strategy.Pulls {
			builders = append(builders, strategy.Name)
		}
	}
	for _, s := range []answer.Situation{answer.Build, answer.Pull} {
		everywhere, partly := outOf(a, s)
		if s == answer.Pull && len(builders) > 1 && slices.Equal(everywhere, builders) {
			everywhere = []string{"all that build"}
		}
		if len(partly) > 0 && len(together(a.Decisions)) <= mostCards {
			everywhere = append(everywhere, "in part "+strings.Join(partly, ", "))
		}
		if len(everywhere) > 0 {
			parts = append(parts, strings.ToLower(situation(a, s))+": "+strings.Join(everywhere, ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Ruled out, " + strings.Join(parts, "; ") + "."
}

// outOf are the strategies that all decisions of a situation rule out, and only some.
func outOf(a answer.Answer, s answer.Situation) (everywhere, partly []string) {
	decisions, out := 0, map[string]int{}
	for _, d := range a.Decisions {
		if d.Situation == s && d.Verdict != compare.None {
			decisions++
			for _, name := range d.RuledOut {
				out[name]++
			}
		}
	}
	for _, strategy := range a.Strategies {
		switch out[strategy.Name] {
		case 0:
		case decisions:
			everywhere = append(everywhere, strategy.Name)
		default:
			partly = append(partly, strategy.Name)
		}
	}
	return everywhere, partly
}

// tidyAnswer has a decision a row.
func tidyAnswer(a answer.Answer) [][]string {
	rows := [][]string{{"situation", "environment", "where", "verdict", "best", "ruled_out", "effect", "lower", "upper", "n", "failed"}}
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return fmt.Sprintf("%.4g", *v)
	}
	for _, d := range a.Decisions {
		var low, high *float64
		if d.Interval != nil {
			low, high = &d.Interval[0], &d.Interval[1]
		}
		rows = append(rows, []string{string(d.Situation), string(d.Environment), placeName(d.Where), string(d.Verdict), strings.Join(d.Best, ";"),
			strings.Join(d.RuledOut, ";"), number(d.Effect), number(low), number(high), fmt.Sprint(d.N), fmt.Sprint(d.Failed)})
	}
	return rows
}

// Foresight says what the planned blocks can decide, and how many would settle all.
func Foresight(f answer.Foresight, blocks int, each time.Duration) (notes []string) {
	from := "an assumption, because no earlier run has these cells"
	if f.Seen {
		from = "as earlier runs of these cells have shown"
	}
	notes = append(notes, fmt.Sprintf("Times of a cell vary by %.0f %%: %s.", 100*f.Noise, from))
	ruledOut := "can rule out no strategy"
	if f.RuledOut <= 10 { // a larger difference is none that anybody plans for
		ruledOut = fmt.Sprintf("rule out a strategy that takes about %.0f %% longer than the best", 100*float64(f.RuledOut))
	}
	notes = append(notes, fmt.Sprintf("%s at %s %s.", Counted(blocks, "block"), Counted(f.Places, "place"), ruledOut))
	text := fmt.Sprintf("To show that strategies are equally fast, within %g %% (design.indifference), and to exclude failures that would reverse the choice, takes about %d %s without a failure (%s)",
		100*f.Indifference, f.Settled, noun(f.Settled, "block"), roughly(study.Value((time.Duration(f.Settled) * each).Seconds())))
	if f.Settled > blocks {
		text += "; with stop: decided a run ends as soon as that is done"
	}
	return append(notes, text+".")
}
