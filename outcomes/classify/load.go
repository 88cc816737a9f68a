package classify

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
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

// ReadRules reads a rule file. It knows every field and refuses others;
// whether the rules make sense together is for New to say.
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

// compile checks a rule on its own and prepares it for matching.
func (r *Rule) compile() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if r.Name == "" {
		fault("needs a name")
	}
	if r.Says == "" {
		fault("says must state the mechanism in a line")
	}
	if len(r.Match) == 0 && len(r.Needs) == 0 && !r.readsEnding() {
		fault("needs a pattern under match, other rules under needs, or a detail of the last lines (tail, up to %d)", endingLines)
	}
	if r.Weight < 0 || r.Weight > 1 || r.Level > Marker && r.Weight == 0 {
		fault("weight %v is not above 0 and at most 1", r.Weight)
	}
	if r.Level <= Marker && r.Outcome != "" {
		fault("a rule of the level %s has no outcome", r.Level)
	}
	if r.Level != Marker && (r.Fine || r.Settles || r.LastWord || r.Restarts || r.Tidies || r.Collects || len(r.Clears) > 0) {
		fault("only a marker settles a log, is its last word, clears outcomes, restarts, tidies, collects or is fine")
	}
	for _, kind := range r.Even {
		if kind != "echo" && kind != "information" {
			fault("even knows echo and information, not %q", kind)
		}
	}
	if r.Case.Log == "" {
		fault("needs a case: a log in your own words that it decides")
	}
	for _, text := range r.Match {
		p := newPattern(text)
		if len(p.needle()) < minNeedle {
			fault("pattern %q has no piece of %d characters or more to search for", text, minNeedle)
		}
		r.patterns = append(r.patterns, p)
	}
	var err error
	if r.detail, err = compileRegexp(r.Detail); err != nil {
		fault("detail: %w", err)
	}
	if r.not, err = compileRegexp(r.Not); err != nil {
		fault("not: %w", err)
	}
	return errors.Join(faults...)
}

// minNeedle keeps a pattern from stopping the search at every other word.
const minNeedle = 3

func compileRegexp(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	return regexp.Compile(text)
}
