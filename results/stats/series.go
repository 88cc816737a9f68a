package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// TheilSen estimates the trend of values at equal distances, from one to the next,
// by the median of the slopes between any two of them: outliers do not move it.
// The interval is infinite where so few values bound nothing.
//
// Theil, Proceedings KNAW 53 (1950) 386; Sen, JASA 63 (1968) 1379.
func TheilSen(values []float64, conf float64) (slope float64, ci Interval) {
	var slopes []float64
	for i := range values {
		for j := range i {
			slopes = append(slopes, (values[i]-values[j])/float64(i-j))
		}
	}
	slices.Sort(slopes)
	n := len(slopes)
	if n == 0 || math.IsNaN(slopes[0]) || math.IsInf(slopes[0], 0) || math.IsInf(slopes[n-1], 0) {
		return math.NaN(), unknown
	}
	ci = Interval{math.Inf(-1), math.Inf(1)}
	// Sen's ranks, with the ties taken from the variance.
	spread := twoSidedZ(conf) * math.Sqrt(kendallVariance(values))
	if low := int(math.RoundToEven((float64(n)-spread)/2)) - 1; low >= 0 {
		ci.Lower = slopes[low]
	}
	if high := int(math.RoundToEven((float64(n) + spread) / 2)); high < n {
		ci.Upper = slopes[high]
	}
	return middle(slopes), ci
}

// kendallVariance is that of rising less falling pairs (Sen), with ties taken off.
func kendallVariance(values []float64) float64 {
	term := func(n float64) float64 { return n * (n - 1) * (2*n + 5) / 18 }
	v := term(float64(len(values)))
	for _, n := range counts(values) {
		v -= term(n)
	}
	return max(0, v)
}

func counts(values []float64) map[float64]float64 {
	n := map[float64]float64{}
	for _, v := range values {
		n[v]++
	}
	return n
}

// MannKendall tests that values in time order have no monotone trend: s is the
// number of rising less falling pairs, p is two-sided, and NaN for fewer than
// three values. It is exact up to 100 values without ties, and else normal with
// continuity correction.
//
// Mann, Econometrica 13 (1945) 245; Kendall, Rank Correlation Methods (1955).
func MannKendall(values []float64) (s int, p float64) {
	n := len(values)
	for i := range values {
		for j := range i {
			s += cmp.Compare(values[i], values[j])
		}
	}
	sd := math.Sqrt(kendallVariance(values))
	switch {
	case n < 3 || slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
		return s, math.NaN()
	case n <= 100 && len(counts(values)) == n:
		return s, exactKendall(n, s)
	case sd == 0:
		return s, 1
	}
	return s, min(1, 2*distuv.UnitNormal.Survival(max(0, math.Abs(float64(s))-1)/sd))
}

// exactKendall is P(|S| ≥ |s|) over all orders of n values. The ith value falls
// below as many of those before it as chance has it.
func exactKendall(n, s int) (p float64) {
	falling := []float64{1}
	for i := 2; i <= n; i++ {
		falling = Add(falling, slices.Repeat([]float64{1 / float64(i)}, i))
	}
	for k, chance := range falling {
		if v := n*(n-1)/2 - 2*k; max(v, -v) >= max(s, -s) {
			p += chance
		}
	}
	return min(1, p)
}

// BernoulliCUSUM watches a crash rate for a rise. Each crash adds Crash to a sum, each
// clean run takes 1 off down to 0, and the sum reaching Limit is an alarm.
//
// Reynolds & Stoumbos, Journal of Quality Technology 31 (1999) 87: the likelihood
// ratio's steps rounded to whole ones, so that run lengths are exact.
type BernoulliCUSUM struct{ Crash, Limit int }

// maxCUSUM bounds the size of the chain behind a run length.
const maxCUSUM = 1000

// NewBernoulliCUSUM is the chart that best tells the raised rate from the usual one
// (0 < usual < raised < 1) with a false alarm at most every falseAlarm trials.
func NewBernoulliCUSUM(usual, raised, falseAlarm float64) (BernoulliCUSUM, error) {
	if !(usual > 0 && usual < raised && raised < 1) {
		return BernoulliCUSUM{}, fmt.Errorf("no chart tells a rate of %v from one of %v", raised, usual)
	}
	// In units of a clean run's step a crash is worth crash/clean.
	clean, crash := math.Log1p(-usual)-math.Log1p(-raised), math.Log(raised/usual)
	c := BernoulliCUSUM{Crash: max(1, int(math.Round(crash/clean)))}
	c.Limit = Fewest(maxCUSUM, func(limit int) bool {
		return BernoulliCUSUM{c.Crash, limit}.RunLength(usual) >= falseAlarm
	})
	if c.Limit == 0 {
		return BernoulliCUSUM{}, fmt.Errorf("no chart of up to %d steps waits %v trials at a rate of %v", maxCUSUM, falseAlarm, usual)
	}
	return c, nil
}

// RunLength is the exact mean number of trials until an alarm when the crash
// rate is rate: how long a false alarm waits at the usual rate, and a true one at
// a raised one. It is NaN where that is too long to work out.
func (c BernoulliCUSUM) RunLength(rate float64) float64 {
	if c.Crash < 1 || c.Limit < 1 || c.Limit > maxCUSUM || !(rate > 0 && rate <= 1) {
		return math.NaN()
	}
	// (I − Q)·L = 1 for the mean trials L from each sum below the limit.
	a, ones := mat.NewDense(c.Limit, c.Limit, nil), mat.NewVecDense(c.Limit, nil)
	for s := range c.Limit {
		ones.SetVec(s, 1)
		a.Set(s, s, a.At(s, s)+1)
		down := max(0, s-1)
		a.Set(s, down, a.At(s, down)-(1-rate))
		if up := s + c.Crash; up < c.Limit {
			a.Set(s, up, a.At(s, up)-rate)
		}
	}
	var lengths mat.VecDense
	if err := lengths.SolveVec(a, ones); err != nil {
		return math.NaN()
	}
	return lengths.AtVec(0)
}
