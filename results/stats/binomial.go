package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

func checkCount(k, n int) error {
	if n <= 0 {
		return invalid("%d trials say nothing about a rate", n)
	}
	if k < 0 || k > n {
		return invalid("%d events in %d trials", k, n)
	}
	return nil
}

func checkBinomial(k, n int, conf float64) error {
	if err := checkCount(k, n); err != nil {
		return err
	}
	return checkConfidence(conf)
}

// ClopperPearson is the exact two-sided interval for the probability of an
// event seen k times in n trials: it covers with at least conf at every true
// rate. n must be positive.
//
// Clopper & Pearson, Biometrika 26 (1934) 404.
func ClopperPearson(k, n int, conf float64) (Interval, error) {
	if err := checkBinomial(k, n, conf); err != nil {
		return Interval{}, err
	}
	tail := (1 - conf) / 2
	return Interval{binomialLower(k, n, tail), binomialUpper(k, n, tail)}, nil
}

func binomialLower(k, n int, tail float64) float64 {
	switch k {
	case 0:
		return 0
	case n:
		return math.Exp(math.Log(tail) / float64(n))
	}
	return betaQuantile(tail, float64(k), float64(n-k+1))
}

func binomialUpper(k, n int, tail float64) float64 {
	switch k {
	case n:
		return 1
	case 0:
		return -math.Expm1(math.Log(tail) / float64(n))
	}
	return betaQuantile(1-tail, float64(k+1), float64(n-k))
}

// betaQuantile inverts the regularised incomplete beta function by bisection:
// gonum's own inverse stops early for small probabilities.
func betaQuantile(p, a, b float64) float64 {
	if p <= 0 {
		return 0
	}
	if p >= 1 {
		return 1
	}
	return bisect(func(x float64) float64 { return mathext.RegIncBeta(a, b, x) - p }, 0, 1)
}

// CleanRuns is the number of consecutive trials without an event after which
// the one-sided exact upper bound at conf is below rate: 29 for "under 10 %
// with 95 % confidence". rate lies strictly between 0 and 1.
func CleanRuns(rate, conf float64) (int, error) {
	if err := checkLevel("rate", rate); err != nil {
		return 0, err
	}
	if err := checkConfidence(conf); err != nil {
		return 0, err
	}
	exact := math.Log1p(-conf) / math.Log1p(-rate)
	if exact > math.MaxInt32 {
		return 0, invalid("a rate of %v needs more runs than can be counted", rate)
	}
	return int(math.Floor(exact)) + 1, nil
}
