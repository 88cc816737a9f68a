package compare

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Times are compared inside strata: what two arms took in one place and one
// block. The difference of two arms' means, or quantiles, is an average over
// strata of an influence, and the assumption is that this average behaves like
// one of normal values of unknown spread. Each pair of arms has a spread of its
// own, held steady by what all pairs together show (Smyth 2004, doi
// 10.2202/1544-6115.1027).

// advantage is the logarithm of what arm k takes over what arm x takes when
// both work. Spread is the standard deviation of one stratum's estimate of it,
// and freedom the degrees of freedom with which that is known.
type advantage struct {
	log, spread, freedom float64
	pairs                int
}

// advantages has all pairs' advantages, by x and k.
func (s *sample) advantages() [][]advantage {
	all := make([][]advantage, len(s.arms))
	for x := range s.arms {
		all[x] = make([]advantage, len(s.arms))
	}
	for x, a := range s.arms {
		for k := x + 1; k < len(s.arms); k++ {
			adv := s.paired(a, s.arms[k])
			all[x][k] = adv
			adv.log = -adv.log
			all[k][x] = adv
		}
	}
	squeeze(all)
	return all
}

func (s *sample) paired(a, b *armSample) advantage {
	var diffs []float64
	for _, stratum := range a.strata {
		if tk, both := b.times[stratum]; both {
			diffs = append(diffs, s.influence(b, tk)-s.influence(a, a.times[stratum]))
		}
	}
	adv := advantage{log: math.NaN(), pairs: len(diffs)}
	if len(diffs) == 0 {
		return adv
	}
	// The influences of an arm's times sum to nothing. Over the strata that it
	// shares with the other arm they sum to what pairing changes.
	mean := average(diffs)
	adv.log = b.location - a.location + mean
	adv.freedom = float64(len(diffs) - 1)
	for _, d := range diffs {
		adv.spread += (d - mean) * (d - mean)
	}
	adv.spread = math.Sqrt(adv.spread / max(1, adv.freedom))
	return adv
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
	centre, excess := average(logs), -average(trigammas)
	for _, l := range logs {
		excess += (l - centre) * (l - centre) / float64(len(logs)-1)
	}
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
// share arms, so what they say of the spread is not independent.
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
// 2021, doi 10.1214/20-BA1234). It is infinite where too little is known to say
// anything at alpha.
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
	width := sequenceWidth(v.pairs, v.freedom, alpha)
	if math.IsInf(width, 1) {
		return math.Inf(-1)
	}
	return v.log - width*v.spread/math.Sqrt(float64(v.pairs))
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

func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

func studentQuantile(freedom, p float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(p)
}

// studentTail is the probability of a value over t.
func studentTail(freedom, t float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Survival(t)
}
