package stats

import "math"

func checkDifference(a, b Arm, conf float64) error {
	if err := checkArms(a, b); err != nil {
		return err
	}
	return checkConfidence(conf)
}

// Newcombe is the hybrid score interval for rate(a) − rate(b), made of the
// two arms' Wilson intervals.
//
// Newcombe, Statistics in Medicine 17 (1998) 873, method 10.
func Newcombe(a, b Arm, conf float64) (Interval, error) {
	if err := checkDifference(a, b, conf); err != nil {
		return Interval{}, err
	}
	z := twoSidedZ(conf)
	p1, p2 := a.rate(), b.rate()
	w1, w2 := wilson(a.Events, a.Trials, z), wilson(b.Events, b.Trials, z)
	return DifferenceInterval(p1, w1, p2, w2), nil
}

// DifferenceInterval is that of first − second of two independent estimates
// with intervals of the same level, which need not be symmetric.
//
// Zou & Donner, Statistics in Medicine 27 (2008) 1693.
func DifferenceInterval(first float64, a Interval, second float64, b Interval) Interval {
	return Interval{
		first - second - math.Hypot(first-a.Lower, b.Upper-second),
		first - second + math.Hypot(a.Upper-first, second-b.Lower),
	}
}

// AgrestiCaffo is the Wald interval for rate(a) − rate(b) after one event and
// one non-event were added to each arm, cut to [−1, 1].
//
// Agresti & Caffo, The American Statistician 54 (2000) 280.
func AgrestiCaffo(a, b Arm, conf float64) (Interval, error) {
	if err := checkDifference(a, b, conf); err != nil {
		return Interval{}, err
	}
	n1, n2 := float64(a.Trials+2), float64(b.Trials+2)
	p1, p2 := float64(a.Events+1)/n1, float64(b.Events+1)/n2
	half := twoSidedZ(conf) * math.Sqrt(p1*(1-p1)/n1+p2*(1-p2)/n2)
	return Interval{max(-1, p1-p2-half), min(1, p1-p2+half)}, nil
}

// MiettinenNurminen is the score interval for rate(a) − rate(b) with the
// variance at the constrained maximum likelihood estimate times N/(N−1).
//
// Miettinen & Nurminen, Statistics in Medicine 4 (1985) 213.
func MiettinenNurminen(a, b Arm, conf float64) (Interval, error) {
	if err := checkDifference(a, b, conf); err != nil {
		return Interval{}, err
	}
	total := float64(a.Trials + b.Trials)
	return scoreDifference(a, b, conf, total/(total-1)), nil
}

// Mee is the score interval for rate(a) − rate(b) without Miettinen and
// Nurminen's N/(N−1); R's PropCIs::diffscoreci.
//
// Mee, Biometrics 40 (1984) 1175.
func Mee(a, b Arm, conf float64) (Interval, error) {
	if err := checkDifference(a, b, conf); err != nil {
		return Interval{}, err
	}
	return scoreDifference(a, b, conf, 1), nil
}

func scoreDifference(a, b Arm, conf, inflate float64) Interval {
	z, d := twoSidedZ(conf), a.rate()-b.rate()
	excess := func(delta float64) float64 {
		variance := inflate * constrainedVariance(a, b, delta)
		return (d-delta)*(d-delta) - z*z*variance
	}
	ends := Interval{-1, 1}
	if excess(-1) > 0 {
		ends.Lower = bisect(excess, -1, d)
	}
	if excess(1) > 0 {
		ends.Upper = bisect(excess, d, 1)
	}
	return ends
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
