package stats

import (
	"math"
	"slices"
)

// mixtureWeight is the weight m of the Beta(m·p, m·(1−p)) mixture that makes
// the bound tightest around the given number of trials.
//
// Howard, Ramdas, McAuliffe & Sekhon, Annals of Statistics 49 (2021) 1055,
// propositions 5 and 7; their tuning of ρ.
func mixtureWeight(tightest, alpha float64) float64 {
	return max(tightest/mixtureScale(alpha)-1, 1e-3)
}

func mixtureScale(alpha float64) float64 {
	l := 2 * math.Log(1/alpha)
	return l + math.Log1p(l)
}

// logMixture is the log likelihood ratio of a Beta mixture around p against p
// itself for k events in n trials: a martingale in n when p is true.
func logMixture(k, n, p, weight float64) float64 {
	a, b := weight*p, weight*(1-p)
	return logBeta(k+a, n-k+b) - logBeta(a, b) - k*math.Log(p) - (n-k)*math.Log1p(-p)
}

// BernoulliSequence is the interval for an event rate after k events in n
// trials that may be looked at after every trial: the probability that it
// ever misses the rate is at most 1−conf. It is tightest around the number of
// trials given; the choice must not depend on the data.
//
// Howard, Ramdas, McAuliffe & Sekhon, Annals of Statistics 49 (2021) 1055,
// beta-binomial mixture.
func BernoulliSequence(k, n int, conf, tightest float64) (Interval, error) {
	if err := checkBinomial(k, n, conf); err != nil {
		return Interval{}, err
	}
	if !(tightest > 0) || math.IsInf(tightest, 1) {
		return Interval{}, invalid("tightest at %v trials", tightest)
	}
	alpha := 1 - conf
	weight, limit := mixtureWeight(tightest, alpha), math.Log(1/alpha)
	x, m := float64(k), float64(n)
	excess := func(p float64) float64 { return logMixture(x, m, p, weight) - limit }
	ends, rate := Interval{0, 1}, x/m
	// A bound beyond the last representable rate is none.
	const edge = 1e-15
	if k > 0 && excess(edge) > 0 {
		ends.Lower = bisect(excess, edge, min(rate, 1-edge))
	}
	if k < n && excess(1-edge) > 0 {
		ends.Upper = bisect(excess, max(rate, edge), 1-edge)
	}
	return ends, nil
}

// NormalMixtureBound bounds a sum of independent, centred, 1-sub-Gaussian
// variables on both sides at every time: |sum| passes it at any intrinsic
// time v with probability at most alpha. It is tightest around v = tightest.
//
// Howard et al. (2021) proposition 5; Robbins, Annals of Mathematical
// Statistics 41 (1970) 1397.
func NormalMixtureBound(v, alpha, tightest float64) (float64, error) {
	if err := checkLevel("alpha", alpha); err != nil {
		return 0, err
	}
	if !(v >= 0 && tightest > 0) || math.IsInf(v, 1) || math.IsInf(tightest, 1) {
		return 0, invalid("times %v and %v", v, tightest)
	}
	rho := tightest / mixtureScale(alpha)
	return math.Sqrt((v + rho) * (math.Log1p(v/rho) + 2*math.Log(1/alpha))), nil
}

// maxBettingValues bounds BettingSequence, whose work grows with the square.
const maxBettingValues = 5000

