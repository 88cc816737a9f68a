package analyse

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Priorities say what is wanted of a strategy.
type Priorities struct {
	Environment string `json:"environment"`
	// MaxFailureRate is the highest acceptable failure rate; 0 for none.
	MaxFailureRate float64 `json:"max_failure_rate,omitempty"`
	// Quantile of the time to ready, retries included, that counts; 0 for the
	// mean.
	Quantile float64 `json:"quantile,omitempty"`
	// Recovery, where set, replaces the measured recovery after a failure.
	Recovery *Value `json:"recovery_seconds,omitempty"`
}

// cost is what a trial took of somebody's time, with the recovery that is set.
func (p Priorities) cost(o Observation) float64 {
	if p.Recovery == nil || o.Ready {
		return o.Cost()
	}
	return o.Lost + float64(*p.Recovery)
}

// EnvironmentPriorities are what is usually wanted where: a developer loses
// the mean; a pipeline is judged by its slow and failing runs.
func EnvironmentPriorities(environment string) (Priorities, error) {
	switch environment {
	case "local":
		return Priorities{Environment: environment}, nil
	case "ci":
		return Priorities{Environment: environment, MaxFailureRate: 0.05, Quantile: 0.9}, nil
	}
	return Priorities{}, fmt.Errorf("%q is no environment; the environments are local and ci", environment)
}

// Decision recommends a strategy for each group of cells: a runtime with a
// memory limit.
type Decision struct {
	Schema     string     `json:"schema"`
	Priorities Priorities `json:"priorities"`
	Groups     []Choice   `json:"groups"`
	Warnings   []Warning  `json:"warnings"`
}

// Choice is the decision within one group.
type Choice struct {
	Group trial.Cell  `json:"group"`
	Arms  []Candidate `json:"candidates"`
	// NotRun are arms without a trial. They are not ranked.
	NotRun []trial.Cell `json:"not_run"`
	Kind   ChoiceKind   `json:"verdict"`
	// Recommended is an index into Arms, -1 for none.
	Recommended int `json:"recommended"`
	// TooFew says that with so few trials no difference, however large, could
	// have shown that one arm beats another.
	TooFew bool `json:"too_few_to_decide,omitempty"`
	// MoreBlocks would decide with 80 %; 0 where nothing is open, -1 where
	// more than the search's limit would be needed.
	MoreBlocks  int         `json:"more_blocks,omitempty"`
	MoreSeconds Value       `json:"more_seconds,omitempty"`
	BreakEven   []BreakEven `json:"break_even"`
}

// ChoiceKind is how sure a choice is.
type ChoiceKind string

// The kinds of choice.
const (
	// Decided: the recommended arm beats all others.
	Decided ChoiceKind = "decided"
	// Undecided: others are not beaten; the recommended one has the least
	// expected time of those.
	Undecided ChoiceKind = "undecided"
	// OnlyOne arm was run: nothing was compared.
	OnlyOne ChoiceKind = "only-one"
	// NoneWorks: no arm ever got ready.
	NoneWorks ChoiceKind = "none-works"
	// NoneAllowed: every arm was shown to fail more often than is allowed.
	NoneAllowed ChoiceKind = "none-allowed"
	// NoTrials: nothing was run.
	NoTrials ChoiceKind = "no-trials"
)

// Candidate is one arm of a choice.
type Candidate struct {
	Arm    trial.Cell `json:"arm"`
	Ready  Rate       `json:"ready"`
	Failed Rate       `json:"failed"`
	// Cost is the expected time to ready, or its quantile asked for.
	Cost RunningTime `json:"time_to_ready"`
	// Best is the posterior probability of the least cost under each prior;
	// it is no error rate.
	Best      []PriorProbability `json:"probability_best"`
	Regret    Value              `json:"expected_regret_seconds"`
	NotBeaten bool               `json:"not_beaten"`
	// Limit says whether the failure rate was shown to be allowed.
	Limit LimitKind `json:"failure_limit,omitempty"`
	// PriorShare is how much of what is known of the spread of the arm's times
	// is the prior's: 1 where no cell had two ready trials.
	PriorShare Value     `json:"prior_share_of_spread"`
	Warnings   []Warning `json:"warnings"`

	trials   []Observation
	attempts stats.Attempts
	// assumed is what a failure is taken to cost where none was seen.
	assumed []float64
	spread  spread
}

