package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// OutlierTest is one step of GESD.
type OutlierTest struct {
	Index             int // of the value that lies furthest from the mean
	Statistic, Lambda float64
	Outlier           bool
}

// GESD is the generalised extreme Studentised deviate test for up to most
// outliers in a sample that is normal but for them: take logs of times first.
// It has a step for each candidate, in the order of their removal. Outliers
// are to be flagged and kept. values are finite; most leaves at least three.
//
// Rosner, Technometrics 25 (1983) 165.
func GESD(values []float64, most int, alpha float64) ([]OutlierTest, error) {
	if err := checkFinite("values", values); err != nil {
		return nil, err
	}
	if err := checkLevel("alpha", alpha); err != nil {
		return nil, err
	}
	if most < 1 || len(values)-most < 3 {
		return nil, invalid("%d outliers among %d values", most, len(values))
	}
	left := make([]int, len(values))
	for i := range left {
		left[i] = i
	}
	var steps []OutlierTest
	last := -1
	for range most {
		at, statistic := furthest(values, left)
		lambda := gesdLambda(len(left), alpha/(2*float64(len(left))))
		steps = append(steps, OutlierTest{Index: left[at], Statistic: statistic, Lambda: lambda})
		if statistic > lambda {
			last = len(steps) - 1
		}
		left = append(left[:at:at], left[at+1:]...)
	}
	// A later step that is significant makes the ones before it outliers too:
	// they had masked it.
	for i := range last + 1 {
		steps[i].Outlier = true
	}
	return steps, nil
}

func furthest(values []float64, left []int) (at int, statistic float64) {
	var m, squares float64
	for _, i := range left {
		m += values[i] / float64(len(left))
	}
	for _, i := range left {
		squares += (values[i] - m) * (values[i] - m)
	}
	for j, i := range left {
		if math.Abs(values[i]-m) > math.Abs(values[left[at]]-m) {
			at = j
		}
	}
	if squares == 0 {
		return at, 0
	}
	return at, math.Abs(values[left[at]]-m) / math.Sqrt(squares/float64(len(left)-1))
}

func gesdLambda(n int, tail float64) float64 {
	t := studentQuantile(1-tail, float64(n-2))
	m := float64(n)
	return (m - 1) * t / math.Sqrt((m-2+t*t)*m)
}

// studentQuantile polishes gonum's quantile with its distribution function.
func studentQuantile(p, df float64) float64 {
	d := distuv.StudentsT{Sigma: 1, Nu: df}
	guess := d.Quantile(p)
	width := 1e-6 * (1 + math.Abs(guess))
	f := func(x float64) float64 { return d.CDF(x) - p }
	if f(guess-width) > 0 || f(guess+width) < 0 {
		return guess
	}
	return bisect(f, guess-width, guess+width)
}
