package classify

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed rules.yaml
var builtin []byte

// Rules returns the rules that ship with stratbench.
var Rules = sync.OnceValue(func() []Rule {
	rules, err := ReadRules(bytes.NewReader(builtin))
	if err != nil {
		panic("classify: the built-in rules do not load: " + err.Error())
	}
	return rules
})

// ReadRules reads a rule file. It knows every field and refuses others; New
// checks whether the rules make sense together.
func ReadRules(r io.Reader) ([]Rule, error) {
	var file struct {
		Rules []Rule `yaml:"rules"`
	}
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	if len(file.Rules) == 0 {
		return nil, errors.New("reading rules: the file has no rules; it needs a list under the key rules")
	}
	return file.Rules, nil
}

// ReadRulesFile reads a rule file of the user's own.
func ReadRulesFile(name string) ([]Rule, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	defer f.Close()
	rules, err := ReadRules(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rules, nil
}

// Classifier is a set of rules made ready. It is safe for concurrent use.
type Classifier struct {
	rules   []Rule
	index   map[string]int // of rules by name
	needles *automaton
	targets []target // by needle of the automaton
}

// target is what a needle is searched for: a pattern of a rule, or, where there
// is no rule, the opening of a quote.
type target struct {
	rule    *Rule
	pattern pattern
	quote   quote
}

// New makes a Classifier of rules, or reports every issue in them at once. Rules may name
// each other across files: pass Rules() and a user's own together.
func New(files ...[]Rule) (*Classifier, error) {
	c := &Classifier{rules: slices.Concat(files...), index: map[string]int{}}
	var needles []string
	var issues []error
	for i := range c.rules {
		r := &c.rules[i]
		r.place = i
		if err := r.compile(); err != nil {
			issues = append(issues, fmt.Errorf("rule %d (%s): %w", i+1, r.Name, err))
		}
		if other, taken := c.index[r.Name]; taken {
			issues = append(issues, fmt.Errorf("rule %d (%s): the name is taken by rule %d", i+1, r.Name, other+1))
		}
		c.index[r.Name] = i
		for _, text := range r.Match {
			p := newPattern(text)
			needles, c.targets = append(needles, p.needle()), append(c.targets, target{rule: r, pattern: p})
		}
	}
	for i, r := range c.rules {
		check := func(field string, names []string, needsPattern bool) {
			for _, name := range names {
				if other, ok := c.index[name]; !ok {
					issues = append(issues, fmt.Errorf("rule %d (%s): %s: there is no rule %q", i+1, r.Name, field, name))
				} else if needsPattern && len(c.rules[other].Match) == 0 {
					issues = append(issues, fmt.Errorf("rule %d (%s): %s: rule %q has no pattern of its own to be seen", i+1, r.Name, field, name))
				}
			}
		}
		check("needs", r.Needs, true)
		check("unless", r.Unless, true)
		check("outranks", r.Outranks, false)
		for _, e := range r.Instead {
			check("instead", e.Needs, true)
		}
	}
	if err := errors.Join(issues...); err != nil {
		return nil, err
	}
	for _, q := range quotes {
		needles, c.targets = append(needles, q.opening), append(c.targets, target{quote: q})
	}
	c.needles = newAutomaton(needles)
	return c, nil
}

// minNeedle keeps a pattern from stopping the search at every other word.
const minNeedle = 3

// compile checks a rule on its own and prepares it for matching.
func (r *Rule) compile() error {
	var issues []error
	add := func(format string, args ...any) { issues = append(issues, fmt.Errorf(format, args...)) }
	for _, check := range []struct {
		wrong bool
		says  string
	}{
		{r.Name == "", "needs a name"},
		{r.Says == "", "says must state the mechanism in a line"},
		{len(r.Match) == 0 && len(r.Needs) == 0 && !r.readsEnding(),
			fmt.Sprintf("needs a pattern under match, other rules under needs, or a detail of the last lines (tail, up to %d)", endingLines)},
		{r.Weight < 0 || r.Weight > 1 || r.Level > Marker && r.Weight == 0, fmt.Sprintf("weight %v is not above 0 and at most 1", r.Weight)},
		{r.Level <= Marker && r.Outcome != "", fmt.Sprintf("a rule of the level %s has no outcome", r.Level)},
		{r.Level != Marker && (r.Fine || r.Settles || r.LastWord || r.Restarts || r.Tidies || r.Collects || len(r.Clears) > 0),
			"only a marker settles a log, is its last word, clears outcomes, restarts, tidies, collects or is fine"},
		{r.Case.Log == "", "needs a case: a log in your own words that it decides"},
	} {
		if check.wrong {
			add("%s", check.says)
		}
	}
	for _, kind := range r.Even {
		if kind != "echo" && kind != "information" {
			add("even knows echo and information, not %q", kind)
		}
	}
	for _, text := range r.Match {
		if len(newPattern(text).needle()) < minNeedle {
			add("pattern %q has no piece of %d characters or more to search for", text, minNeedle)
		}
	}
	expression := func(field, text string) *regexp.Regexp {
		if text == "" {
			return nil
		}
		compiled, err := regexp.Compile(text)
		if err != nil {
			add("%s: %w", field, err)
		}
		return compiled
	}
	r.detail, r.not = expression("detail", r.Detail), expression("not", r.Not)
	return errors.Join(issues...)
}

// pattern is what a rule looks for on a line: pieces of text in that order ("dial tcp *
// connection refused"). ASCII case is ignored, except by the name of an errno or the like:
// "ENOTFOUND" is no part of "ResourceNotFoundException".
type pattern struct {
	pieces [][]byte
	name   []byte
}

// names are what programs write in capitals only.
var names = regexp.MustCompile(`^[A-Z][A-Z_]{4,}$`)

func newPattern(text string) (p pattern) {
	if names.MatchString(text) {
		p.name = []byte(text)
	}
	text = strings.ReplaceAll(strings.ToLower(text), " * ", "*")
	for piece := range strings.SplitSeq(text, "*") {
		if piece != "" {
			p.pieces = append(p.pieces, []byte(piece))
		}
	}
	return p
}

// needle returns the piece to search the log for: the longest, being the
// rarest by rule of thumb.
func (p pattern) needle() string {
	var longest []byte
	for _, piece := range p.pieces {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	return string(longest)
}

// in reports whether the text holds the pattern; lower is the same in lower case.
func (p pattern) in(text, lower []byte) bool {
	if p.name != nil {
		return bytes.Contains(text, p.name)
	}
	for _, piece := range p.pieces {
		at := bytes.Index(lower, piece)
		if at < 0 {
			return false
		}
		lower = lower[at+len(piece):]
	}
	return true
}
