package stats

import "math"

// sameProbability is the relative slack within which two probabilities of
// tables are the same: they are sums of logarithms and differ in the last
// bits. R's fisher.test uses the same figure.
const sameProbability = 1e-7

// Fisher is the exact conditional p-value for equal event rates in two arms.
// The two-sided p-value adds the tables that are no more probable than the
// observed one, as R and SciPy do.
//
// Fisher, Statistical Methods for Research Workers, 5th ed. (1934) §21.02.
func Fisher(a, b Arm, alt Alternative) (float64, error) {
	if err := checkArms(a, b); err != nil {
		return 0, err
	}
	if err := checkAlternative(alt); err != nil {
		return 0, err
	}
	h := newHypergeometric(a.Trials, b.Trials, a.Events+b.Events)
	return h.pValue(a.Events, alt), nil
}

// hypergeometric is the distribution of the events in the first arm given
// all events: pmf[i] is the probability of lo+i.
type hypergeometric struct {
	lo  int
	pmf []float64
}

func newHypergeometric(n1, n2, events int) hypergeometric {
	lo, hi := max(0, events-n2), min(n1, events)
	h := hypergeometric{lo, make([]float64, hi-lo+1)}
	all := logChoose(n1+n2, events)
	for i := range h.pmf {
		h.pmf[i] = math.Exp(logChoose(n1, lo+i) + logChoose(n2, events-lo-i) - all)
	}
	return h
}

func (h hypergeometric) pValue(x int, alt Alternative) float64 {
	i := x - h.lo
	var sum float64
	for j, p := range h.pmf {
		switch {
		case alt == Less && j <= i,
			alt == Greater && j >= i,
			alt == TwoSided && p <= h.pmf[i]*(1+sameProbability):
			sum += p
		}
	}
	return min(1, sum)
}

func logChoose(n, k int) float64 {
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n int) float64 {
	if n < len(logFactorials) {
		return logFactorials[n]
	}
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

// logFactorials spares the tests that enumerate tables most of their time.
var logFactorials = func() (table [1024]float64) {
	for n := range table {
		table[n], _ = math.Lgamma(float64(n) + 1)
	}
	return table
}()
