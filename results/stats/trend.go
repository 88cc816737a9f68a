package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Slope is a straight trend that outliers do not move.
type Slope struct {
	PerUnit   float64 // of x
	Intercept float64
	// CI is that of PerUnit; infinite where so few points bound nothing.
	CI Interval
}

// TheilSen estimates the trend of y over x by the median of the slopes of all
// pairs of points with different x; one y for each x, at least two points.
//
// Theil, Proceedings KNAW 53 (1950) 386; Sen, JASA 63 (1968) 1379. Intercept
// as scipy.stats.theilslopes: median(y) − slope·median(x).
func TheilSen(x, y []float64, conf float64) (Slope, error) {
	if err := checkConfidence(conf); err != nil {
		return Slope{}, err
	}
	if err := checkSeries(x, y); err != nil {
		return Slope{}, err
	}
	var slopes []float64
	for i := range x {
		for j := range i {
			if x[i] != x[j] {
				slopes = append(slopes, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	if len(slopes) == 0 {
		return Slope{}, invalid("all points have the same x")
	}
	slices.Sort(slopes)
	s := Slope{PerUnit: quantile(slopes, 0.5), CI: Interval{math.Inf(-1), math.Inf(1)}}
	s.Intercept = Median(y) - s.PerUnit*Median(x)
	// Sen's ranks, with the ties of both taken from the variance.
	n := float64(len(slopes))
	spread := twoSidedZ(conf) * math.Sqrt(kendallVariance(x, y))
	if low := int(math.RoundToEven((n-spread)/2)) - 1; low >= 0 {
		s.CI.Lower = slopes[low]
	}
	if high := int(math.RoundToEven((n + spread) / 2)); high < len(slopes) {
		s.CI.Upper = slopes[high]
	}
	return s, nil
}

func checkSeries(x, y []float64) error {
	if len(x) != len(y) || len(x) < 2 {
		return invalid("%d and %d values; a trend needs two points", len(x), len(y))
	}
	if err := checkFinite("x", x); err != nil {
		return err
	}
	return checkFinite("y", y)
}

// kendallVariance is Sen's: of the number of rising less falling pairs, each
// set of ties taken off.
func kendallVariance(x, y []float64) float64 {
	term := func(n float64) float64 { return n * (n - 1) * (2*n + 5) / 18 }
	v := term(float64(len(y)))
	for _, values := range [][]float64{x, y} {
		for _, t := range tieSizes(values) {
			v -= term(t)
		}
	}
	return max(0, v)
}

func tieSizes(values []float64) (sizes []float64) {
	count := map[float64]float64{}
	for _, v := range values {
		count[v]++
	}
	for _, c := range count {
		sizes = append(sizes, c)
	}
	return sizes
}

// TrendTest is the result of MannKendall.
type TrendTest struct {
	S     int     // rising less falling pairs
	Tau   float64 // Kendall's tau-b with time; NaN when all values are equal
	P     float64 // two-sided
	Exact bool    // from the distribution of S; else normal with continuity correction
}

// MannKendall tests that values in time order have no monotone trend; at
// least three values. Exact up to 100 values without ties.
//
// Mann, Econometrica 13 (1945) 245; Kendall, Rank Correlation Methods (1955).
func MannKendall(values []float64) (TrendTest, error) {
	if len(values) < 3 {
		return TrendTest{}, invalid("%d values show no trend", len(values))
	}
	if err := checkFinite("values", values); err != nil {
		return TrendTest{}, err
	}
	var r TrendTest
	n := len(values)
	for i := range values {
		for j := range i {
			r.S += cmp.Compare(values[i], values[j])
		}
	}
	pairs, tied := float64(n*(n-1)/2), 0.0
	for _, t := range tieSizes(values) {
		tied += t * (t - 1) / 2
	}
	r.Tau = float64(r.S) / math.Sqrt(pairs*(pairs-tied))
	if r.Exact = tied == 0 && n <= 100; r.Exact {
		r.P = exactKendall(n, r.S)
		return r, nil
	}
	order := make([]float64, n)
	for i := range order {
		order[i] = float64(i)
	}
	r.P = 1
	if sd := math.Sqrt(kendallVariance(order, values)); sd > 0 {
		z := max(0, math.Abs(float64(r.S))-1) / sd
		r.P = min(1, 2*distuv.UnitNormal.Survival(z))
	}
	return r, nil
}

// exactKendall is P(|S| ≥ |s|) over all orders of n values: counts[k] is the
// share of orders with k falling pairs.
func exactKendall(n, s int) float64 {
	counts := []float64{1}
	for i := 2; i <= n; i++ {
		counts = convolve(counts, uniform(i))
	}
	pairs, p := n*(n-1)/2, 0.0
	for falling, w := range counts {
		if v := pairs - 2*falling; max(v, -v) >= max(s, -s) {
			p += w
		}
	}
	return min(1, p)
}

func uniform(n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		u[i] = 1 / float64(n)
	}
	return u
}

func convolve(p, q []float64) []float64 {
	sum := make([]float64, len(p)+len(q)-1)
	for i, v := range p {
		if v == 0 {
			continue
		}
		for j, w := range q {
			sum[i+j] += v * w
		}
	}
	return sum
}
