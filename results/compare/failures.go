package compare

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// A failed set-up is tried again: with a failure rate p it takes, on average,
// p/(1-p) losses before one works. The rate is not known. Where no failure was
// seen it is not zero: Beta(0.2, 0.8), a fifth of a failure in one trial, is
// believed before the first trial. A loss that was never seen is assumed to be as
// long as a whole set-up, or as the losses of other arms if those are longer.
const priorFailed, priorReady = 0.2, 0.8

// rateOf is what is believed of a failure rate after so many trials.
func rateOf(failed, n int) distuv.Beta {
	return distuv.Beta{Alpha: priorFailed + float64(failed), Beta: priorReady + float64(n-failed)}
}

// AtMost is how probable it is, after so many failures, that the rate is at most most.
func AtMost(failed, n int, most float64) float64 { return rateOf(failed, n).CDF(most) }

// badBounds are exact bounds of the rate of failed and slow trials, each at alpha.
func (a *armSample) badBounds(alpha float64) stats.Interval {
	return stats.ClopperPearson(a.bad, a.n, 1-2*alpha)
}

// An arm that never became ready is taken to need at least this share of the best's time,
// and one whose few times bound it no better at least this share of what it was seen to take.
const fastest = 0.5

// unfit reports whether the arm cannot be recommended whatever its times are:
// it is shown to fail more often than is accepted, or it never became ready and
// fails too often to be as good as the best arm, however fast.
func (s *sample) unfit(i, best int) bool {
	a := s.arms[i]
	if s.shownToFail(a) {
		return true
	}
	c := s.cost(best)
	if len(a.times) > 0 || math.IsInf(c, 1) {
		return false
	}
	spare := c - fastest*s.arms[best].time()
	return rateOf(a.bad, a.n).CDF(spare/(spare+a.loss)) <= alphaRuledOut
}

// shownToFail reports whether the exact bound of the arm's failure rate is over the highest
// accepted one, at each level of a factor where the rate may depend on it.
func (s *sample) shownToFail(a *armSample) bool {
	over := func(c counts) bool {
		return stats.ClopperPearson(c.failed, c.n, 1-2*alphaRuledOut).Lower > s.goal.MaxFailureRate
	}
	if s.goal.MaxFailureRate == 0 || !over(counts{n: a.n, failed: a.failed}) {
		return false
	}
	for _, at := range a.at {
		if a.evenly(at) < doubtful && slices.ContainsFunc(slices.Collect(maps.Values(at)), func(c counts) bool { return !over(c) }) {
			return false
		}
	}
	return true
}

// failsTooOften reports whether the arm's failure rate is more probably over the
// highest accepted one than under it. That is not proof: the arm is not ruled out,
// and more trials may clear it. Until then it is not recommended.
func (s *sample) failsTooOften(i int) bool {
	a := s.arms[i]
	return s.goal.MaxFailureRate > 0 && AtMost(a.failed, a.n, s.goal.MaxFailureRate) < 0.5
}

// provenToWork reports whether it is improbable that the arm fails so often that its
// failures reach the quantile, where one is asked for and a failure rate is the highest
// that is accepted. Arms that are compared with others are held to the same rate.
func (s *sample) provenToWork(i int) bool {
	a := s.arms[i]
	return s.goal.MaxFailureRate == 0 || AtMost(a.failed, a.n, 1-s.goal.Quantile) >= 1-alphaFailures
}

// riskPoints is how many rates of the rival are looked at.
const riskPoints = 40

// risk is the probability that arm x, with its failures, costs more than exp(margin)
// times what arm k does. The logarithm of what k takes over what x takes, when both
// work, is taken to be least; the losses of k are as they were seen.
func (s *sample) risk(x, k int, least, margin float64) float64 {
	a, b, v := s.arms[x], s.arms[k], s.adv[x][k]
	if len(a.times) == 0 || v.pairs == 0 {
		return 1
	}
	if b.rates == nil {
		for _, rate := range append([]distuv.Beta{rateOf(b.bad, b.n)}, b.ownRates(func(counts) bool { return true })...) {
			var equallyProbable []float64
			for j := range riskPoints {
				equallyProbable = append(equallyProbable, rate.Quantile((float64(j)+0.5)/riskPoints))
			}
			b.rates = append(b.rates, equallyProbable)
		}
	}
	rates := append([]distuv.Beta{rateOf(a.bad, a.n)}, a.ownRates(func(c counts) bool { return c.bad > 0 })...)
	worst := 0.0
	for j, rival := range b.rates {
		for i, rate := range rates {
			if i > 0 && j > 0 { // of two levels
				break
			}
			sum := 0.0
			for _, p := range rival {
				times, losses := s.parts(b, p)
				sum += 1 - rate.CDF(s.rateFor(a, margin+math.Log(times*math.Exp(least)+losses*math.Exp(v.log))))
			}
			if i+j > 0 {
				sum *= alphaFailures / alphaLevel
			}
			worst = max(worst, sum/riskPoints)
		}
	}
	return worst
}

