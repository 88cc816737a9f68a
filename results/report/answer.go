package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
)

// mostRows is how many strategies the first screen has.
const mostRows = 10

// Answer is the first screen of a report: what to do in each situation, the
// strategies, why, and what would change it.
func Answer(a answer.Answer) Document {
	d := Document{Data: a, Tidy: tidyAnswer(a)}
	for _, c := range Cards(a) {
		d.Notes = append(d.Notes, c.String())
	}
	d.Sections = []Table{StrategyTable(a), {Title: "What this rests on", Notes: Grounds(a)}}
	return d
}

// together puts decisions beside each other that say the same of several
// environments.
func together(all []answer.Decision) (groups [][]answer.Decision) {
	for _, d := range all {
		same := func(g []answer.Decision) bool {
			f := g[0]
			return f.Situation == d.Situation && maps.Equal(f.Where, d.Where) && f.Verdict == d.Verdict &&
				slices.Equal(f.Best, d.Best) && f.Verdict != compare.Undecided
		}
		if i := slices.IndexFunc(groups, same); i >= 0 {
			groups[i] = append(groups[i], d)
			continue
		}
		groups = append(groups, []answer.Decision{d})
	}
	return groups
}

var (
	situations   = map[answer.Situation]string{answer.Build: "Images to build", answer.Pull: "Images there already"}
	environments = map[answer.Environment]string{answer.Local: "local", answer.CI: "CI"}
)

// Card is one recommendation: when it applies, what to do, how much it brings,
// and how sure that is.
type Card struct {
	When, Do, Why string
	Verdict       compare.Verdict
}

func (c Card) String() string {
	text := c.When + ": " + c.Do + "."
	if c.Why != "" {
		text += " " + c.Why
	}
	return text
}

// Cards are the recommendations.
func Cards(a answer.Answer) (cards []Card) {
	groups := together(a.Decisions)
	for _, group := range groups {
		d := group[0]
		var where []string
		for _, g := range group {
			where = append(where, environments[g.Environment])
		}
		c := Card{When: situations[d.Situation] + ", " + strings.Join(where, " and "), Verdict: d.Verdict}
		if len(d.Where) > 0 {
			c.When += ", " + placeName(d.Where)
		}
		switch d.Verdict {
		case compare.None:
			c.Do, c.Why = "no strategy works well enough", "All failed, or fail too often."
		case compare.Undecided:
			c.Do, c.Why = stillOpen(d, len(groups) <= mostCards)
		case compare.Tied:
			c.Do, c.Why = "use "+either(d.Best), fmt.Sprintf("They are as good as each other within %s %%. %s", percent(analyse.Value(a.Indifference)), figures(d))
		default:
			c.Do, c.Why = "use "+d.Best[0], figures(d)
			if d.Interval != nil && d.Interval[1] > 0 { // not shown to be faster, only as good as the best
				c.Why = fmt.Sprintf("No other is better by over %s %%. %s", percent(analyse.Value(a.Indifference)), c.Why)
			}
		}
		cards = append(cards, c)
	}
	return cards
}

// mostCards is how many recommendations say each what would settle them. Of more,
// one sentence says so for all.
const mostCards = 4

func stillOpen(d answer.Decision, settle bool) (do, why string) {
	if d.Effect == nil && d.Against == "" && d.ToSettle == nil && d.Interval == nil {
		return "no verdict", "Nothing was compared in the same place and block."
	}
	do, why = "open between "+either(d.Best), figures(d)
	if works(d) {
		do = d.Best[0] + " looks best"
	}
	if !settle {
		return do, why
	}
	if works(d) {
		why += fmt.Sprintf(" %s when it works; %d trials cannot exclude that failures turn it.", capital(string(d.WhenItWorks)), d.N)
	}
	if s := d.ToSettle; s != nil {
		why += fmt.Sprintf(" About %d more %s of %s (%s) should settle it.", s.Blocks, noun(s.Blocks, "block"), these(s.Strategies), roughly(analyse.Value(s.Seconds)))
	}
	return do, why
}

