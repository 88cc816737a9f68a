// Package compare decides between arms: which of several ways to set up an
// environment costs least, how sure that is, and what would settle what is
// open. Trials go in; verdict, effects, intervals and warnings come out. Each
// assumption has its file: times.go, failures.go, places.go, warnings.go.
// docs/decisions/016-one-comparison-engine.md says why it is these.
package compare

import (
	"cmp"
	"math"
	"slices"
)

// Trial is one trial of one arm.
type Trial struct {
	Arm string
	// Place is what was given and not chosen, such as an engine and a memory
	// limit: a level for each place factor, in the order of the factors.
	Place []string
	// Block names the trials that ran under the same conditions.
	Block string
	Ready bool
	// Seconds is the time to ready of a trial that became ready. Lost is what a
	// failed one cost, recovery included. NaN is not known.
	Seconds, Lost float64

	// place and stratum are names, given once all trials are in order.
	place, stratum string
}

// Goal is what is wanted of an arm.
type Goal struct {
	// Quantile of the time to ready, retries included, that counts; 0 is the
	// mean.
	Quantile float64
	// MaxFailureRate is the highest failure rate that is accepted; 0 is any.
	MaxFailureRate float64
	// Indifference is the share by which two arms may differ and still be as
	// good as each other; 0 is DefaultIndifference.
	Indifference float64
}

// DefaultIndifference is a tenth. The fastest and the slowest block of one day
// on one host differ by more than that, so that a smaller difference changes
// nobody's day, and to show one takes four times the blocks for each halving.
const DefaultIndifference = 0.1

// The error rate of 5 % that all statements about one group of places share,
// over all looks. Arms that are shown to be worse need least of it: the needed
// number of blocks grows with the logarithm of its inverse.
const (
	alphaRuledOut = 0.010
	alphaWithin   = 0.035
	alphaFailures = 0.005
)

// farOff is how many times the indifference an arm is worse that is not taken
// for one within it.
const farOff = 1.5

// Verdict is how a decision ended.
type Verdict string

// The verdicts.
const (
	// Decided: one arm is the best or within the indifference of the best.
	Decided Verdict = "decided"
	// Tied: several arms are.
	Tied Verdict = "tied"
	// Undecided: no arm is shown to be.
	Undecided Verdict = "undecided"
	// None: nothing ever became ready, or everything fails too often.
	None Verdict = "none"
)

// Decision is the answer for one group of places.
type Decision struct {
	Verdict Verdict
	// Best are the arms to use: one when decided, several when tied. When
	// undecided they are those left, the one that looks best first.
	Best []string
	// WhenItWorks is the verdict if nothing ever failed. Where it is better
	// than Verdict, failures that nobody has seen yet could turn the order.
	WhenItWorks Verdict
	RuledOut    []RuledOut
	// Slower are arms that another one beats when both work, and that did not
	// fail less often than it did. To run them on decides nothing, even where
	// they are not ruled out: for that the other one is run.
	Slower []string
	Arms   []Arm
	// Effect compares the first of Best with the cheapest arm that is not among
	// the best, or with the next of them where all are.
	Effect *Effect
	// FailTooOften are those of Best, all of an undecided verdict, that fail more
	// often than is accepted more probably than not. They are not ruled out.
	FailTooOften []string
	// BreakEven is the failure rate of Best[0] at which the arm of Effect would
	// be as good; FailureBound the exact upper 95 % bound of its rate. Slow trials
	// count as failed ones do.
	BreakEven, FailureBound float64
	// Settle is set where the verdict is undecided and a number of blocks that
	// anybody would run is expected to end it.
	Settle *Settle
}

// Arm is what was seen of one arm.
type Arm struct {
	Name string
	// Slow are trials that took far longer than the arm's others.
	N, Failed, Slow int
	// Cost is the mean, or the quantile asked for, of the time to ready in a
	// typical place, retries included. It is infinite where nothing became
	// ready. Lower and Upper are its 95 % interval, NaN where unknown.
	Cost, Lower, Upper float64
}

// RuledOut is an arm that is not the best.
type RuledOut struct {
	Arm string
	// By is the arm that beats it; empty where it fails too often or never
	// became ready.
	By string
	// Effect is By against Arm, where By is set.
	Effect Effect
}

// Effect is by which share more or less one arm costs than another: -0.4 is
// 40 % less. Failures that were seen are in it, and none that were not. The
// interval holds at 95 % over all looks; it is NaN where nothing was paired.
type Effect struct {
	Of, Against          string
	Change, Lower, Upper float64
	Pairs                int
}

// Settle is what is expected to end an open decision if the arms differ as they
// seem to: so many more blocks of these arms.
type Settle struct {
	Blocks  int
	Seconds float64
	Arms    []string
}

