package classify

import (
	"regexp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// Rule is one mechanism by which a pipeline fails (or a sign of where it is)
// and how a log shows it. The package documentation explains the fields by
// example; rules.yaml holds the rules that ship.
type Rule struct {
	Name string `yaml:"name"`
	// Says is the mechanism in a line.
	Says string `yaml:"says"`

	// Match lists patterns, any of which may be on the line; "*" stands for
	// anything in between. A rule without one rests on Needs alone, or is one
	// for the last lines of the log (Tail, Detail), whatever they say.
	Match []string `yaml:"match"`
	// Detail and Not are regular expressions that the same line must, or
	// must not, match.
	Detail string `yaml:"detail"`
	Not    string `yaml:"not"`
	// Tail limits the rule to the last lines of the log.
	Tail int `yaml:"tail"`
	// Excerpt limits the rule to logs of at most so many lines: what someone
	// cut out of a log tells of its failure.
	Excerpt int `yaml:"excerpt"`

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
	// Transient marks what is often retried: a later marker that clears this
	// outcome takes it back.
	Transient bool `yaml:"transient"`
	// Clears names the outcomes that a marker takes back.
	Clears []trial.Outcome `yaml:"clears"`
	// Settles marks the word that the whole job succeeded, which takes back
	// all that was said before.
	Settles bool `yaml:"settles"`
	// LastWord marks the word that a tool or suite succeeded, which takes back
	// all that was said before if no failure is stated after it.
	LastWord bool `yaml:"lastWord"`
	// Restarts marks the word that what failed is tried again: what was stated
	// before it is of an earlier attempt.
	Restarts bool `yaml:"restarts"`
	// Tidies marks the beginning of tidying up: what is stated after it, and
	// after a last word of success, is no failure.
	Tidies bool `yaml:"tidies"`
	// Collects marks what is asked for after a failure: what plain words tell
	// behind it is no success of the command.
	Collects bool `yaml:"collects"`
	// Failure marks the word that the whole command or job failed, which counts
	// after a last word of success, though it is only a hint.
	Failure bool `yaml:"failure"`
	// Fine marks a marker as the word of a success, though it takes nothing
	// back.
	Fine bool `yaml:"fine"`

	// Even lists lines that state nothing, on which this rule may rest all the
	// same: "echo" of source text, "information" that a program calls so.
	Even []string `yaml:"even"`

	// Case is a log in our own words that this rule must decide (a marker:
	// must recognise), Green one that it must leave alone.
	Case  Case   `yaml:"case"`
	Green string `yaml:"green"`

	patterns    []pattern
	detail, not *regexp.Regexp
	needs       []int
	unless      []int
	outranks    []int
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

	needs []int
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

// restsOn reports whether the rule may rest on such a line. Source text tells
// where the log is, and ordinary words tell that something succeeded.
func (r *Rule) restsOn(is standing) bool {
	switch is {
	case echoed:
		return r.Level == Marker && r.Phase != "" && !r.reassures() || slices.Contains(r.Even, "echo")
	case observed:
		return !r.blamesOthers()
	case ordinary:
		return r.Level == Marker
	case routine:
		return r.Level == Marker || slices.Contains(r.Even, "information")
	}
	return true
}

// blamesOthers reports whether the rule concludes, or lets others conclude, that
// something failed which a test only depends on.
func (r *Rule) blamesOthers() bool {
	switch r.Outcome {
	case "":
		return r.Level == Marker && r.Excerpt > 0 && r.Phase == "" && !r.reassures()
	case trial.PullFailed, trial.LoadFailed, trial.ClusterHang, trial.ClusterCreateFailed, trial.EngineCrash, trial.EngineHang:
		return true
	}
	return false
}

// met reports whether what the caller knows allows the condition.
func (c Condition) met(opts Options) bool {
	if len(c.Phase) > 0 && opts.Phase != "" && !slices.Contains(c.Phase, opts.Phase) {
		return false
	}
	if len(c.Runtime) > 0 && opts.Runtime != "" && !slices.Contains(c.Runtime, opts.Runtime) {
		return false
	}
	return len(c.Exit) == 0 || opts.ExitCode != nil && slices.Contains(c.Exit, *opts.ExitCode)
}

// metFor reports whether the condition is known to be met, the phase being
// as given: an exception needs more than the absence of doubt.
func (c Condition) metFor(phase trial.Phase, opts Options) bool {
	return c.met(opts) && (len(c.Phase) == 0 || slices.Contains(c.Phase, phase))
}
