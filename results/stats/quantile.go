package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Quantile is the type-7 sample quantile (R's and NumPy's default): linear
// between order statistics. values need not be sorted and may hold +Inf for
// trials that never got ready; the result is +Inf where it rests on one.
//
// Hyndman & Fan, The American Statistician 50 (1996) 361.
func Quantile(values []float64, p float64) (float64, error) {
	sorted, err := sortedSample(values, p)
	if err != nil {
		return 0, err
	}
	return quantile(sorted, p), nil
}

// Median is the middle value, or the mean of the middle two; NaN where values
// has none, or one that Quantile does not take.
func Median(values []float64) float64 {
	m, err := Quantile(values, 0.5)
	if err != nil {
		return math.NaN()
	}
	return m
}

func sortedSample(values []float64, p float64) ([]float64, error) {
	if len(values) == 0 {
		return nil, invalid("no values")
	}
	if err := checkProbability("quantile", p); err != nil {
		return nil, err
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, -1) {
			return nil, invalid("values[%d] is %v", i, v)
		}
	}
	return slices.Sorted(slices.Values(values)), nil
}

func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(math.Floor(h))
	if h == float64(i) {
		return sorted[i]
	}
	if math.IsInf(sorted[i+1], 1) {
		return sorted[i+1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// QuantileInterval is a distribution-free interval for a population quantile.
type QuantileInterval struct {
	// Interval has −Inf or +Inf where so few values put no bound on a side at
	// the level asked for, and +Inf where the bound is a trial that never
	// got ready.
	Interval
	LowerRank, UpperRank int     // order statistics, from 1; 0 for none
	Coverage             float64 // exact level for continuous values
}

// QuantileBounds is the equal-tailed order-statistic interval of the p
// quantile, 0 < p < 1: each side misses with at most (1−conf)/2. values as
// for Quantile.
//
// David & Nagaraja, Order Statistics, 3rd ed. (2003) §7.1.
func QuantileBounds(values []float64, p, conf float64) (QuantileInterval, error) {
	sorted, err := sortedSample(values, p)
	if err != nil {
		return QuantileInterval{}, err
	}
	if err := checkLevel("quantile", p); err != nil {
		return QuantileInterval{}, err
	}
	if err := checkConfidence(conf); err != nil {
		return QuantileInterval{}, err
	}
	n, tail := len(sorted), (1-conf)/2*(1+1e-12)
	q := QuantileInterval{Interval: Interval{math.Inf(-1), math.Inf(1)}}
	for r := 1; r <= n && atMost(r-1, n, p) <= tail; r++ {
		q.LowerRank, q.Lower = r, sorted[r-1]
	}
	for s := n; s >= 1 && 1-atMost(s-1, n, p) <= tail; s-- {
		q.UpperRank, q.Upper = s, sorted[s-1]
	}
	q.Coverage = 1
	if q.UpperRank > 0 {
		q.Coverage = atMost(q.UpperRank-1, n, p)
	}
	if q.LowerRank > 0 {
		q.Coverage -= atMost(q.LowerRank-1, n, p)
	}
	return q, nil
}

// atMost is the binomial distribution function.
func atMost(k, n int, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), 1-p)
}