// PriorProbability is a probability under a named prior.
type PriorProbability struct {
	Prior       string `json:"prior"`
	Probability Value  `json:"probability"`
}

// LimitKind is what is known of a failure rate against a limit.
type LimitKind string

// The kinds of knowledge of a limit.
const (
	LimitShown    LimitKind = "shown-below"
	LimitExceeded LimitKind = "shown-above"
	LimitOpen     LimitKind = "not-shown"
)

// BreakEven is the failure rate at which an arm that is faster when it works
// stops to pay against the recommended one.
type BreakEven struct {
	Arm  trial.Cell `json:"arm"`
	Rate Value      `json:"failure_rate"`
	// Below is the posterior probability (Jeffreys' prior) that the arm's
	// failure rate lies under it.
	Below Value `json:"probability_below"`
	// Estimated is set where the arm never got ready, and its set-up time is
	// an estimate that nobody measured.
	Estimated Value `json:"estimated_setup_seconds" jsonschema:"description=null where it was measured"`
}

// Decide recommends, by time to a usable environment with all failures in it.
func (s Study) Decide(p Priorities) (Decision, error) {
	if len(s.Trials) == 0 {
		return Decision{}, errors.New("there is no measured trial to decide by; estimates are not ranked")
	}
	if _, ok := s.Factor("strategy"); !ok && len(s.Varied()) == 0 {
		return Decision{}, errors.New("nothing varies in these trials: there is nothing to decide between")
	}
	d := Decision{Schema: "stratbench.decision/v1", Priorities: p, Groups: []Choice{}, Warnings: append([]Warning{}, s.warnings()...)}
	d.Groups = sideBySide(s.groups(), func(group trial.Cell) Choice { return s.choose(group, p) })
	return d, nil
}

// groupFactors are given by where one works, and are no matter of choice.
var groupFactors = []string{"runtime", "memory"}

func (s Study) groups() (groups []trial.Cell) {
	for _, c := range s.Cells {
		g := pick(c, groupFactors)
		if !slices.ContainsFunc(groups, func(x trial.Cell) bool { return x.Key() == g.Key() }) {
			groups = append(groups, g)
		}
	}
	return groups
}

func (s Study) choose(group trial.Cell, p Priorities) Choice {
	c := Choice{Group: append(trial.Cell{}, group...), Arms: []Candidate{}, NotRun: []trial.Cell{}, Recommended: -1, BreakEven: []BreakEven{}}
	for _, cell := range s.Cells {
		if pick(cell, groupFactors).Key() != group.Key() {
			continue
		}
		if arm := s.candidate(cell, p); len(arm.trials) > 0 {
			c.Arms = append(c.Arms, arm)
		} else {
			c.NotRun = append(c.NotRun, arm.Arm)
		}
	}
	c.NotRun = append(c.NotRun, s.onlyElsewhere(c)...)
	c.NotRun = append(c.NotRun, s.onlyEstimated(c)...)
	if len(c.Arms) == 0 {
		c.Kind = NoTrials
		return c
	}
	c.rank(p)
	c.recommend()
	c.breakEven(s.estimatedSetup)
	if c.Kind == Undecided {
		c.moreBlocks()
	}
	return c
}

// onlyElsewhere are arms that were run, or planned, in other groups only.
func (s Study) onlyElsewhere(c Choice) (arms []trial.Cell) {
	for _, cell := range s.Cells {
		arm := without(cell, groupFactors)
		same := func(x trial.Cell) bool { return x.Key() == arm.Key() }
		here := func(a Candidate) bool { return same(a.Arm) }
		if !slices.ContainsFunc(c.Arms, here) && !slices.ContainsFunc(c.NotRun, same) && !slices.ContainsFunc(arms, same) {
			arms = append(arms, arm)
		}
	}
	return arms
}