// BettingSequence is the interval for the mean of values in [0, 1] after each
// one of them, valid at all looks together and without any assumption on
// their distribution but that the mean does not drift: scale a cost by its
// cap, and count a crash as the cap. Each interval is inside the one before; a
// Lower above Upper is evidence that the mean did drift.
//
// Hedged capital with predictable plug-in bets: Waudby-Smith & Ramdas, JRSS B
// 86 (2024) 1, theorem 3, with equal weights and bets cut at ½.
func BettingSequence(values []float64, conf float64) ([]Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return nil, err
	}
	if len(values) > maxBettingValues {
		return nil, invalid("%d values are more than the %d this method is worked out for", len(values), maxBettingValues)
	}
	for i, x := range values {
		if !(x >= 0 && x <= 1) {
			return nil, invalid("values[%d] is %v, outside 0 to 1", i, x)
		}
	}
	limit := math.Log(2 / (1 - conf))
	bets := predictableBets(values, 1-conf)
	current, all := Interval{0, 1}, make([]Interval, len(values))
	for t := range values {
		above := func(m float64) float64 { return logCapital(values[:t+1], bets, m) - limit }
		below := func(m float64) float64 { return logCapital(mirrored(values[:t+1]), bets, 1-m) - limit }
		// The bet on "more than m" loses in m, that on "less" gains.
		if above(current.Lower) > 0 {
			current.Lower = bisect(above, current.Lower, 1)
		}
		if below(current.Upper) > 0 {
			current.Upper = bisect(below, 0, current.Upper)
		}
		all[t] = current
	}
	return all, nil
}

// predictableBets gives each value the bet fixed by those before it.
func predictableBets(values []float64, alpha float64) []float64 {
	bets := make([]float64, len(values))
	sum, squares, variance := 0.5, 0.25, 0.25
	for i, x := range values {
		t := float64(i + 1)
		bets[i] = math.Sqrt(2 * math.Log(2/alpha) / (variance * t * math.Log1p(t)))
		sum += x
		d := x - sum/(t+1)
		squares += d * d
		variance = squares / (t + 1)
	}
	return bets
}

// logCapital is what a bet on a mean above m has grown to.
func logCapital(values, bets []float64, m float64) (log float64) {
	for i, x := range values {
		bet := bets[i]
		if m > 0 {
			bet = min(bet, 0.5/m)
		}
		log += math.Log1p(bet * (x - m))
	}
	return log
}

func mirrored(values []float64) []float64 {
	m := make([]float64, len(values))
	for i, x := range values {
		m[i] = 1 - x
	}
	return m
}

// QuantileSequenceP tests that two arms have the same p quantile, 0 < p < 1,
// with a p-value valid at every look. values may be +Inf for never; the test
// is tightest around the number of trials in each arm that is given, which
// must not depend on the data.
//
// Howard & Ramdas, Bernoulli 28 (2022) 1704, theorem 5.
func QuantileSequenceP(first, second []float64, p, alpha, tightest float64) (float64, error) {
	if err := checkLevel("quantile", p); err != nil {
		return 0, err
	}
	if err := checkLevel("alpha", alpha); err != nil {
		return 0, err
	}
	if !(tightest > 0) || math.IsInf(tightest, 1) {
		return 0, invalid("tightest at %v trials", tightest)
	}
	a, err := sortedSample(first, p)
	if err != nil {
		return 0, err
	}
	b, err := sortedSample(second, p)
	if err != nil {
		return 0, err
	}
	weight := mixtureWeight(tightest, alpha)
	ga, gb := quantileEvidence(a, p, weight), quantileEvidence(b, p, weight)
	least := math.Inf(1)
	for _, x := range append(slices.Clone(a), b...) {
		least = min(least, ga(x)+gb(x))
	}
	return min(1, math.Exp(-least)), nil
}

// quantileEvidence is the log evidence against x as the p quantile: least
// where the share of values under x is nearest to the mixture's minimum, a
// share that a value at x itself may belong to or not.
func quantileEvidence(sorted []float64, p, weight float64) func(x float64) float64 {
	n := float64(len(sorted))
	against := func(share float64) float64 { return logMixture(share*n, n, p, weight) }
	best, _ := golden(func(u float64) float64 { return -against(u) }, 0, 1)
	return func(x float64) float64 {
		under, found := slices.BinarySearch(sorted, x)
		upTo := under
		for found && upTo < len(sorted) && sorted[upTo] == x {
			upTo++
		}
		return against(min(float64(upTo)/n, max(float64(under)/n, best)))
	}
}
