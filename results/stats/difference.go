package stats

import "math"

// MiettinenNurminen is the score interval for rate(a) − rate(b) with the
// variance at the constrained maximum likelihood estimate times N/(N−1).
//
// Miettinen & Nurminen, Statistics in Medicine 4 (1985) 213.
func MiettinenNurminen(a, b Arm, conf float64) (Interval, error) {
	if err := checkArms(a, b); err != nil {
		return Interval{}, err
	}
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	total := float64(a.Trials + b.Trials)
	z, d := twoSidedZ(conf), a.rate()-b.rate()
	excess := func(delta float64) float64 {
		variance := total / (total - 1) * constrainedVariance(a, b, delta)
		return (d-delta)*(d-delta) - z*z*variance
	}
	ends := Interval{-1, 1}
	if excess(-1) > 0 {
		ends.Lower = bisect(excess, -1, d)
	}
	if excess(1) > 0 {
		ends.Upper = bisect(excess, d, 1)
	}
	return ends, nil
}

// constrainedVariance is that of the difference of rates at the maximum
// likelihood estimate among rates that differ by delta. The estimate is the
// root of the score, which falls over the allowed range of the second rate.
func constrainedVariance(a, b Arm, delta float64) float64 {
	p2 := constrainedRate(a, b, delta)
	p1 := min(1, max(0, p2+delta))
	return p1*(1-p1)/float64(a.Trials) + p2*(1-p2)/float64(b.Trials)
}

// constrainedRate solves Miettinen & Nurminen's cubic for the second rate in
// their closed form (their Appendix 1).
func constrainedRate(a, b Arm, delta float64) float64 {
	n1, n2 := float64(a.Trials), float64(b.Trials)
	x1, x2 := float64(a.Events), float64(b.Events)
	n := n1 + n2
	l2 := (n1+2*n2)*delta - n - (x1 + x2)
	l1 := (n2*delta-n-2*x2)*delta + x1 + x2
	l0 := x2 * delta * (1 - delta)
	q := math.Pow(l2/(3*n), 3) - l1*l2/(6*n*n) + l0/(2*n)
	p := math.Copysign(math.Sqrt(max(0, l2*l2/(9*n*n)-l1/(3*n))), q)
	if p == 0 {
		return clampRate(-l2/(3*n), delta)
	}
	angle := (math.Pi + math.Acos(max(-1, min(1, q/(p*p*p))))) / 3
	return clampRate(2*p*math.Cos(angle)-l2/(3*n), delta)
}

func clampRate(p2, delta float64) float64 {
	return min(1, 1-delta, max(0, -delta, p2))
}