// onlyEstimated are strategies of which there is nothing but an estimate.
func (s Study) onlyEstimated(c Choice) (arms []trial.Cell) {
	known := append([]trial.Cell{}, c.NotRun...)
	for _, a := range c.Arms {
		known = append(known, a.Arm)
	}
	for _, e := range s.Estimates {
		arm := pick(e.Trial.Cell, []string{"strategy"})
		same := func(x trial.Cell) bool { return pick(x, []string{"strategy"}).Key() == arm.Key() }
		if !slices.ContainsFunc(known, same) && !slices.ContainsFunc(arms, same) {
			arms = append(arms, arm)
		}
	}
	return arms
}

// estimatedSetup is the middle of the set-up time that a source states.
func (s Study) estimatedSetup(arm trial.Cell) (seconds float64, ok bool) {
	for _, e := range s.Estimates {
		if pick(e.Trial.Cell, []string{"strategy"}).Key() != pick(arm, []string{"strategy"}).Key() {
			continue
		}
		for _, r := range e.Imported.Stated {
			if r.Of == "setup" {
				return (r.Low + r.High).Duration().Seconds() / 2, true
			}
		}
	}
	return 0, false
}

func (s Study) candidate(cell trial.Cell, p Priorities) Candidate {
	trials := s.Of(cell)
	ready := count(trials, func(o Observation) bool { return o.Ready })
	c := Candidate{Ready: rate(ready, len(trials)), Failed: rate(len(trials)-ready, len(trials)), trials: trials,
		Regret: none, Warnings: []Warning{}, Best: []PriorProbability{}, Arm: without(cell, groupFactors), spread: s.times}
	c.PriorShare = Value(s.times.priorShare(setups(trials)))
	if unknown := filter(trials, func(o Observation) bool { return math.IsNaN(o.Cost()) }); len(unknown) > 0 {
		c.Warnings = append(c.Warnings, about(UnknownTimes, "", unknown))
	}
	if len(trials) == 1 {
		c.Warnings = append(c.Warnings, Warning{Kind: SingleTrial})
	}
	c.assumed = s.assumedLosses(cell, p)
	c.attempts = s.attempts(trials, c.assumed, p)
	c.Limit = limit(c.Failed, p.MaxFailureRate)
	return c
}

// attempts are a cell's costs; a time that was not recorded is taken to be
// the mean of those that were.
func (s Study) attempts(trials []Observation, assumed []float64, p Priorities) stats.Attempts {
	var a stats.Attempts
	for _, o := range trials {
		if o.Ready {
			a.Ready = append(a.Ready, o.Setup)
		} else {
			a.Lost = append(a.Lost, p.cost(o))
		}
	}
	impute(a.Ready, setups(s.Trials))
	impute(a.Lost, assumed)
	return a
}

func impute(values, others []float64) {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		known = others
	}
	for i, v := range values {
		if math.IsNaN(v) {
			values[i] = average(known)
		}
	}
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// limit compares a failure rate with the highest allowed one, each side at
// 95 %.
func limit(failed Rate, most float64) LimitKind {
	if most <= 0 || failed.Trials == 0 {
		return ""
	}
	upper, errUpper := stats.ClopperPearsonUpper(failed.Events, failed.Trials, Confidence)
	lower, errLower := stats.ClopperPearsonLower(failed.Events, failed.Trials, Confidence)
	switch {
	case errUpper == nil && upper <= most:
		return LimitShown
	case errLower == nil && lower > most*(1+1e-9):
		return LimitExceeded
	}
	return LimitOpen
}

// CleanTrials is how many trials in all, with no more than these failures,
// show at 95 % that the failure rate is at most the given one.
func CleanTrials(failures int, most float64) int {
	for n := failures + 1; n < 100_000; n++ {
		if upper, err := stats.ClopperPearsonUpper(failures, n, Confidence); err == nil && upper <= most {
			return n
		}
	}
	return 0
}
