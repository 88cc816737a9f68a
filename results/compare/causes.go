package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// What failures go with is found by an exact test: inside a stratum, the trials
// that share their block and all levels but one factor's, failures fall on any
// trial alike if that factor is no cause. Levels and factors that were looked at
// share the error rate.

// Cause is the level of a factor at which more trials failed than at its
// others, everything else alike. An empty Factor is the choice of the arm.
type Cause struct {
	Factor string `json:"factor"`
	Level  string `json:"level"`
	// Failed of N failed at the level, OtherFailed of OtherN at the others.
	Failed      int `json:"failed"`
	N           int `json:"n"`
	OtherFailed int `json:"failed_otherwise"`
	OtherN      int `json:"n_otherwise"`
	// P is adjusted for all levels and all factors (Bonferroni, Holm). It is NaN
	// where the factor never varied with all else alike, or nothing failed.
	P stats.Value `json:"p"`
}

// chance is P, and more than any where P is not known.
func (c Cause) chance() float64 {
	if !c.P.Finite() {
		return math.Inf(1)
	}
	return float64(c.P)
}

// Causes has the level of each varied factor that fails most, the surest first.
func Causes(trials []Trial, factors []string) (causes []Cause) {
	columns := []column{newColumn(trials, func(t Trial) string { return t.Arm })}
	for i := range factors {
		columns = append(columns, newColumn(trials, func(t Trial) string { return t.Place[i] }))
	}
	block := newColumn(trials, func(t Trial) string { return t.Block })
	for i, of := range columns {
		if len(of.names) < 2 {
			continue
		}
		c := worst(trials, of, append([]column{block}, slices.Delete(slices.Clone(columns), i, i+1)...))
		if i > 0 {
			c.Factor = factors[i-1]
		}
		causes = append(causes, c)
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(a.chance(), b.chance()) })
	tested := slices.IndexFunc(causes, func(c Cause) bool { return !c.P.Finite() })
	if tested < 0 {
		tested = len(causes)
	}
	most := stats.Value(0)
	for i := range tested {
		most = max(most, min(1, causes[i].P*stats.Value(tested-i)))
		causes[i].P = most
	}
	return causes
}

// column has the levels of a factor as numbers: there may be very many trials.
type column struct {
	names  []string
	levels []int
}

func newColumn(trials []Trial, level func(Trial) string) (c column) {
	known := map[string]int{}
	for _, t := range trials {
		name := level(t)
		if _, seen := known[name]; !seen {
			known[name] = len(c.names)
			c.names = append(c.names, name)
		}
		c.levels = append(c.levels, known[name])
	}
	return c
}

// worst is the level at which most fail, by the test and then by the share.
func worst(trials []Trial, of column, others []column) (worst Cause) {
	all, strata, own := urn{}, map[int]urn{}, make([]map[int]urn, len(of.names))
	for i := range own {
		own[i] = map[int]urn{}
	}
	for i, t := range trials {
		stratum := 0
		for _, c := range others {
			stratum = stratum*len(c.names) + c.levels[i]
		}
		there := own[of.levels[i]]
		all = all.with(t)
		strata[stratum] = strata[stratum].with(t)
		there[stratum] = there[stratum].with(t)
	}
	rate := func(c Cause) float64 { return float64(c.Failed) / float64(c.N) }
	for i, name := range of.names {
		c, drawn := Cause{Level: name}, []urn{}
		for stratum, u := range own[i] {
			c.N, c.Failed = c.N+u.n, c.Failed+u.failed
			drawn = append(drawn, urn{strata[stratum].n, strata[stratum].failed, u.n, u.failed})
		}
		c.OtherN, c.OtherFailed = all.n-c.N, all.failed-c.Failed
		c.P = stats.Value(atLeast(drawn) * float64(len(of.names)))
		if i == 0 || c.chance() < worst.chance() || c.chance() == worst.chance() && rate(c) > rate(worst) {
			worst = c
		}
	}
	worst.P = min(1, worst.P)
	return worst
}

// urn is trials that share a stratum: n of them, failed ones among them, and how
// many of all and of the failed ones are in question.
type urn struct{ n, failed, drawn, bad int }

func (u urn) with(t Trial) urn {
	u.n++
	if !t.Ready {
		u.failed++
	}
	return u
}

// manyFailures is the variance beyond which the normal limit replaces the exact one.
const manyFailures = 400

// atLeast is the probability that as many failures fall on the trials in question when
// in each urn they fall on any alike; NaN where they can fall in one way only.
func atLeast(all []urn) float64 {
	open := slices.DeleteFunc(all, func(u urn) bool {
		return u.drawn == 0 || u.drawn == u.n || u.failed == 0 || u.failed == u.n
	})
	if len(open) == 0 {
		return math.NaN()
	}
	// Sorted, so that sums do not depend on the order of the rows.
	slices.SortFunc(open, func(a, b urn) int {
		return cmp.Or(a.n-b.n, a.failed-b.failed, a.drawn-b.drawn, a.bad-b.bad)
	})
	seen, mean, variance := 0, 0.0, 0.0
	for _, u := range open {
		n, f, d := float64(u.n), float64(u.failed), float64(u.drawn)
		seen += u.bad
		mean, variance = mean+d*f/n, variance+d*f/n*(1-f/n)*(n-d)/(n-1)
	}
	if variance > manyFailures {
		return distuv.UnitNormal.Survival((float64(seen) - 0.5 - mean) / math.Sqrt(variance))
	}
	sums := []float64{1} // by failures beyond the least possible
	for _, u := range open {
		least, chances := stats.Hypergeometric(u.n, u.failed, u.drawn)
		seen, sums = seen-least, stats.Add(sums, chances)
	}
	p := 0.0
	for _, s := range sums[seen:] {
		p += s
	}
	return min(1, p)
}
