// Package compare decides between arms: which of several ways to set up an
// environment costs least, how sure that is, and what would settle what is
// open. Trials go in; verdict, effects, intervals and what was assumed come
// out. Each assumption has its file: times.go, failures.go, places.go.
package compare

import (
	"cmp"
	"math"
	"slices"
)

// Trial is one trial of one arm.
type Trial struct {
	Arm string
	// Place is what was given and not chosen: an engine, a memory limit. It
	// holds a level for each of the study's place factors, in one order.
	Place []string
	// Block tells the trials that ran under the same conditions.
	Block string
	Ready bool
	// Seconds is the time to ready of a trial that became so; Lost is what a
	// failed one cost, recovery included. NaN is not known.
	Seconds, Lost float64
}

// Goal says what is wanted of an arm.
type Goal struct {
	// Quantile of the time to ready, retries included, that counts; 0 is the
	// mean.
	Quantile float64
	// MaxFailureRate is the highest failure rate that is accepted; 0 is any.
	MaxFailureRate float64
	// Indifference is the share by which two arms may differ and still be as
	// good as each other: 0.05 is 5 %.
	Indifference float64
	// Recovery replaces what a failed trial needed beyond its own time, where
	// it is not NaN. Trials carry it already; it is kept for what never failed.
	Alpha float64
}

// Verdict is how a decision ended.
type Verdict string

// The verdicts.
const (
	// Decided: one arm is the best, or no other is better than it by more than
	// the indifference.
	Decided Verdict = "decided"
	// Tied: several arms are the best within the indifference of each other.
	Tied Verdict = "tied"
	// Undecided: several arms may still be the best.
	Undecided Verdict = "undecided"
	// None: nothing ever became ready, or everything fails too often.
	None Verdict = "none"
)

// Decision is the answer for one group of places.
type Decision struct {
	Verdict Verdict
	// Best are the arms to use: one when decided, several when tied; when
	// undecided the one that looks best so far comes first of those left.
	Best []string
	// WhenItWorks is the verdict that would hold if nothing ever failed. It is
	// better than Verdict where failures that were not seen could still turn
	// the order round.
	WhenItWorks Verdict
	RuledOut    []RuledOut
	Arms        []Arm
	// Effect compares the first of Best with the closest arm of those it is
	// compared with.
	Effect *Effect
	// BreakEven is the failure rate of Best[0] at which the next arm would be
	// as good; FailureBound the upper 95 % bound of its rate.
	BreakEven, FailureBound float64
	Settle                  *Settle
}

// Arm is what was seen of one arm.
type Arm struct {
	Name   string
	N      int
	Failed int
	// Cost is the mean, or the quantile asked for, of the time to ready,
	// retries included; Lower and Upper its 95 % interval, NaN where unknown.
	Cost, Lower, Upper float64
}

// RuledOut is an arm that cannot be the best.
type RuledOut struct {
	Arm string
	// By is the arm that beats it; empty where it fails too often.
	By string
	Effect
}

// Effect is how many times as long one arm takes as another, less 1: -0.4 is
// 40 % less.
type Effect struct {
	Of, Against          string
	Change, Lower, Upper float64
	Pairs                int
}

// Settle is what is expected to end an open decision with 80 %.
type Settle struct {
	Blocks  int
	Seconds float64
	Arms    []string
}

// Decide decides between the arms, of trials in places that are alike. Arms
// without a trial are not ranked.
func Decide(trials []Trial, goal Goal) Decision {
	s := newSample(trials, goal)
	d := Decision{Verdict: None, WhenItWorks: None, BreakEven: math.NaN(), FailureBound: math.NaN()}
	var allowed []int
	for i, a := range s.arms {
		d.Arms = append(d.Arms, s.summary(i))
		switch {
		case a.ready() == 0:
			d.RuledOut = append(d.RuledOut, RuledOut{Arm: a.name})
		case goal.MaxFailureRate > 0 && failureLower(int(a.failed), int(a.n), goal.Alpha) > goal.MaxFailureRate:
			d.RuledOut = append(d.RuledOut, RuledOut{Arm: a.name})
		default:
			allowed = append(allowed, i)
		}
	}
	if len(allowed) == 0 {
		return d
	}
	whole := s.choose(allowed, true)
	d.WhenItWorks = s.choose(allowed, false).verdict
	d.Verdict = whole.verdict
	for _, i := range whole.best {
		d.Best = append(d.Best, s.arms[i].name)
	}
	for _, o := range whole.out {
		e := s.effect(o.by, o.arm)
		d.RuledOut = append(d.RuledOut, RuledOut{Arm: s.arms[o.arm].name, By: s.arms[o.by].name, Effect: e})
	}
	if next := s.next(whole, allowed); next >= 0 {
		e := s.effect(whole.best[0], next)
		d.Effect = &e
		d.BreakEven = s.breakEven(whole.best[0], next)
	}
	best := s.arms[whole.best[0]]
	d.FailureBound = failureUpper(int(best.failed), int(best.n), goal.Alpha)
	if d.Verdict == Undecided {
		d.Settle = s.settle(whole, allowed)
	}
	return d
}

// choice is a verdict in indices.
type choice struct {
	verdict Verdict
	best    []int
	// left are the arms that none is shown to be better than, the cheapest
	// first.
	left []int
	out  []beaten
}

type beaten struct{ arm, by int }

// choose finds the arm that no rival is better than by more than the margin,
// and the arms that are shown to be worse than another one. Each arm takes part
// in as many comparisons as it has rivals, at a level at which all that is said
// of the best arm holds together (Hsu's multiple comparisons with the best, by
// Bonferroni). Half of alpha is for the times, half for failures that were not
// seen.
func (s *sample) choose(arms []int, failures bool) choice {
	alpha := s.goal.Alpha / 2 / float64(max(1, len(arms)-1))
	margin := math.Log1p(s.goal.Indifference)
	byCost := slices.Clone(arms)
	slices.SortStableFunc(byCost, func(a, b int) int { return cmp.Compare(s.cost(a), s.cost(b)) })
	var c choice
	for _, k := range byCost {
		beats := func(x int) bool {
			return x != k && s.adv[x][k].lower(alpha) > 0 && (!failures || s.worse(x, []int{k}, 0) <= s.goal.Alpha/2)
		}
		if by := slices.IndexFunc(byCost, beats); by >= 0 {
			c.out = append(c.out, beaten{k, byCost[by]})
		} else {
			c.left = append(c.left, k)
		}
	}
	for _, x := range c.left {
		rivals := slices.DeleteFunc(slices.Clone(c.left), func(k int) bool { return k == x })
		sure := !slices.ContainsFunc(rivals, func(k int) bool { return !s.adv[x][k].within(margin, alpha) })
		if sure && (!failures || s.worse(x, rivals, margin) <= s.goal.Alpha/2) {
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
