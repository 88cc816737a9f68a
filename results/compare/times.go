package compare

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// Times are compared inside strata: what two arms took in one place and one
// block. The difference of two arms' means, or quantiles, is an average over
// strata of an influence, and the assumption is that this average behaves like
// one of normal values of unknown spread. Each pair of arms has a spread of its
// own, which is drawn towards that of all pairs (Smyth 2004, doi
// 10.2202/1544-6115.1027).

// advantage is the logarithm of what arm k takes over what arm x takes when
// both work. Spread is the standard deviation of one stratum's estimate of it,
// and freedom the degrees of freedom with which that is known.
type advantage struct {
	log, spread, freedom float64
	pairs                int
}

// advantages are those of all pairs, by x and k.
func (s *sample) advantages() [][]advantage {
	all := make([][]advantage, len(s.arms))
	for x := range s.arms {
		all[x] = make([]advantage, len(s.arms))
	}
	for x, a := range s.arms {
		for k := x + 1; k < len(s.arms); k++ {
			b, v, diffs := s.arms[k], advantage{log: math.NaN()}, []float64(nil)
			for ta, tb := range pairs(a, b) {
				diffs = append(diffs, tb.influence-ta.influence)
			}
			if v.pairs = len(diffs); v.pairs > 0 {
				// The influences of an arm's times sum to nothing. Over the strata
				// that it shares with the other arm they sum to what pairing changes.
				v.log, v.spread = meanSpread(diffs)
				v.log, v.freedom = b.location-a.location+v.log, float64(v.pairs-1)
			}
			all[x][k] = v
			v.log = -v.log
			all[k][x] = v
		}
	}
	squeeze(all)
	return all
}

// squeeze draws the spreads of all pairs towards their common one, the more so
// the more they are alike and the fewer strata each has.
func squeeze(all [][]advantage) {
	var logs, trigammas []float64
	for x := range all {
		for k := x + 1; k < len(all); k++ {
			if v := all[x][k]; v.freedom >= 1 && v.spread > 0 {
				logs = append(logs, math.Log(v.spread*v.spread)-mathext.Digamma(v.freedom/2)+math.Log(v.freedom/2))
				trigammas = append(trigammas, trigamma(v.freedom/2))
			}
		}
	}
	if len(logs) < 3 {
		return
	}
	centre, variance := stat.MeanVariance(logs, nil)
	excess := variance - stat.Mean(trigammas, nil)
	prior, common := mostPrior, math.Exp(centre)
	if excess > 0 {
		prior = min(mostPrior, 2*inverseTrigamma(excess))
		common = math.Exp(centre + mathext.Digamma(prior/2) - math.Log(prior/2))
	}
	for x := range all {
		for k := range all {
			if v := &all[x][k]; v.freedom >= 1 && x != k {
				v.spread = math.Sqrt((prior*common + v.freedom*v.spread*v.spread) / (prior + v.freedom))
				v.freedom += prior
			}
		}
	}
}

// mostPrior bounds the degrees of freedom that pairs lend each other: they
// share arms, so their spreads are not independent.
const mostPrior = 8.0

func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// inverseTrigamma solves trigamma(x) = y by Newton's method, as Smyth does.
func inverseTrigamma(y float64) float64 {
	x := 0.5 + 1/y
	for range 50 {
		t := trigamma(x)
		step := t * (1 - t/y) / (-2 * mathext.Zeta(3, x))
		x += step
		if -step/x < 1e-8 {
			break
		}
	}
	return x
}

// sequenceWidth is the half-width, in standard errors, of a one-sided
// confidence sequence for the mean of n normal values, with an error of at most
// alpha over all n together. It inverts the e-process of the one-sample t-test
// with a normal prior on the effect (Rouder et al. 2009, doi
// 10.3758/PBR.16.2.225; valid at every n: Hendriksen, de Heide and Grünwald
// 2021, doi 10.1214/20-BA1234). It is infinite where too few values bound nothing
// at alpha.
func sequenceWidth(n int, freedom, alpha float64) float64 {
	if n < 1 || freedom < 1 {
		return math.Inf(1)
	}
	gain := 1 + float64(n)*effectSpread*effectSpread
	ratio := math.Pow(math.Sqrt(gain)/(2*alpha), 2/(freedom+1))
	if ratio >= gain {
		return math.Inf(1)
	}
	return math.Sqrt(freedom * (ratio - 1) / (1 - ratio/gain))
}

// effectSpread is the spread, in standard deviations of one stratum, of the
// effects for which the confidence sequence is made tightest: strategies differ
// by several or hardly at all.
const effectSpread = 3.0

// lower is the lower end of the confidence sequence for the advantage.
func (v advantage) lower(alpha float64) float64 {
	if width := sequenceWidth(v.pairs, v.freedom, alpha); !math.IsInf(width, 1) {
		return v.log - width*v.spread/math.Sqrt(float64(v.pairs))
	}
	return math.Inf(-1)
}

// within reports whether x may be said to take at most exp(margin) times as
// long as k: the continuation region of Kim and Nelson's fully sequential
// procedure is left on x's side (2001, doi 10.1145/502109.502111, with the
// spread estimated anew at each look, as in their KN++ of 2006). With as many
// comparisons as x has rivals, each at alpha shared among them, the arm that is
// chosen is the best or within the margin of it with probability 1 - alpha.
func (v advantage) within(margin, alpha float64) bool {
	if v.freedom < 1 || !(v.log+margin/2 > 0) {
		return false
	}
	h := v.freedom * (math.Pow(2*alpha, -2/v.freedom) - 1)
	return v.log+margin/2 >= h*v.spread*v.spread/(2*margin*float64(v.pairs))
}

// Foresee works out what so many blocks of the arms, at so many places, can
// decide without a failure when the logarithms of the times in a cell have the
// given standard deviation. An arm that takes more by the share ruledOut is ruled
// out in half of all cases; it is infinite where none can be. After settled blocks,
// arms that are as fast as each other are found to be so, and failures that nobody
// has seen are excluded.
func Foresee(arms, places, blocks int, spread, indifference float64) (ruledOut float64, settled int) {
	rivals, margin := float64(max(1, arms-1)), math.Log1p(indifference)
	after := func(blocks int) advantage {
		pairs := places * blocks
		v := advantage{spread: math.Sqrt2 * spread, pairs: pairs, freedom: float64(pairs - 1)}
		if arms > 2 && v.freedom >= 1 {
			v.freedom += mostPrior
		}
		return v
	}
	clean := cleanTrials(indifference)
	for settled = 1; settled < mostBlocks; settled++ {
		if settled*places >= clean && after(settled).within(margin, alphaWithin/rivals) {
			break
		}
	}
	return math.Expm1(-after(blocks).lower(alphaRuledOut / rivals)), settled
}
