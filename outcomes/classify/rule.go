package classify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Rule is one mechanism by which a pipeline fails (or a sign of where it is)
// and how a log shows it. rules.yaml holds the rules that ship.
type Rule struct {
	Name string `yaml:"name"`
	// Says is the mechanism in a line.
	Says string `yaml:"says"`

	// Match lists patterns, any of which may be on the line; "*" stands for
	// anything in between, and case is ignored, except of a name in capitals. A rule
	// without patterns rests on Needs alone, or, if it has a Detail and a Tail of up
	// to five, is tried on the last lines that are not blank.
	Match []string `yaml:"match"`
	// Detail and Not are regular expressions that the same line must, or
	// must not, match.
	Detail string `yaml:"detail"`
	Not    string `yaml:"not"`
	// Tail limits the rule to the last lines of the log.
	Tail int `yaml:"tail"`
	// Excerpt limits the rule to logs of at most so many lines: what someone
	// cut out of a log shows its failure.
	Excerpt int `yaml:"excerpt"`
	// Even lists lines that state nothing, on which this rule may rest all the
	// same: "echo" of source text, "information" that a program calls so.
	Even []string `yaml:"even"`

	Level Level `yaml:"level"`
	// Outcome is what the rule concludes. A rule above marker without one
	// concludes that its phase failed.
	Outcome trial.Outcome `yaml:"outcome"`
	Cause   trial.Cause   `yaml:"cause"`
	// Phase is where this happens, used when the caller does not know; of an
	// ordinary rule, the phase that waits: a text of nothing else got stuck there.
	Phase trial.Phase `yaml:"phase"`
	// Weight between 0 and 1 ranks rules of one level and is the confidence
	// that a log with nothing else deserves.
	Weight float64 `yaml:"weight"`

	// When limits the rule to what the caller knows of the log.
	When Condition `yaml:"when"`
	// Needs and Unless name rules whose patterns must all, or must not, be
	// in the log as well.
	Needs  []string `yaml:"needs"`
	Unless []string `yaml:"unless"`
	// Outranks names rules that this one explains away.
	Outranks []string `yaml:"outranks"`
	// Instead changes the conclusion in the company of other rules; the
	// first that applies counts.
	Instead []Exception `yaml:"instead"`
	// Transient is set for what is often retried: a later marker that clears
	// this outcome takes it back.
	Transient bool `yaml:"transient"`
	// Failure is set for the sentence that the whole command or job failed. It
	// counts after a last word of success, even as a hint.
	Failure bool `yaml:"failure"`

	// The rest is for markers. Clears names the outcomes that it takes back.
	// With Settles the whole job succeeded, and all that was said before is taken
	// back; with LastWord a tool or suite did, and the same holds if no failure is
	// stated later. Fine marks a success that takes nothing back.
	Clears   []trial.Outcome `yaml:"clears"`
	Settles  bool            `yaml:"settles"`
	LastWord bool            `yaml:"lastWord"`
	Fine     bool            `yaml:"fine"`
	// Restarts: what failed is tried again, and what was stated before is of an
	// earlier attempt. Tidies: tidying up begins, and what is stated from there on
	// after a last word of success is no failure. Collects: logs are asked for
	// after a failure, and plain words in them show no success. Sums: a suite sums
	// up that it failed.
	Restarts bool `yaml:"restarts"`
	Tidies   bool `yaml:"tidies"`
	Collects bool `yaml:"collects"`
	Sums     bool `yaml:"sums"`

	// Case is a log in our own words that this rule must decide (a marker:
	// must recognise), Green one that it must leave alone.
	Case  Case   `yaml:"case"`
	Green string `yaml:"green"`

	place       int // in the list of all rules
	detail, not *regexp.Regexp
}

// Level is the sort of statement that a rule recognises. A statement of a higher level
// explains those below it and wins over them.
type Level int

