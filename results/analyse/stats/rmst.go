package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// RestrictedMean is the mean time to the event up to tau, with the time of
// what takes longer (or never comes) counted as tau.
type RestrictedMean struct {
	Mean, StdErr float64
	CI           Interval
}

// RMST is the area under the Kaplan–Meier curve up to tau. Times and events as
// for KaplanMeier; a crash is time +Inf without event and so counts as tau.
// tau must not lie beyond the last cut-off, where the curve is not known.
//
// Royston & Parmar, BMC Medical Research Methodology 13 (2013) 152; variance
// as R's survRM2 and survfit.
func RMST(times []float64, event []bool, tau, conf float64) (RestrictedMean, error) {
	if err := checkConfidence(conf); err != nil {
		return RestrictedMean{}, err
	}
	if !(tau > 0) || math.IsInf(tau, 1) {
		return RestrictedMean{}, invalid("tau is %v", tau)
	}
	curve, err := KaplanMeier(times, event)
	if err != nil {
		return RestrictedMean{}, err
	}
	if err := curve.known(times, tau); err != nil {
		return RestrictedMean{}, err
	}
	m := curve.restricted(tau)
	z := twoSidedZ(conf)
	m.CI = Interval{m.Mean - z*m.StdErr, m.Mean + z*m.StdErr}
	return m, nil
}

// known fails where tau is beyond the data: after the last time, unless the
// curve is 0 there or some trial is known to last.
func (s Survival) known(times []float64, tau float64) error {
	last := 0.0
	for _, t := range times {
		last = max(last, t)
	}
	if last < tau && s[len(s)-1].Survival > 0 {
		return invalid("tau %v lies beyond the last observation at %v", tau, last)
	}
	return nil
}

func (s Survival) restricted(tau float64) RestrictedMean {
	// From the end: the area right of each event weighs its Greenwood term.
	var area, variance float64
	until := tau
	for i := len(s) - 1; i >= 0; i-- {
		x := s[i]
		if x.Time > tau {
			continue
		}
		area += x.Survival * (until - x.Time)
		until = x.Time
		if n, d := float64(x.AtRisk), float64(x.Events); n > d {
			variance += area * area * d / (n * (n - d))
		}
	}
	return RestrictedMean{Mean: area + until, StdErr: math.Sqrt(variance)}
}

// RestrictedComparison is RMSTs of two arms against each other.
type RestrictedComparison struct {
	First, Second RestrictedMean
	Difference    float64 // first − second
	DifferenceCI  Interval
	P             float64 // two-sided, of no difference; NaN without any spread
	Ratio         float64 // first / second
	RatioCI       Interval
}

// CompareRMST compares two arms over the same tau; a large-sample method,
// whose 95 % interval covers about 93 % at ten trials an arm and 86 % at four:
// where no trial was cut off before tau, CompareCapped covers better.
//
// Uno et al., Journal of Clinical Oncology 32 (2014) 2380; R's survRM2.
func CompareRMST(first []float64, firstEvent []bool, second []float64, secondEvent []bool, tau, conf float64) (RestrictedComparison, error) {
	a, err := RMST(first, firstEvent, tau, conf)
	if err != nil {
		return RestrictedComparison{}, err
	}
	b, err := RMST(second, secondEvent, tau, conf)
	if err != nil {
		return RestrictedComparison{}, err
	}
	if a.Mean == 0 || b.Mean == 0 {
		return RestrictedComparison{}, invalid("means of %v and %v have no ratio", a.Mean, b.Mean)
	}
	c := RestrictedComparison{First: a, Second: b, Difference: a.Mean - b.Mean, Ratio: a.Mean / b.Mean}
	z, se := twoSidedZ(conf), math.Hypot(a.StdErr, b.StdErr)
	c.DifferenceCI = Interval{c.Difference - z*se, c.Difference + z*se}
	c.P = math.NaN()
	if se > 0 {
		c.P = 2 * distuv.UnitNormal.Survival(math.Abs(c.Difference)/se)
	}
	width := z * math.Hypot(a.StdErr/a.Mean, b.StdErr/b.Mean)
	c.RatioCI = Interval{c.Ratio * math.Exp(-width), c.Ratio * math.Exp(width)}
	return c, nil
}