// decide decides for trials whose places are treated as alike.
func decide(trials []Trial, goal Goal) Decision {
	s := newSample(trials, goal)
	d := Decision{Verdict: None, WhenItWorks: None, BreakEven: math.NaN(), FailureBound: math.NaN()}
	for i := range s.arms {
		d.Arms = append(d.Arms, s.summary(i))
	}
	whole := s.choose(true)
	for _, i := range whole.unfit {
		d.RuledOut = append(d.RuledOut, RuledOut{Arm: s.arms[i].name})
	}
	for _, o := range whole.beaten {
		d.RuledOut = append(d.RuledOut, RuledOut{Arm: s.arms[o.arm].name, By: s.arms[o.by].name, Effect: s.effect(o.by, o.arm)})
	}
	d.Verdict = whole.verdict
	if d.Verdict == None {
		return d
	}
	works := s.choose(false)
	d.WhenItWorks = works.verdict
	for _, o := range works.beaten {
		if k, by := s.arms[o.arm], s.arms[o.by]; by.bad*k.n <= k.bad*by.n {
			d.Slower = append(d.Slower, k.name)
		}
	}
	for _, i := range whole.best {
		d.Best = append(d.Best, s.arms[i].name)
		if s.failsTooOften(i) {
			d.FailTooOften = append(d.FailTooOften, s.arms[i].name)
		}
	}
	first := whole.best[0]
	if next := s.next(whole); next >= 0 {
		e := s.effect(first, next)
		d.Effect, d.BreakEven = &e, s.breakEven(first, next)
	}
	d.FailureBound = failureUpper(s.arms[first].bad, s.arms[first].n, 0.05)
	if d.Verdict == Undecided {
		d.Settle = s.settle(whole)
	}
	return d
}

// choice is a verdict in indices of arms.
type choice struct {
	verdict Verdict
	best    []int
	// unfit never became ready, or fail too often; beaten are worse than
	// another arm; left are all others. Each is in order of cost.
	unfit, left []int
	beaten      []beaten
}

type beaten struct{ arm, by int }

// OnlyWhenItWorks reports whether failures could still turn what the decision
// says: the exact bound of the rate is over the break-even rate, or an open
// decision would have ended if nothing ever failed.
func (d Decision) OnlyWhenItWorks() bool {
	switch d.Verdict {
	case Decided, Tied:
		return d.FailureBound > d.BreakEven
	case Undecided:
		return d.WhenItWorks == Decided || d.WhenItWorks == Tied
	}
	return false
}

// choose finds the arms that are the best or within the indifference of the
// best, and those that are not the best. With failures it counts those that
// nobody has seen yet, too.
//
// At most one of these statements errs in 5 % of studies, whenever one looks:
// an arm is ruled out by confidence sequences, Bonferroni over its rivals. An
// arm is within the indifference by Kim and Nelson's procedure. That an arm
// which is worse by half as much again as the indifference is taken for one
// within it happens at the square of alpha only. Arms that are shown to be that
// much worse do not share alpha: those that do are never fewer than those that
// may be confused.
func (s *sample) choose(failures bool) choice {
	var c choice
	var fit []int
	byCost := make([]int, len(s.arms))
	for i := range byCost {
		byCost[i] = i
	}
	slices.SortStableFunc(byCost, func(a, b int) int { return cmp.Compare(s.cost(a), s.cost(b)) })
	for _, i := range byCost {
		if s.unfit(i, byCost[0]) {
			c.unfit = append(c.unfit, i)
		} else {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 || math.IsInf(s.cost(fit[0]), 1) {
		c.verdict = None
		return c
	}
	out := alphaRuledOut / float64(max(1, len(fit)-1))
	// holds reports whether x costs less than exp(margin) times what k does: by
	// the times when both work, if failures do not turn that; or by what k's
	// failures cost.
	holds := func(x, k int, faster bool, margin float64) bool {
		if !failures {
			return faster
		}
		v := s.adv[x][k]
		return faster && s.risk(x, k, v.log+margin) <= alphaFailures ||
			s.arms[k].bad > 0 && s.risk(x, k, v.lower(out)+margin) <= alphaFailures
	}
	// One that may not be used at all beats nothing.
	beats := func(x, k int, by float64) bool {
		return x != k && !(failures && s.failsTooOften(x)) && holds(x, k, s.adv[x][k].lower(out) > by, -by)
	}
	near := 0
	for _, k := range fit {
		by := slices.IndexFunc(fit, func(x int) bool { return beats(x, k, 0) })
		if by < 0 {
			c.left = append(c.left, k)
			near++
			continue
		}
		c.beaten = append(c.beaten, beaten{k, fit[by]})
		if !slices.ContainsFunc(fit, func(x int) bool { return beats(x, k, farOff*s.margin) }) {
			near++
		}
	}
	share := alphaWithin / float64(max(1, near-1))
	within := func(x, k int) bool {
		v := s.adv[x][k]
		return holds(x, k, v.within(s.margin, share) || v.lower(out) > -s.margin, s.margin)
	}
	for _, x := range c.left {
		if !math.IsInf(s.cost(x), 1) && !(failures && s.failsTooOften(x)) && !slices.ContainsFunc(c.left, func(k int) bool { return k != x && !within(x, k) }) {
			c.best = append(c.best, x)
		}
	}
	switch len(c.best) {
	case 0:
		c.verdict, c.best = Undecided, c.left
	case 1:
		c.verdict = Decided
	default:
		c.verdict = Tied
	}
	return c
}
