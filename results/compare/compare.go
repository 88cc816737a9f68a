// Package compare decides between arms: which of several ways to set up an
// environment costs least, how sure that is, and what would settle what is
// open. Trials go in; verdict, effects, intervals, causes of failures and warnings come
// out. Each assumption has its file: sample.go, times.go, failures.go, places.go, causes.go,
// warnings.go; sidebyside.go compares two states.
// docs/decisions/016-one-comparison-engine.md has the reasons.
package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Trial is one trial of one arm.
type Trial struct {
	Arm string
	// Place is what is given and not chosen, such as an engine and a memory
	// limit: a level for each place factor, in the order of the factors.
	Place []string
	// Block is shared by the trials that ran under the same conditions.
	Block string
	Ready bool
	// Seconds is the time to ready of a trial that became ready. Lost is what a
	// failed one cost, recovery included. NaN is not known.
	Seconds, Lost float64

	// Numbers that ordered gives. A stratum is what paired trials share: the nth
	// of their arm in one place and block.
	place, arm, stratum int
}

// placeKey is the trial's place as one text.
func (t Trial) placeKey() string { return strings.Join(t.Place, "\x00") }

// Goal is what is wanted of an arm.
type Goal struct {
	// Quantile of the time to ready, retries included; 0 is the mean.
	Quantile float64
	// MaxFailureRate is the highest failure rate that is accepted; 0 is any.
	MaxFailureRate float64
	// Indifference is the share by which two arms may differ and still be as
	// good as each other; 0 is DefaultIndifference.
	Indifference float64
}

// DefaultIndifference is a tenth. The blocks of one day on one host differ by
// more than that, so a smaller difference changes nobody's day; and each halving
// takes four times the blocks.
const DefaultIndifference = 0.1

// The error rate of 5 % that all statements about one group of places share,
// over all looks. To rule an arm out needs little of it: the blocks needed grow
// only with the logarithm of its inverse.
const (
	alphaRuledOut = 0.010
	alphaWithin   = 0.035
	alphaFailures = 0.005
)

// An arm worse by farOff times the indifference is not mistaken for one within it.
const farOff = 1.5

// Verdict is how a decision ended.
type Verdict string

// The verdicts.
const (
	Decided   Verdict = "decided"   // one arm is the best or within the indifference of the best
	Tied      Verdict = "tied"      // several arms are
	Undecided Verdict = "undecided" // no arm is shown to be
	None      Verdict = "none"      // nothing ever became ready, or everything fails too often
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
	// RuledOut are the arms that are not the best: Of beats Against, or Against fails
	// too often or never became ready where Of is empty.
	RuledOut []Effect
	// Slower are arms that another one beats when both work, and that failed no
	// less often than it. More trials of them decide nothing, even where they are
	// not ruled out: trials of the other one do.
	Slower []string
	Arms   []Arm
	// Effect compares the first of Best with the cheapest arm that is not among
	// the best, or with the next of them where all are.
	Effect *Effect
	// FailTooOften are those of Best, in an undecided verdict, that probably fail
	// more often than is accepted. They are not ruled out.
	FailTooOften []string
	// BreakEven is the failure rate of Best[0] at which the other arm of Effect
	// would be as good; FailureBound is the exact upper 95 % bound of its rate.
	// Slow trials count as failed.
	BreakEven, FailureBound float64
	// Settle is set where the verdict is undecided and up to mostBlocks more
	// blocks are expected to end it.
	Settle *Settle
}

// Arm is what was seen of one arm.
type Arm struct {
	Name string
	// Slow counts trials that took far longer than the arm's others.
	N, Failed, Slow int
	// Cost is the mean, or the quantile asked for, of the time to ready in a
	// typical place, retries included. It is infinite where nothing became
	// ready. Lower and Upper are its 95 % interval, NaN where unknown.
	Cost, Lower, Upper float64
}

// Effect is the share by which one arm costs more or less than another: -0.4 is
// 40 % less. It includes failures that were seen, and no others. The interval
// holds at 95 % over all looks; it is NaN where nothing was paired.
type Effect struct {
	Of, Against          string
	Change, Lower, Upper float64
}

// Settle is what is expected to end an open decision if the arms differ as they
// seem to: this many more blocks of these arms, which are those left that are not slower.
type Settle struct {
	Blocks  int      `json:"blocks"`
	Seconds float64  `json:"seconds"`
	Arms    []string `json:"strategies"`
}

// decide treats the places of the trials as alike.
func decide(trials []Trial, goal Goal) Decision {
	s := newSample(trials, goal)
	d := Decision{Verdict: None, WhenItWorks: None, BreakEven: math.NaN(), FailureBound: math.NaN()}
	for i := range s.arms {
		d.Arms = append(d.Arms, s.summary(i))
	}
	whole := s.choose(true)
	for _, i := range whole.unfit {
		d.RuledOut = append(d.RuledOut, Effect{Against: s.arms[i].name})
	}
	for _, o := range whole.beaten {
		d.RuledOut = append(d.RuledOut, s.effect(o.by, o.arm))
	}
	d.Verdict = whole.verdict
	if d.Verdict == None {
		return d
	}
	works := s.choose(false)
	d.WhenItWorks = works.verdict
	for _, o := range works.beaten {
		if k, by := s.arms[o.arm], s.arms[o.by]; by.badRate() <= k.badRate() {
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
		e, x := s.effect(first, next), s.arms[first]
		d.Effect, d.BreakEven = &e, s.rateFor(x, math.Log(s.cost(next)/x.time()))
	}
	d.FailureBound = s.arms[first].badBounds(0.05).Upper
	if d.Verdict == Undecided {
		d.Settle = s.settle(whole, d.Slower)
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
	beaten      []struct{ arm, by int }
}

// OnlyWhenItWorks reports whether failures could still turn the decision: the
// exact bound of the rate is over the break-even rate, or an open decision would
// have ended if nothing ever failed.
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
// best, and those that are not the best. With failures, those that nobody has
// seen yet count too.
//
// In at most 5 % of studies is any of these statements wrong, whenever one looks.
// Arms are ruled out by confidence sequences, Bonferroni over their rivals, and
// found within the indifference by Kim and Nelson's procedure. An arm worse by
// farOff times the indifference is mistaken for one within it at the square of
// alpha only. So arms that are shown to be that far off do not share alpha: those
// that share it are never fewer than those that may be confused.
func (s *sample) choose(failures bool) choice {
	var c choice
	var byCost, fit []int
	for i := range s.arms {
		byCost = append(byCost, i)
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
	// holds reports whether x costs less than exp(margin) times as much as k: by
	// their times when both work, if failures do not turn that; or by the cost of
	// k's failures.
	holds := func(x, k int, faster bool, margin float64) bool {
		if !failures {
			return faster
		}
		v := s.adv[x][k]
		return faster && s.risk(x, k, v.log, margin) <= alphaFailures ||
			s.arms[k].bad > 0 && s.risk(x, k, max(v.lower(out), v.log+math.Log(fastest)), margin) <= alphaFailures
	}
	// An arm that may not be used beats nothing.
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
		c.beaten = append(c.beaten, struct{ arm, by int }{k, fit[by]})
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
	// An arm that is left alone was compared with none, which would have bounded its failures.
	if failures && len(fit) == 1 && !s.provenToWork(fit[0]) {
		c.best = nil
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
