package stats

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// RepeatedLooks is the probability that a standardised sum of independent
// normal increments passes the bound of any look, in absolute value, when
// there is no effect: the error of peeking. bounds has a z value a look, the
// looks being equally spaced.
//
// Armitage, McPherson & Rowe, JRSS A 132 (1969) 235.
func RepeatedLooks(bounds []float64) (float64, error) {
	if len(bounds) == 0 {
		return 0, invalid("no looks")
	}
	for i, b := range bounds {
		if !(b > 0) || math.IsInf(b, 1) {
			return 0, invalid("bounds[%d] is %v", i, b)
		}
	}
	return repeatedLooks(bounds), nil
}

func repeatedLooks(bounds []float64) float64 {
	// density is that of the sum at the points of the last look, given that
	// no bound was passed.
	var at, weight, density []float64
	for k, b := range bounds {
		reach := b * math.Sqrt(float64(k+1))
		points, weights := make([]float64, 96), make([]float64, 96)
		quad.Legendre{}.FixedLocations(points, weights, -reach, reach)
		next := make([]float64, len(points))
		for i, s := range points {
			if k == 0 {
				next[i] = distuv.UnitNormal.Prob(s)
				continue
			}
			for j, u := range at {
				next[i] += weight[j] * density[j] * distuv.UnitNormal.Prob(s-u)
			}
		}
		at, weight, density = points, weights, next
	}
	var inside float64
	for i, d := range density {
		inside += weight[i] * d
	}
	return 1 - inside
}

// OBrienFleming returns the z bounds of a two-sided test with equally spaced
// looks that keep its error at alpha: large at first, near the fixed test's
// at the last.
//
// O'Brien & Fleming, Biometrics 35 (1979) 549.
func OBrienFleming(looks int, alpha float64) ([]float64, error) {
	if looks < 1 || looks > 50 {
		return nil, invalid("%d looks", looks)
	}
	if err := checkLevel("alpha", alpha); err != nil {
		return nil, err
	}
	bounds := func(c float64) []float64 {
		b := make([]float64, looks)
		for k := range b {
			b[k] = c * math.Sqrt(float64(looks)/float64(k+1))
		}
		return b
	}
	z := distuv.UnitNormal.Quantile(1 - alpha/2)
	c := bisect(func(c float64) float64 { return repeatedLooks(bounds(c)) - alpha }, 0.9*z, 2*z+1)
	return bounds(c), nil
}
