package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

// Arm is one side of a comparison of rates: Events in Trials.
type Arm struct{ Events, Trials int }

func (a Arm) possible() bool { return a.Trials > 0 && a.Events >= 0 && a.Events <= a.Trials }

// Rate is the share of trials with the event; NaN without a trial.
func (a Arm) Rate() float64 { return float64(a.Events) / float64(a.Trials) }

// ClopperPearson is the exact two-sided interval for the probability of an
// event seen k times in n trials: it covers with at least conf at every true
// rate. Each of its ends alone errs with at most (1−conf)/2.
//
// Clopper & Pearson, Biometrika 26 (1934) 404.
func ClopperPearson(k, n int, conf float64) Interval {
	tail := (1 - conf) / 2
	if !(Arm{k, n}).possible() || !(tail > 0 && tail < 0.5) {
		return unknown
	}
	ends := Interval{0, 1}
	if k > 0 {
		ends.Lower = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
	}
	if k < n {
		ends.Upper = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
	}
	return ends
}

// Hypergeometric is the distribution of how many marked ones are among those
// drawn of n: chances[i] is the probability of least+i.
func Hypergeometric(n, marked, drawn int) (least int, chances []float64) {
	least = max(0, marked+drawn-n)
	chances = make([]float64, min(marked, drawn)-least+1)
	all := logChoose(n, drawn)
	for i := range chances {
		chances[i] = math.Exp(logChoose(marked, least+i) + logChoose(n-marked, drawn-least-i) - all)
	}
	return least, chances
}

func logChoose(n, k int) float64 { return combin.LogGeneralizedBinomial(float64(n), float64(k)) }

// Alternative is a test's direction. Less: the event is rarer in the first arm.
type Alternative int

// The directions of a test.
const (
	TwoSided Alternative = iota
	Less
	Greater
)

// sameProbability is the relative slack within which two probabilities of tables
// are the same, as in R's fisher.test: sums of logarithms differ in the last bits.
const sameProbability = 1e-7

// Fisher is the exact conditional p-value for equal event rates in two arms.
// The two-sided p-value adds the tables that are no more probable than the
// observed one, as R and SciPy do.
//
// Fisher, Statistical Methods for Research Workers, 5th ed. (1934) §21.02.
func Fisher(a, b Arm, alt Alternative) float64 {
	if !a.possible() || !b.possible() {
		return math.NaN()
	}
	least, chances := Hypergeometric(a.Trials+b.Trials, a.Trials, a.Events+b.Events)
	seen, sum := a.Events-least, 0.0
	for i, p := range chances {
		if alt == Less && i <= seen || alt == Greater && i >= seen || alt == TwoSided && p <= chances[seen]*(1+sameProbability) {
			sum += p
		}
	}
	return min(1, sum)
}

// MiettinenNurminen is the score interval for rate(a) − rate(b) with the
// variance at the constrained maximum likelihood estimate times N/(N−1).
//
// Miettinen & Nurminen, Statistics in Medicine 4 (1985) 213.
func MiettinenNurminen(a, b Arm, conf float64) Interval {
	if !a.possible() || !b.possible() {
		return unknown
	}
	n1, n2 := float64(a.Trials), float64(b.Trials)
	z, d := twoSidedZ(conf), a.Rate()-b.Rate()
	excess := func(delta float64) float64 {
		p2 := constrainedRate(a, b, delta)
		p1 := min(1, max(0, p2+delta))
		variance := (n1 + n2) / (n1 + n2 - 1) * (p1*(1-p1)/n1 + p2*(1-p2)/n2)
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

// constrainedRate is the maximum likelihood estimate of the second rate among
// rates that differ by delta: Miettinen & Nurminen's cubic in their closed form
// (Appendix 1).
func constrainedRate(a, b Arm, delta float64) float64 {
	n1, n2 := float64(a.Trials), float64(b.Trials)
	x1, x2 := float64(a.Events), float64(b.Events)
	n := n1 + n2
	l2 := (n1+2*n2)*delta - n - (x1 + x2)
	l1 := (n2*delta-n-2*x2)*delta + x1 + x2
	l0 := x2 * delta * (1 - delta)
	q := math.Pow(l2/(3*n), 3) - l1*l2/(6*n*n) + l0/(2*n)
	p := math.Copysign(math.Sqrt(max(0, l2*l2/(9*n*n)-l1/(3*n))), q)
	root := -l2 / (3 * n)
	if p != 0 {
		root += 2 * p * math.Cos((math.Pi+math.Acos(max(-1, min(1, q/(p*p*p)))))/3)
	}
	return min(1, 1-delta, max(0, -delta, root))
}

// bisect returns where f changes sign between lo and hi, to the last bits of a
// float64. f(lo) and f(hi) do not have the same sign; f may jump.
func bisect(f func(float64) float64, lo, hi float64) float64 {
	positiveAtLo := f(lo) > 0
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if (f(mid) > 0) == positiveAtLo {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}