// The levels, lowest first.
const (
	// Ordinary is no statement: a rule of this level knows a line that healthy
	// programs print, however it sounds, and keeps all others away from it.
	Ordinary Level = iota - 1
	// Marker shows where the log is (a phase begins, a step succeeds) and is
	// never an outcome by itself.
	Marker
	// Hint is a weak sign, used when there is nothing else.
	Hint
	// Wrapper states that something failed, and not why: "exit status 1".
	Wrapper
	// Fault is a component's own failure: a compiler's error, a probe that timed
	// out.
	Fault
	// Root is the reason below a component's failure: the kernel's errno, a
	// killed process, a registry's refusal.
	Root
	// Death is the engine gone or not answering, which explains all else.
	Death
)

var levelNames = []string{"ordinary", "marker", "hint", "wrapper", "fault", "root", "death"}

func (l Level) String() string { return levelNames[l-Ordinary] }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levelNames, string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a known level; known are %s", text, strings.Join(levelNames, ", "))
	}
	*l = Level(i) + Ordinary
	return nil
}

// Condition is met if what the caller knows is among the values listed. What
// the caller does not know meets every condition except one on the exit code.
type Condition struct {
	Phase   []trial.Phase   `yaml:"phase"`
	Runtime []trial.Runtime `yaml:"runtime"`
	Exit    []int           `yaml:"exit"`
}

// Exception replaces a rule's conclusion where its conditions are met.
type Exception struct {
	When    Condition     `yaml:"when"`
	Needs   []string      `yaml:"needs"`
	Outcome trial.Outcome `yaml:"outcome"`
	Cause   trial.Cause   `yaml:"cause"`
}

// Case is a rule's own test.
type Case struct {
	Log     string        `yaml:"log"`
	Phase   trial.Phase   `yaml:"phase"`
	Runtime trial.Runtime `yaml:"runtime"`
	Exit    *int          `yaml:"exit"`
}

// reassures reports whether the rule is the word of a success.
func (r *Rule) reassures() bool {
	return r.Level == Marker && (r.Fine || r.Settles || r.LastWord || len(r.Clears) > 0)
}

// restsOn reports whether the rule may rest on such a line. Source text shows
// where the log is, and ordinary words that something succeeded.
func (r *Rule) restsOn(is standing) bool {
	switch is {
	case echoed:
		return r.Level == Marker && r.Phase != "" && !r.reassures() || slices.Contains(r.Even, "echo")
	case observed:
		blames := slices.Contains(othersFail, r.Outcome) || r.Outcome == "" && r.Level == Marker && r.Excerpt > 0 && r.Phase == "" && !r.reassures()
		return !blames && r.When.allows(trial.PhaseTest)
	case ordinary:
		return r.Level == Marker
	case routine:
		return r.Level == Marker || slices.Contains(r.Even, "information")
	}
	return true
}

// othersFail are the outcomes in which something failed that a test only depends on.
var othersFail = []trial.Outcome{trial.PullFailed, trial.LoadFailed, trial.ClusterHang, trial.ClusterCreateFailed, trial.EngineCrash, trial.EngineHang}

// allows reports whether the condition can be met in the phase.
func (c Condition) allows(phase trial.Phase) bool {
	return len(c.Phase) == 0 || slices.Contains(c.Phase, phase)
}

// met reports whether what the caller knows allows the condition.
func (c Condition) met(opts Options) bool {
	if opts.Phase != "" && !c.allows(opts.Phase) {
		return false
	}
	if len(c.Runtime) > 0 && opts.Runtime != "" && !slices.Contains(c.Runtime, opts.Runtime) {
		return false
	}
	return len(c.Exit) == 0 || opts.ExitCode != nil && slices.Contains(c.Exit, *opts.ExitCode)
}

// accepts tries the detail on the statement that the rule found, and what must not be
// there on the whole line: "pulling failed; trying again" is one thought.
func (r *Rule) accepts(statement, line []byte) bool {
	return (r.detail == nil || r.detail.Match(statement)) && (r.not == nil || !r.not.Match(line))
}

// readsEnding reports whether the rule has no pattern to search for, and is
// tried on the last lines instead.
func (r *Rule) readsEnding() bool {
	return 0 < r.Tail && r.Tail <= endingLines && len(r.Match) == 0 && r.Detail != ""
}

// restsOnNeeds reports whether the rule is seen where the rules are that it
// needs.
func (r *Rule) restsOnNeeds() bool { return len(r.Match) == 0 && !r.readsEnding() }
