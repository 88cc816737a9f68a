package compare

import (
	"math"
	"testing"

	"github.com/stratbench/stratbench/results/stats"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.8g, want %.8g", what, got, want)
	}
}

func TestFailureBounds(t *testing.T) {
	// R: binom.test(20, 100), binom.test(0, 10), both two-sided 95 %.
	bounds := func(bad, n int, alpha float64) stats.Interval { return (&armSample{bad: bad, n: n}).badBounds(alpha) }
	near(t, "lower of 20/100", bounds(20, 100, 0.025).Lower, 0.1266555521, 1e-9)
	near(t, "upper of 20/100", bounds(20, 100, 0.025).Upper, 0.2918426891, 1e-9)
	near(t, "upper of 0/10", bounds(0, 10, 0.025).Upper, 0.3084971, 1e-7)
	// One-sided 95 % upper bounds of no failure are 1 - 0.05^(1/n).
	near(t, "upper of 0/30", bounds(0, 30, 0.05).Upper, 1-math.Pow(0.05, 1.0/30), 1e-12)
}

func TestOneWayAgainstR(t *testing.T) {
	// R's PlantGrowth data: summary(aov(weight ~ group)) has F = 4.846,
	// p = 0.01591.
	near(t, "PlantGrowth", oneWay(map[string][]float64{
		"ctrl": {4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14},
		"trt1": {4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69},
		"trt2": {6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26},
	}), 0.01591, 5e-6)
}

func TestLineAgainstR(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5}
	y := []float64{2, 4, 5, 4, 5}
	// R: summary(lm(y ~ x)): slope 0.6, t = 2.121, p = 0.124.
	slope, p := line(x, y)
	near(t, "slope", slope, 0.6, 1e-12)
	near(t, "p", p, 0.1240, 5e-5)
}

func TestTrigammaAndItsInverse(t *testing.T) {
	// Abramowitz and Stegun 6.4: trigamma(1) = pi²/6, trigamma(1/2) = pi²/2.
	near(t, "trigamma(1)", trigamma(1), math.Pi*math.Pi/6, 1e-12)
	near(t, "trigamma(1/2)", trigamma(0.5), math.Pi*math.Pi/2, 1e-12)
	for _, x := range []float64{0.2, 1, 3, 40} {
		near(t, "the inverse", inverseTrigamma(trigamma(x)), x, 1e-6*x)
	}
}

// The confidence sequence inverts the Bayes factor of the one-sample t-test with
// a normal prior: at its end the factor is 1/(2 alpha). The factor has a closed
// form, here against the integral over the effect that defines it.
func TestSequenceInvertsTheBayesFactor(t *testing.T) {
	const n, freedom, alpha = 12, 11.0, 0.01
	w := sequenceWidth(n, freedom, alpha)
	gain := 1 + n*effectSpread*effectSpread
	factor := math.Pow(gain, -0.5) * math.Pow((1+w*w/freedom)/(1+w*w/(freedom*gain)), (freedom+1)/2)
	near(t, "the factor at the end", factor, 1/(2*alpha), 1e-6/alpha)
	near(t, "the factor by integration", integrated(w, n, freedom), factor, 1e-3*factor)
}

// integrated is the ratio of the density of t under an effect that is normal
// with spread effectSpread to that under none, by the trapezium rule over the
// effect and the spread (R: dt(t, df, ncp = effect*sqrt(n)) averaged).
func integrated(t float64, n, freedom float64) float64 {
	sum, null := 0.0, noncentral(t, freedom, 0)
	const step = 0.01
	for e := -6 * effectSpread; e <= 6*effectSpread; e += step {
		weight := math.Exp(-e*e/(2*effectSpread*effectSpread)) / (effectSpread * math.Sqrt(2*math.Pi))
		sum += weight * step * noncentral(t, freedom, e*math.Sqrt(n))
	}
	return sum / null
}

// noncentral is the density of Student's t around a shift, up to a factor of t
// and the degrees of freedom: the integral over the chi distributed spread.
func noncentral(t, freedom, shift float64) float64 {
	sum := 0.0
	const step = 0.005
	for s := step; s < 4; s += step {
		z := t*s - shift
		sum += step * s * math.Exp((freedom-1)*math.Log(s)-freedom*s*s/2-z*z/2)
	}
	return sum
}

