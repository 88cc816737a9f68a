package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// What failures go with is told by an exact test: inside a stratum, the trials
// that share their block and all levels but one factor's, failures fall on any
// trial alike if that factor is none of the causes. Levels and factors that were
// looked at share the error rate.

// Cause is the level of a factor at which more trials failed than at its
// others, everything else alike. An empty Factor is the choice of the arm.
type Cause struct {
	Factor, Level string
	// Failed of N failed at the level, OtherFailed of OtherN at the others.
	Failed, N, OtherFailed, OtherN int
	// P is adjusted for all levels and all factors (Bonferroni, Holm). It is NaN
	// where the factor never varied with all else alike, or nothing failed.
	P float64
}

// Causes has the level that fails most of each factor that varies, the surest
// first.
func Causes(trials []Trial, factors []string) (causes []Cause) {
	for i := -1; i < len(factors); i++ {
		level := func(t Trial) string {
			if i < 0 {
				return t.Arm
			}
			return t.Place[i]
		}
		c, found := worst(trials, level, func(t Trial) string {
			place := slices.Clone(t.Place)
			if i < 0 {
				return t.Block + "\x01" + strings.Join(place, "\x00")
			}
			place[i] = ""
			return t.Block + "\x01" + t.Arm + "\x01" + strings.Join(place, "\x00")
		})
		if i >= 0 {
			c.Factor = factors[i]
		}
		if found {
			causes = append(causes, c)
		}
	}
	certain := func(c Cause) float64 {
		if math.IsNaN(c.P) {
			return 2
		}
		return c.P
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(certain(a), certain(b)) })
	tested, most := slices.IndexFunc(causes, func(c Cause) bool { return math.IsNaN(c.P) }), 0.0
	if tested < 0 {
		tested = len(causes)
	}
	for i := range tested {
		most = max(most, min(1, causes[i].P*float64(tested-i)))
		causes[i].P = most
	}
	return causes
}

// worst is the level at which most fail, by the test and then by the share; found
// is false for a factor of one level.
func worst(trials []Trial, level, stratum func(Trial) string) (worst Cause, found bool) {
	strata, of := map[string]*urn{}, map[string]map[string]*urn{}
	var order []string
	all := urn{}
	for _, t := range trials {
		l, s := level(t), stratum(t)
		if of[l] == nil {
			of[l] = map[string]*urn{}
			order = append(order, l)
		}
		if strata[s] == nil {
			strata[s] = &urn{}
		}
		if of[l][s] == nil {
			of[l][s] = &urn{}
		}
		for _, u := range []*urn{strata[s], of[l][s], &all} {
			u.add(t)
		}
	}
	if len(order) < 2 {
		return worst, false
	}
	rate := func(c Cause) float64 { return float64(c.Failed) / float64(c.N) }
	for i, l := range order {
		c, urns := Cause{Level: l}, []urn{}
		for s, own := range of[l] {
			c.N, c.Failed = c.N+own.n, c.Failed+own.failed
			urns = append(urns, urn{strata[s].n, strata[s].failed, own.n, own.failed})
		}
		c.OtherN, c.OtherFailed = all.n-c.N, all.failed-c.Failed
		c.P = atLeast(urns) * float64(len(order))
		if i == 0 || c.P < worst.P || math.IsNaN(worst.P) || c.P == worst.P && rate(c) > rate(worst) {
			worst = c
		}
	}
	worst.P = min(1, worst.P)
	return worst, true
}

// urn is trials that share a stratum: n of them, failed ones among them, and how
// many of all and of the failed ones are in question.
type urn struct{ n, failed, drawn, bad int }

func (u *urn) add(t Trial) {
	u.n++
	if !t.Ready {
		u.failed++
	}
}

// manyFailures is the variance from which on the normal limit stands for the
// exact distribution.
const manyFailures = 400

// atLeast is the probability that as many failures or more fall on the trials
// in question, when in each urn they fall on any trial alike. It is NaN where
// they can fall in one way only.
func atLeast(urns []urn) float64 {
	seen, least, mean, variance := 0, 0, 0.0, 0.0
	var open []urn
	for _, u := range urns {
		if u.drawn == 0 || u.drawn == u.n || u.failed == 0 || u.failed == u.n {
			continue
		}
		n, f, d := float64(u.n), float64(u.failed), float64(u.drawn)
		open = append(open, u)
		seen, least = seen+u.bad, least+max(0, u.failed+u.drawn-u.n)
		mean, variance = mean+d*f/n, variance+d*f/n*(1-f/n)*(n-d)/(n-1)
	}
	if len(open) == 0 {
		return math.NaN()
	}
	if variance > manyFailures {
		return distuv.UnitNormal.Survival((float64(seen) - 0.5 - mean) / math.Sqrt(variance))
	}
	// Fewest first, so that the sum does not depend on the order of rows.
	slices.SortFunc(open, func(a, b urn) int { return cmp.Or(a.n-b.n, a.failed-b.failed, a.drawn-b.drawn) })
	sums := []float64{1} // by failures beyond the least possible
	for _, u := range open {
		lo, hi := max(0, u.failed+u.drawn-u.n), min(u.failed, u.drawn)
		next := make([]float64, len(sums)+hi-lo)
		for k := lo; k <= hi; k++ {
			chance := math.Exp(logChoose(u.failed, k) + logChoose(u.n-u.failed, u.drawn-k) - logChoose(u.n, u.drawn))
			for i, s := range sums {
				next[i+k-lo] += s * chance
			}
		}
		sums = next
	}
	p := 0.0
	for _, s := range sums[seen-least:] {
		p += s
	}
	return min(1, p)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
