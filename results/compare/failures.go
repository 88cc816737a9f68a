package compare

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// A failed set-up is tried again: with a failure rate p it takes, on average,
// p/(1-p) losses before one works. The rate is not known either. Where no
// failure was seen it is not zero: Beta(0.2, 0.8), a fifth of a failure in one
// trial, stands for what was seen elsewhere. A loss that was never seen is
// taken to be as long as a whole set-up, or as the losses of other arms if
// those are longer.
const priorFailed, priorReady = 0.2, 0.8

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

// futures is the number of draws from what the trials leave possible.
const futures = 4000

// worse is the probability that arm x costs more than exp(margin) times as
// much as the best of its rivals once failures are counted.
func (s *sample) worse(x int, rivals []int, margin float64) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	rate := make([]distuv.Beta, len(s.arms))
	for i, a := range s.arms {
		rate[i] = distuv.Beta{Alpha: priorFailed + a.failed, Beta: priorReady + a.n - a.failed, Src: random}
	}
	a := s.arms[x]
	time := math.Exp(s.location(a))
	n := 0
	for range futures {
		cost := s.withRetries(a, time, rate[x].Rand())
		for _, k := range rivals {
			v := s.adv[x][k]
			lead := v.log + v.spread/math.Sqrt(float64(v.pairs))*random.NormFloat64()
			if cost > math.Exp(margin)*s.withRetries(s.arms[k], time*math.Exp(lead), rate[k].Rand()) {
				n++
				break
			}
		}
	}
	return float64(n) / futures
}

// mostQuantile is where a quantile of the attempts that work is taken to reach
// those that failed.
const mostQuantile = 0.999

// withRetries is what an arm costs that fails at the rate p and takes the time
// given when it works.
func (s *sample) withRetries(a *armSample, time, p float64) float64 {
	if s.goal.Quantile == 0 {
		return time + p/(1-p)*a.loss
	}
	// A quantile of the whole is a higher one of the attempts that work, until
	// failures reach it.
	q := s.goal.Quantile / (1 - p)
	if q >= mostQuantile {
		return time + a.loss/(1-p)
	}
	return time * math.Exp((normalQuantile(q)-normalQuantile(s.goal.Quantile))*a.logSpread)
}

// breakEven is the failure rate at which arm x would cost as much as arm k does
// at k's own rate.
func (s *sample) breakEven(x, k int) float64 {
	a := s.arms[x]
	time, against := math.Exp(s.location(a)), s.cost(k)
	low, high := 0.0, 1.0
	for range 60 {
		if middle := (low + high) / 2; s.withRetries(a, time, middle) < against {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
