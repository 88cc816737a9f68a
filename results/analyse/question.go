package analyse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Question is a comparison asked for: two or all levels of a factor against
// each other, within combinations of other factors.
type Question struct {
	Factor string
	// First and Second are the levels; all pairs when empty.
	First, Second string
	// Within are the factors whose levels are kept apart: a comparison is made
	// in each of their combinations, over all levels of what is not named.
	// Nil keeps all other factors apart.
	Within []string
}

// ParseQuestion reads "strategy" or "strategy=serial:parallel".
func ParseQuestion(text string) (Question, error) {
	factor, levels, some := strings.Cut(text, "=")
	q := Question{Factor: factor}
	if !some {
		return q, nil
	}
	first, second, two := strings.Cut(levels, ":")
	if !two || first == "" || second == "" || first == second {
		return q, fmt.Errorf("%q is not a comparison: write FACTOR, or FACTOR=LEVEL:LEVEL such as strategy=serial:parallel", text)
	}
	q.First, q.Second = first, second
	return q, nil
}

// answerable says what of the question the study does not have.
func (s Study) answerable(q Question) error {
	f, ok := s.Factor(q.Factor)
	if !ok {
		return fmt.Errorf("no factor is called %q; the factors are %s", q.Factor, factorList(s.Factors))
	}
	for _, level := range []string{q.First, q.Second} {
		if level != "" && !slices.ContainsFunc(f.Levels, func(l trial.Level) bool { return l.Name == level }) {
			return fmt.Errorf("factor %s has no level %q; its levels are %s", f.Name, level, levelList(f.Levels))
		}
	}
	for _, name := range q.Within {
		if _, ok := s.Factor(name); !ok || name == q.Factor {
			return fmt.Errorf("%q is no other factor; the factors are %s", name, factorList(s.Factors))
		}
	}
	return nil
}

func factorList(factors []trial.Factor) string {
	names := make([]string, len(factors))
	for i, f := range factors {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func levelList(levels []trial.Level) string {
	names := make([]string, len(levels))
	for i, l := range levels {
		names[i] = l.Name
	}
	return strings.Join(names, ", ")
}

// DefaultQuestions compares the strategies where they vary, and otherwise the
// first factor that does.
func (s Study) DefaultQuestions() []Question {
	if f, ok := s.Factor("strategy"); ok && len(f.Levels) > 1 {
		return []Question{{Factor: "strategy"}}
	}
	if varied := s.Varied(); len(varied) > 0 {
		return []Question{{Factor: varied[0].Name}}
	}
	return nil
}

// arms is one comparison before any figure: the trials of the two levels
// within one combination of the other factors.
type arms struct {
	factor        string
	first, second string
	within        trial.Cell
	trials        [2][]Observation
}

// pairs lists the comparisons of a question, those that were run on both
// sides as well as those that were not.
func (s Study) pairs(q Question) []arms {
	within := q.Within
	if within == nil {
		for _, f := range s.Factors {
			if f.Name != q.Factor {
				within = append(within, f.Name)
			}
		}
	}
	var order []trial.Cell
	groups := map[string]map[string][]Observation{}
	for _, c := range s.Cells {
		group := pick(c, within)
		if groups[group.Key()] == nil {
			groups[group.Key()] = map[string][]Observation{}
			order = append(order, group)
		}
		level, _ := c.Level(q.Factor)
		groups[group.Key()][level] = append(groups[group.Key()][level], s.Of(c)...)
	}
	var all []arms
	for _, group := range order {
		for _, pair := range s.levelPairs(q) {
			all = append(all, arms{factor: q.Factor, first: pair[0], second: pair[1], within: group,
				trials: [2][]Observation{groups[group.Key()][pair[0]], groups[group.Key()][pair[1]]}})
		}
	}
	return all
}

func (s Study) levelPairs(q Question) (pairs [][2]string) {
	if q.First != "" {
		return [][2]string{{q.First, q.Second}}
	}
	f, _ := s.Factor(q.Factor)
	for i, a := range f.Levels {
		for _, b := range f.Levels[i+1:] {
			pairs = append(pairs, [2]string{a.Name, b.Name})
		}
	}
	return pairs
}

// pick is the part of a cell that names these factors.
func pick(c trial.Cell, names []string) trial.Cell {
	var part trial.Cell
	for _, a := range c {
		if slices.Contains(names, a.Factor) {
			part = append(part, a)
		}
	}
	return part
}

func without(c trial.Cell, names []string) trial.Cell {
	rest := trial.Cell{}
	for _, a := range c {
		if !slices.Contains(names, a.Factor) {
			rest = append(rest, a)
		}
	}
	return rest
}

// sharing is what a trial shares with those that it is compared with: the
// levels of all factors but the compared one, and the block.
type sharing struct{ others, block string }

// stratum is what the trial shares when the factor is compared.
func stratum(o Observation, factor string) sharing {
	for i, a := range o.Cell {
		if a.Factor == factor && o.others != nil {
			return sharing{o.others[i], o.Block}
		}
	}
	return sharing{othersOf(o.Cell, factor), o.Block}
}

// othersOf are the levels of all factors of a cell but one.
func othersOf(c trial.Cell, factor string) string {
	var b strings.Builder
	for _, a := range c {
		if a.Factor != factor {
			b.WriteString(a.Level)
			b.WriteByte(0)
		}
	}
	return b.String()
}