func TestKimNelsonBoundary(t *testing.T) {
	// h² = f((2 alpha)^(-2/f) - 1) for k arms with alpha = 0.05/(k-1) (Kim and
	// Nelson 2001, step 1, with c = 1), here of 2 arms and 9 degrees of freedom.
	f, alpha, margin, spread := 9.0, 0.05, 0.1, 0.08
	h := f * (math.Pow(2*alpha, -2/f) - 1)
	near(t, "h²", h, 9*(math.Pow(10, 2.0/9)-1), 1e-12)
	edge := h*spread*spread/(2*margin*10) - margin/2
	v := advantage{log: edge + 1e-9, spread: spread, freedom: f, pairs: 10}
	if !v.within(margin, alpha) {
		t.Error("over the boundary and not within")
	}
	if v.log = edge - 1e-9; v.within(margin, alpha) {
		t.Error("under the boundary and within")
	}
}

func TestRiskIsTheBetaTail(t *testing.T) {
	s := newSample(ordered(study(10, []string{""}, []string{"a", "b"}, func(string, string, int) (float64, float64) { return 100, 0 })), local)
	// No failure in 10, a failure costs a set-up: over 1.1 times with odds over
	// 0.1 + b's own. Between the tails at b's least and greatest rates.
	a := rateOf(0, 10)
	most := 1 - a.CDF(0.1/1.1)
	if r := s.risk(0, 1, 0, math.Log(1.1)); !(r > 0 && r < most) {
		t.Errorf("risk %v, with a rival that never fails %v", r, most)
	}
	near(t, "what is always allowed", s.risk(0, 1, 0, math.Inf(1)), 0, 0)
	near(t, "what is never allowed", s.risk(0, 1, 0, math.Inf(-1)), 1, 0)
	for _, goal := range []Goal{local, ci} {
		s := newSample(ordered(study(10, []string{""}, []string{"a"}, func(_, _ string, block int) (float64, float64) { return 100 + float64(block), 0 })), goal)
		for _, p := range []float64{0.01, 0.05, 0.3} {
			near(t, "the rate of a burden", s.rateFor(s.arms[0], s.burden(s.arms[0], p)), p, 1e-6)
		}
	}
}

// The fewest trials after which a Beta(0.2, 0.8 + n) rate is over 1/11 with at
// most 0.5 %.
func TestCleanTrials(t *testing.T) {
	n := cleanTrials(DefaultIndifference)
	tail := func(n int) float64 { return 1 - rateOf(0, n).CDF(0.1/1.1) }
	if !(tail(n) <= 0.005 && tail(n-1) > 0.005) || n < 20 || n > 40 {
		t.Errorf("%d trials", n)
	}
}

// The marginal probability of a sequence of trials is the product of what is believed
// of each one after those before it.
func TestEvennessIsABayesFactor(t *testing.T) {
	marginal := func(bad, n int) float64 {
		p := 1.0
		for i := range n {
			if i < bad {
				p *= (priorFailed + float64(i)) / float64(1+i)
			} else {
				p *= (priorReady + float64(i-bad)) / float64(1+i)
			}
		}
		return p
	}
	for _, c := range []struct{ bad, n, otherBad, otherN int }{{1, 4, 0, 4}, {3, 3, 0, 3}, {2, 6, 1, 9}, {6, 6, 6, 6}} {
		a := armSample{n: c.n + c.otherN, bad: c.bad + c.otherBad}
		odds := marginal(c.bad, c.n) * marginal(c.otherBad, c.otherN) / marginal(a.bad, a.n)
		got := a.evenly(map[string]counts{"x": {n: c.n, bad: c.bad}, "y": {n: c.otherN, bad: c.otherBad}})
		if want := 1 / (1 + odds); math.Abs(got-want) > 1e-9 {
			t.Errorf("%+v: %g, want %g", c, got, want)
		}
	}
	if clean := (&armSample{n: 9}).evenly(map[string]counts{"x": {n: 4}, "y": {n: 5}}); clean != 1 {
		t.Errorf("without a failure nothing is uneven: %g", clean)
	}
}