// The rate may depend on a factor where it is less probable than doubtful that it does not,
// which one failure alone never shows.
// At a level where the arm failed it is then judged by its trials there alone, too, and a
// rival may be as good as at any of its levels. Such trials are few, and the arm may cost
// too much with a probability of alphaLevel.
const doubtful, alphaLevel = 1.0 / 3, 0.05

// evenly is the probability that the arm fails or is slow equally often at all levels of a
// factor. The other hypothesis is a rate for each, and both are as probable beforehand.
func (a *armSample) evenly(at map[string]counts) float64 {
	if a.bad == 0 || len(at) < 2 {
		return 1
	}
	marginal := func(bad, n int) float64 {
		return mathext.Lbeta(priorFailed+float64(bad), priorReady+float64(n-bad)) - mathext.Lbeta(priorFailed, priorReady)
	}
	odds := -marginal(a.bad, a.n)
	for _, level := range slices.Sorted(maps.Keys(at)) {
		odds += marginal(at[level].bad, at[level].n)
	}
	return 1 / (1 + math.Exp(odds))
}

// ownRates are those of the levels that are counted, of factors on which the rate may
// depend. A factor on which it surely does is split.
func (a *armSample) ownRates(counted func(counts) bool) (rates []distuv.Beta) {
	for _, at := range a.at {
		if even := a.evenly(at); even >= doubtful || even < alphaUneven {
			continue
		}
		for _, c := range at {
			if counted(c) {
				rates = append(rates, rateOf(c.bad, c.n))
			}
		}
	}
	return rates
}

// cleanTrials is how many trials of an arm, none of them failed, it takes at
// least to recommend it over another one that is as fast: until then failures
// that nobody has seen could cost more than the indifference.
func cleanTrials(indifference float64) int {
	n := 1
	for 1-rateOf(0, n).CDF(indifference/(1+indifference)) > alphaFailures {
		n++
	}
	return n
}

// mostQuantile is the quantile of the attempts that work from which on failed
// ones are assumed to reach the quantile of all.
const mostQuantile = 0.999

// parts are what the arm costs at the failure rate p, in units of what it takes when it
// works: times and losses. A quantile of all attempts is a higher one of those that
// work, until failures reach it. Beyond that it includes as many losses as the
// quantile of the number of attempts does.
func (s *sample) parts(a *armSample, p float64) (times, losses float64) {
	relative := a.loss / a.time()
	if len(a.times) == 0 {
		relative = 1
	}
	if s.goal.Quantile == 0 {
		return 1, p / (1 - p) * relative
	}
	if q := s.goal.Quantile / (1 - p); q < mostQuantile {
		return math.Exp((distuv.UnitNormal.Quantile(q) - distuv.UnitNormal.Quantile(s.goal.Quantile)) * a.logSpread), 0
	}
	return 1, relative * max(1, math.Log(1-s.goal.Quantile)/math.Log(p))
}

// burden is the logarithm of the factor by which failures at rate p raise the cost.
func (s *sample) burden(a *armSample, p float64) float64 {
	times, losses := s.parts(a, p)
	return math.Log(times + losses)
}

// rateFor is the failure rate at which the arm has the burden.
func (s *sample) rateFor(a *armSample, burden float64) float64 {
	if burden <= 0 {
		return 0
	}
	if s.goal.Quantile == 0 {
		odds := math.Expm1(burden) * a.time() / a.loss
		if math.IsInf(odds, 1) {
			return 1
		}
		return odds / (1 + odds)
	}
	low, high := 0.0, 1.0
	for range 50 {
		if middle := (low + high) / 2; s.burden(a, middle) < burden {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// cost is what the arm costs at its own failure rate, in units of the place.
func (s *sample) cost(i int) float64 {
	a := s.arms[i]
	if len(a.times) == 0 {
		return math.Inf(1)
	}
	return a.time() * math.Exp(s.burden(a, a.badRate()))
}
