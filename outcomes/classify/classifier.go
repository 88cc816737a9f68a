package classify

import (
	"errors"
	"fmt"
	"slices"
)

// Classifier is a set of rules made ready. It is safe for concurrent use.
type Classifier struct {
	rules   []Rule
	needles *automaton
	search  []target // what each needle of the automaton stands for
}

// target is one pattern of one rule, or one of quotes.
type target struct {
	rule, pattern int
}

const ofQuotes = -1 // in the place of a rule

// New makes a Classifier of rules, or reports every fault in them at once.
// Rules may name each other across files: pass Rules() and a user's own
// together.
func New(files ...[]Rule) (*Classifier, error) {
	c := &Classifier{rules: slices.Concat(files...)}
	index := map[string]int{}
	var faults []error
	for i := range c.rules {
		r := &c.rules[i]
		r.patterns = nil
		if err := r.compile(); err != nil {
			faults = append(faults, fmt.Errorf("rule %d (%s): %w", i+1, r.Name, err))
		}
		if other, taken := index[r.Name]; taken {
			faults = append(faults, fmt.Errorf("rule %d (%s): the name is taken by rule %d", i+1, r.Name, other+1))
		}
		index[r.Name] = i
	}
	for i := range c.rules {
		if err := c.rules[i].resolve(index, c.rules); err != nil {
			faults = append(faults, fmt.Errorf("rule %d (%s): %w", i+1, c.rules[i].Name, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	c.index()
	return c, nil
}

// resolve turns the names of other rules into places in the list.
func (r *Rule) resolve(index map[string]int, rules []Rule) error {
	var faults []error
	places := func(field string, names []string, needsPattern bool) (out []int) {
		for _, name := range names {
			i, ok := index[name]
			switch {
			case !ok:
				faults = append(faults, fmt.Errorf("%s: there is no rule %q", field, name))
			case needsPattern && len(rules[i].Match) == 0:
				faults = append(faults, fmt.Errorf("%s: rule %q has no pattern of its own to be seen", field, name))
			default:
				out = append(out, i)
			}
		}
		return out
	}
	r.needs = places("needs", r.Needs, true)
	r.unless = places("unless", r.Unless, true)
	r.outranks = places("outranks", r.Outranks, false)
	r.Instead = slices.Clone(r.Instead)
	for i := range r.Instead {
		r.Instead[i].needs = places("instead", r.Instead[i].Needs, true)
	}
	return errors.Join(faults...)
}

func (c *Classifier) index() {
	var needles []string
	for i, r := range c.rules {
		for j, p := range r.patterns {
			needles = append(needles, p.needle())
			c.search = append(c.search, target{rule: i, pattern: j})
		}
	}
	for i, q := range quotes {
		needles = append(needles, q.opening)
		c.search = append(c.search, target{rule: ofQuotes, pattern: i})
	}
	c.needles = newAutomaton(needles)
}
