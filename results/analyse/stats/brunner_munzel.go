package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// BrunnerMunzel is the result of BrunnerMunzelTest.
type BrunnerMunzel struct {
	Statistic   float64 // positive where the second sample is the larger
	DF          float64
	P           float64
	Probability float64 // P(first < second) + ½ P(tie)
}

// BrunnerMunzelTest tests that neither sample tends to be larger, without
// assuming equal spread. At least two values in each; +Inf ranks last. Where
// the samples do not overlap the statistic does not exist and the error says
// so: the permutation test does.
//
// Brunner & Munzel, Biometrical Journal 42 (2000) 17.
func BrunnerMunzelTest(first, second []float64, alt Alternative) (BrunnerMunzel, error) {
	if len(first) < 2 || len(second) < 2 {
		return BrunnerMunzel{}, invalid("%d and %d values; both samples need two", len(first), len(second))
	}
	if err := checkAlternative(alt); err != nil {
		return BrunnerMunzel{}, err
	}
	both := append(append([]float64{}, first...), second...)
	if _, err := Midranks(both); err != nil {
		return BrunnerMunzel{}, err
	}
	ranks := midranks(both)
	n1, n2 := float64(len(first)), float64(len(second))
	m1, v1 := placements(ranks[:len(first)], first)
	m2, v2 := placements(ranks[len(first):], second)
	pooled := n1*v1 + n2*v2
	if pooled == 0 {
		return BrunnerMunzel{}, invalid("the samples do not overlap, so that there is no spread to test against")
	}
	r := BrunnerMunzel{
		Statistic:   n1 * n2 * (m2 - m1) / ((n1 + n2) * math.Sqrt(pooled)),
		DF:          pooled * pooled / (n1*v1*n1*v1/(n1-1) + n2*v2*n2*v2/(n2-1)),
		Probability: (m2 - (n2+1)/2) / n1,
	}
	r.P = r.tail(alt)
	return r, nil
}

// placements is the mean rank and the variance of ranks less inner ranks.
func placements(ranks, values []float64) (meanRank, variance float64) {
	inner, n := midranks(values), float64(len(values))
	meanRank = mean(ranks)
	for i, r := range ranks {
		d := r - inner[i] - meanRank + (n+1)/2
		variance += d * d / (n - 1)
	}
	return meanRank, variance
}

// tail: Less asks whether the first sample is the smaller, which a large
// statistic shows.
func (r BrunnerMunzel) tail(alt Alternative) float64 {
	t := distuv.StudentsT{Sigma: 1, Nu: r.DF}
	switch alt {
	case Less:
		return t.Survival(r.Statistic)
	case Greater:
		return t.CDF(r.Statistic)
	}
	return min(1, 2*t.Survival(math.Abs(r.Statistic)))
}