// works reports whether only failures keep the decision open.
func works(d answer.Decision) bool {
	return d.WhenItWorks == compare.Decided || d.WhenItWorks == compare.Tied
}

// settled says for all open decisions together what would settle them, where the
// cards do not.
func settled(a answer.Answer) string {
	if len(together(a.Decisions)) <= mostCards {
		return ""
	}
	least, most, failures := math.MaxInt, 0, false
	for _, d := range a.Decisions {
		if s := d.ToSettle; d.Verdict == compare.Undecided && s != nil {
			least, most, failures = min(least, s.Blocks), max(most, s.Blocks), failures || works(d)
		}
	}
	if most == 0 {
		return ""
	}
	blocks := fmt.Sprintf("%d", most)
	if least < most {
		blocks = fmt.Sprintf("%d to %d", least, most)
	}
	text := fmt.Sprintf("About %s more %s should settle what is open.", blocks, noun(most, "block"))
	if failures {
		text += " What looks best is so when it works; so few trials cannot exclude that failures turn it."
	}
	return text
}

// these names few strategies, and counts many.
func these(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("these %d", len(names))
	}
	return strings.Join(names, ", ")
}

// figures are a decision's cost, effect, interval and n.
func figures(d answer.Decision) string {
	var parts []string
	if d.Cost != nil {
		what := "mean"
		if d.Environment == answer.CI {
			what = "90 % quantile"
		}
		parts = append(parts, what+" "+duration(analyse.Value(*d.Cost)))
	}
	if d.Effect != nil {
		effect := fmt.Sprintf("%s against %s", relative(*d.Effect), d.Against)
		if d.Interval != nil {
			effect += fmt.Sprintf(", 95 %%: %s to %s", relative(d.Interval[0]), relative(d.Interval[1]))
		}
		parts = append(parts, effect)
	}
	parts = append(parts, fmt.Sprintf("n = %d, %d failed", d.N, d.Failed))
	text := strings.Join(parts, "; ") + "."
	return capital(text)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// relative prints a relative change: −48 %, +3 %.
func relative(v float64) string {
	p := math.Round(100 * v)
	switch {
	case p > 999:
		return "over +999 %"
	case p > 0:
		return fmt.Sprintf("+%.0f %%", p)
	case p < 0:
		return fmt.Sprintf("−%.0f %%", -p)
	}
	return "0 %"
}

func either(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func placeName(where map[string]string) string {
	var parts []string
	for _, f := range slices.Sorted(maps.Keys(where)) {
		parts = append(parts, f+" "+where[f])
	}
	return strings.Join(parts, ", ")
}

// StrategyTable has a row for each strategy, at most ten.
func StrategyTable(a answer.Answer) Table {
	t := Table{Title: "Strategies: mean seconds to ready", Header: []string{cmp.Or(strings.Join(a.Chosen, ", "), "strategy")}}
	levels := map[string]bool{}
	for _, s := range a.Strategies {
		for level := range s.Seconds {
			levels[level] = true
		}
	}
	columns := slices.Sorted(maps.Keys(levels))
	for _, level := range columns {
		if level == "" {
			t.Header = append(t.Header, "all")
		} else {
			t.Header = append(t.Header, level)
		}
	}
	t.Header = append(t.Header, "failed")
	for i, s := range a.Strategies {
		if i == mostRows {
			t.Notes = append(t.Notes, fmt.Sprintf("%d slower ones are left out.", len(a.Strategies)-mostRows))
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
	return t
}

// mostBreakEvens is how many rates of failure that turn a recommendation are
// printed; the document has all.
const mostBreakEvens = 2

// mostDoubts is how many doubtful lines of imported files are printed.
const mostDoubts = 2

// Grounds are what was ruled out, what was pooled, and what would change the
// recommendations.
func Grounds(a answer.Answer) (notes []string) {
	for i, doubt := range a.Doubts {
		if i == mostDoubts {
			notes = append(notes, fmt.Sprintf("%d more doubtful lines are in the document (--output json).", len(a.Doubts)-i))
			break
		}
		notes = append(notes, "Doubtful: "+doubt)
	}
	if text := pooled(a.Pooled); text != "" {
		notes = append(notes, text)
	}
	for _, w := range a.Warnings {
		if text := answerWarning(w); text != "" {
			notes = append(notes, text)
		}
	}
	if len(a.FailuresAt) > 0 {
		notes = append(notes, fmt.Sprintf("All %d failures are at %s.", a.Failed, placeName(a.FailuresAt)))
	}
	if text := ruledOut(a.Decisions); text != "" {
		notes = append(notes, text)
	}
	if text := settled(a); text != "" {
		notes = append(notes, text)
	}
	breakEvens := 0
	for _, d := range a.Decisions {
		if breakEvens == mostBreakEvens || len(together(a.Decisions)) > mostCards || d.Environment != answer.Local || d.BreakEven == nil || d.FailureBound == nil || d.Verdict == compare.Undecided && d.WhenItWorks == compare.Undecided {
			continue
		}
		note := fmt.Sprintf("%s stops to pay against %s if it fails over %s %% of the time; %d of %d failed, which is under %s %% at 95 %%.",
			d.Best[0], d.Against, inPercent(*d.BreakEven), d.Failed, d.N, inPercent(*d.FailureBound))
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
			breakEvens++
		}
	}
	if len(a.Push) > 0 {
		least, most := math.MaxInt, 0
		for _, p := range a.Push {
			least, most = min(least, p.SetUps), max(most, p.SetUps)
		}
		switch {
		case least == 0:
			notes = append(notes, "To push the images for this alone does not pay everywhere: pulling saves no time at some places.")
		case least == most:
			notes = append(notes, fmt.Sprintf("To push the images for this alone pays after %d set-ups.", most))
		default:
			notes = append(notes, fmt.Sprintf("To push the images for this alone pays after %d to %d set-ups.", least, most))
		}
	}
	return notes
}

func inPercent(v float64) string { return fmt.Sprintf("%.2g", 100*v) }

func pooled(factors []answer.Factor) string {
	var same, split []string
	for _, f := range factors {
		if f.P == nil {
			continue
		}
		if f.Split {
			split = append(split, f.Name)
		} else {
			same = append(same, f.Name)
		}
	}
	var parts []string
	if len(split) > 0 {
		parts = append(parts, "The best strategy depends on "+strings.Join(split, " and ")+": decided apart.")
	}
	if len(same) > 0 {
		parts = append(parts, "The order of strategies does not change with "+strings.Join(same, " or ")+": decided over all levels together.")
	}
	return strings.Join(parts, " ")
}

func ruledOut(decisions []answer.Decision) string {
	var parts []string
	for _, s := range []answer.Situation{answer.Build, answer.Pull} {
		for _, d := range decisions {
			if d.Situation == s && d.Environment == answer.Local && len(d.RuledOut) > 0 && len(d.Where) == 0 {
				parts = append(parts, fmt.Sprintf("%s: %s", strings.ToLower(situations[s]), strings.Join(d.RuledOut, ", ")))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Ruled out, " + strings.Join(parts, "; ") + "."
}

func answerWarning(w answer.Warning) string {
	switch w.Kind {
	case compare.Confounded:
		return fmt.Sprintf("%s never ran in the same place: nothing tells the strategy from %s. Run each strategy at each of its levels.",
			strings.Join(w.Arms, " and "), either(orPlace(w.Factors)))
	case compare.Drift:
		if math.Abs(w.Change) < 0.005 {
			return ""
		}
		return fmt.Sprintf("Times drifted by %s a block; comparisons inside blocks are unharmed.", relative(w.Change))
	case compare.OrderEffect:
		return "Times moved with the position in the block: the order inside blocks should be random."
	case compare.CarryOver:
		return fmt.Sprintf("Failures follow failures: %s %% fail after a failed trial, %s %% otherwise. Recovery leaves something behind, so rates here are not independent.",
			inPercent(w.After), inPercent(w.Otherwise))
	}
	return ""
}

func orPlace(factors []string) []string {
	if len(factors) == 0 {
		return []string{"where it ran"}
	}
	return factors
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
