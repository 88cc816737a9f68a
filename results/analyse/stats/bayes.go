package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Prior is a Beta(A, B) belief about an event rate before the trials.
type Prior struct{ A, B float64 }

// The priors whose influence a report should show side by side.
var (
	UniformPrior  = Prior{1, 1}
	JeffreysPrior = Prior{0.5, 0.5}
)

func (p Prior) check() error {
	if !(p.A > 0 && p.B > 0) || math.IsInf(p.A, 0) || math.IsInf(p.B, 0) {
		return invalid("Beta(%v, %v) is not a proper prior", p.A, p.B)
	}
	return nil
}

// ProbabilityRateBelow is the posterior probability that the event rate is
// under c: with a break-even rate as c, that the riskier arm still pays.
// c lies in [0, 1]; zero trials give the prior's own answer.
func ProbabilityRateBelow(arm Arm, c float64, prior Prior) (float64, error) {
	if err := checkPosterior(prior, arm); err != nil {
		return 0, err
	}
	if err := checkProbability("rate", c); err != nil {
		return 0, err
	}
	a, b := prior.A+float64(arm.Events), prior.B+float64(arm.Trials-arm.Events)
	return mathext.RegIncBeta(a, b, c), nil
}

// checkPosterior allows arms with no trial: their posterior is the prior.
func checkPosterior(prior Prior, arms ...Arm) error {
	for _, a := range arms {
		if a.Trials < 0 || a.Events < 0 || a.Events > a.Trials {
			return invalid("%d events in %d trials", a.Events, a.Trials)
		}
	}
	return prior.check()
}

// ProbabilityLess is the posterior probability that the event is rarer in a
// than in b when both rates have the same independent Beta prior.
//
// The value is exact: with no data it is ½ by symmetry, and each trial adds a
// term of Cook's recurrence.
// Cook, "Exact calculation of beta inequalities", UT MDACC report 54-05 (2005).
func ProbabilityLess(a, b Arm, prior Prior) (float64, error) {
	if err := checkPosterior(prior, a, b); err != nil {
		return 0, err
	}
	r := inequality{prior.A, prior.B, prior.A, prior.B, 0.5}
	r.observeFirst(b)
	r.observeSecond(a)
	return min(1, max(0, r.greater)), nil
}

// inequality is P(X > Y) for X ~ Beta(a, b) and Y ~ Beta(c, d).
type inequality struct{ a, b, c, d, greater float64 }

func (q *inequality) term() float64 {
	return math.Exp(logBeta(q.a+q.c, q.b+q.d) - logBeta(q.a, q.b) - logBeta(q.c, q.d))
}

func (q *inequality) observeFirst(x Arm) {
	for range x.Events {
		q.greater += q.term() / q.a
		q.a++
	}
	for range x.Trials - x.Events {
		q.greater -= q.term() / q.b
		q.b++
	}
}

func (q *inequality) observeSecond(y Arm) {
	for range y.Events {
		q.greater -= q.term() / q.c
		q.c++
	}
	for range y.Trials - y.Events {
		q.greater += q.term() / q.d
		q.d++
	}
}

func logBeta(a, b float64) float64 { return mathext.Lbeta(a, b) }

// Sceptical is a comparison of two rates by someone who holds it possible
// that the arms do not differ at all.
type Sceptical struct {
	Less, Equal, Greater float64 // posterior probabilities, summing to 1
	BayesFactor          float64 // of different rates against one rate
}

// CompareSceptically gives the rates of a and b the prior probability equal
// of being one and the same rate, and the prior's independent rates otherwise.
// equal lies strictly between 0 and 1; ½ is the usual sceptic.
//
// Jeffreys, Theory of Probability, 3rd ed. (1961) §5.12.
func CompareSceptically(a, b Arm, prior Prior, equal float64) (Sceptical, error) {
	less, err := ProbabilityLess(a, b, prior)
	if err != nil {
		return Sceptical{}, err
	}
	if err := checkLevel("probability of equal rates", equal); err != nil {
		return Sceptical{}, err
	}
	both := Arm{a.Events + b.Events, a.Trials + b.Trials}
	factor := math.Exp(prior.evidence(a) + prior.evidence(b) - prior.evidence(both))
	differ := (1 - equal) * factor / ((1-equal)*factor + equal)
	if math.IsInf(factor, 1) {
		differ = 1
	}
	return Sceptical{differ * less, 1 - differ, differ * (1 - less), factor}, nil
}

// evidence is the log marginal likelihood of the arm's trials in their order.
func (p Prior) evidence(x Arm) float64 {
	return logBeta(p.A+float64(x.Events), p.B+float64(x.Trials-x.Events)) - logBeta(p.A, p.B)
}
