package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// CappedComparison is the mean of min(time, cap) of two arms.
type CappedComparison struct {
	First, Second float64
	Difference    float64 // first − second
	CI            Interval
	DF            float64
	P             float64 // two-sided, of no difference
}

// CompareCapped compares mean times to ready with what takes longer than the
// cap, or crashes (+Inf), counted as the cap: restricted means where every
// trial was watched to the cap. Its interval is Welch's, which covers better
// than CompareRMST's with few trials; where times are steady and an arm shows no
// failure, that of two CappedMeans (DifferenceInterval) covers better still. At
// least two trials in each arm, and some spread.
//
// Welch, Biometrika 34 (1947) 28.
func CompareCapped(first, second []float64, limit, conf float64) (CappedComparison, error) {
	if err := checkConfidence(conf); err != nil {
		return CappedComparison{}, err
	}
	if !(limit > 0) || math.IsInf(limit, 1) {
		return CappedComparison{}, invalid("cap %v", limit)
	}
	if len(first) < 2 || len(second) < 2 {
		return CappedComparison{}, invalid("%d and %d trials; both arms need two", len(first), len(second))
	}
	for _, times := range [][]float64{first, second} {
		if err := checkTimes("times", times, true); err != nil {
			return CappedComparison{}, err
		}
	}
	m1, v1 := cappedMean(first, limit)
	m2, v2 := cappedMean(second, limit)
	if v1+v2 == 0 {
		return CappedComparison{}, invalid("no spread in either arm")
	}
	c := CappedComparison{First: m1, Second: m2, Difference: m1 - m2}
	c.DF = (v1 + v2) * (v1 + v2) / (v1*v1/float64(len(first)-1) + v2*v2/float64(len(second)-1))
	se := math.Sqrt(v1 + v2)
	half := studentQuantile(0.5+conf/2, c.DF) * se
	c.CI = Interval{c.Difference - half, c.Difference + half}
	c.P = 2 * distuv.StudentsT{Sigma: 1, Nu: c.DF}.Survival(math.Abs(c.Difference)/se)
	return c, nil
}

// cappedMean is the mean and its variance.
func cappedMean(times []float64, limit float64) (m, variance float64) {
	n := float64(len(times))
	for _, t := range times {
		m += min(t, limit) / n
	}
	for _, t := range times {
		d := min(t, limit) - m
		variance += d * d / (n * (n - 1))
	}
	return m, variance
}

// CappedMean is the mean of min(time, cap) of one arm with its interval from
// the posterior: the share under the cap under Jeffreys' prior, and the mean
// of the times under it from TimePosterior. Unlike Student's interval it allows
// for failures that so few trials did not show; where none was seen its lower
// end is that without any. times may be +Inf; at least one lies under the cap.
func CappedMean(times []float64, limit, conf float64, spread SpreadPrior, draws int, seed uint64) (float64, Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return 0, Interval{}, err
	}
	if err := checkTimes("times", times, true); err != nil {
		return 0, Interval{}, err
	}
	if !(limit > 0) || math.IsInf(limit, 1) || draws < 1 {
		return 0, Interval{}, invalid("cap %v, %d draws", limit, draws)
	}
	var under []float64
	for _, t := range times {
		if t < limit {
			under = append(under, t)
		}
	}
	if len(under) == 0 {
		return limit, Interval{}, invalid("no time lies under the cap %v", limit)
	}
	posterior, err := NewTimePosterior(under, spread)
	if err != nil {
		return 0, Interval{}, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	share := distuv.Beta{Alpha: JeffreysPrior.A + float64(len(under)), Beta: JeffreysPrior.B + float64(len(times)-len(under)), Src: random}
	values, ready := make([]float64, draws), make([]float64, draws)
	for i := range values {
		p := share.Rand()
		ready[i] = min(limit, posterior.Draw(random).Mean)
		values[i] = p*ready[i] + (1-p)*limit
	}
	slices.Sort(values)
	ends := Interval{quantile(values, (1-conf)/2), quantile(values, (1+conf)/2)}
	if len(under) == len(times) {
		slices.Sort(ready)
		ends.Lower = min(ends.Lower, quantile(ready, (1-conf)/2))
	}
	m, _ := cappedMean(times, limit)
	return m, ends, nil
}
