package compare

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// A failed set-up is tried again: with a failure rate p it takes, on average,
// p/(1-p) losses before one works. The rate is not known. Where no failure was
// seen it is not zero: Beta(0.2, 0.8), a fifth of a failure in one trial, is
// what is believed before the first trial. A loss that was never seen is taken
// to be as long as a whole set-up, or as the losses of other arms if those are
// longer.
const priorFailed, priorReady = 0.2, 0.8

func (a *armSample) rate() distuv.Beta {
	return distuv.Beta{Alpha: priorFailed + float64(a.bad), Beta: priorReady + float64(a.n-a.bad)}
}

// failureUpper and failureLower are Clopper and Pearson's one-sided bounds.
func failureUpper(failed, n int, alpha float64) float64 {
	if failed == n {
		return 1
	}
	return distuv.Beta{Alpha: float64(failed + 1), Beta: float64(n - failed)}.Quantile(1 - alpha)
}

func failureLower(failed, n int, alpha float64) float64 {
	if failed == 0 {
		return 0
	}
	return distuv.Beta{Alpha: float64(failed), Beta: float64(n - failed + 1)}.Quantile(alpha)
}

// fastest bounds how much faster than the fastest arm one may be that never
// became ready: twice.
const fastest = 0.5

// unfit reports whether the arm cannot be recommended whatever its times are:
// it is shown to fail more often than is accepted, or it never became ready and
// fails too often to be as good as the best arm, however fast.
func (s *sample) unfit(i, best int) bool {
	a := s.arms[i]
	if s.goal.MaxFailureRate > 0 && failureLower(a.failed, a.n, alphaRuledOut) > s.goal.MaxFailureRate {
		return true
	}
	c := s.cost(best)
	if a.ready() > 0 || math.IsInf(c, 1) {
		return false
	}
	spare := c - fastest*s.arms[best].time()
	return a.rate().CDF(spare/(spare+a.loss)) <= alphaRuledOut
}

// failsTooOften reports whether the arm's failure rate is more probably over the
// highest accepted one than under it. It is not shown to be: the arm is not ruled
// out, and more trials may clear it. Until then nobody is told to use it.
func (s *sample) failsTooOften(i int) bool {
	if s.goal.MaxFailureRate == 0 {
		return false
	}
	a := s.arms[i]
	rate := distuv.Beta{Alpha: priorFailed + float64(a.failed), Beta: priorReady + float64(a.n-a.failed)}
	return rate.CDF(s.goal.MaxFailureRate) < 0.5
}

// riskPoints is how many equally probable rates of the rival are looked at.
const riskPoints = 40

// risk is the probability that failures cost arm x more than the allowance
// beyond what they cost arm k, in logarithms of the cost.
func (s *sample) risk(x, k int, allowance float64) float64 {
	a, b := s.arms[x], s.arms[k]
	if a.ready() == 0 || math.IsNaN(allowance) || math.IsInf(allowance, -1) {
		return 1
	}
	if b.rates == nil {
		b.rates = make([]float64, riskPoints)
		for j := range b.rates {
			b.rates[j] = b.rate().Quantile((float64(j) + 0.5) / riskPoints)
		}
	}
	rate, sum := a.rate(), 0.0
	for _, p := range b.rates {
		sum += 1 - rate.CDF(s.rateFor(a, allowance+s.burden(b, p)))
	}
	return sum / riskPoints
}

// cleanTrials is how many trials of an arm, none of them failed, it takes at
// least to recommend it over another one that is as fast, at the
// indifference: until then failures that nobody has seen could make it worse.
func cleanTrials(indifference float64) int {
	for n := 1; ; n++ {
		rate := (&armSample{n: n}).rate()
		if 1-rate.CDF(indifference/(1+indifference)) <= alphaFailures {
			return n
		}
	}
}

// mostQuantile is where a quantile of the attempts that work is taken to reach
// those that failed.
const mostQuantile = 0.999

// burden is the logarithm of the factor by which failures at the rate p raise
// what the arm costs. A quantile of all attempts is a higher one of those that
// work, until failures reach it. It then has as many losses in it as the quantile
// of the number of attempts has.
func (s *sample) burden(a *armSample, p float64) float64 {
	relative := a.loss / a.time()
	if a.ready() == 0 {
		relative = 1
	}
	if s.goal.Quantile == 0 {
		return math.Log1p(p / (1 - p) * relative)
	}
	if q := s.goal.Quantile / (1 - p); q < mostQuantile {
		return (normalQuantile(q) - normalQuantile(s.goal.Quantile)) * a.logSpread
	}
	return math.Log1p(relative * max(1, math.Log(1-s.goal.Quantile)/math.Log(p)))
}

// rateFor is the failure rate at which the arm has the burden.
func (s *sample) rateFor(a *armSample, burden float64) float64 {
	low, high := 0.0, 1.0
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
	if a.ready() == 0 {
		return math.Inf(1)
	}
	return a.time() * math.Exp(s.burden(a, float64(a.bad)/float64(a.n)))
}

// breakEven is the failure rate at which arm x would cost as much as arm k does
// at k's own rate.
func (s *sample) breakEven(x, k int) float64 {
	return s.rateFor(s.arms[x], math.Log(s.cost(k)/s.arms[x].time()))
}
