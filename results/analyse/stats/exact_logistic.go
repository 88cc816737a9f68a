package stats

import (
	"encoding/binary"
	"math"
	"slices"
)

// ExactEffect is a log odds ratio with exact inference.
type ExactEffect struct {
	// Estimate is the conditional maximum likelihood estimate, or where that
	// is infinite the median unbiased one.
	Estimate       float64
	MedianUnbiased bool
	// CI ends at −Inf or +Inf where the covariate separates the outcomes.
	CI Interval
	// P adds the outcomes no more probable than the observed one under no
	// effect; on a 2×2 table it is Fisher's.
	P float64
}

// Limits of exact counting: outcomes that are kept, and trials, whose number
// of outcomes must stay a float64.
const (
	maxExactStates = 500_000
	maxExactTrials = 1000
)

// ExactLogistic is the effect of covariate which (from 0) on the log odds of
// the event, conditional on what is sufficient for the intercept and all
// other covariates, so that neither separation nor few trials hurt. rows and
// event as for FirthLogistic; covariates are whole numbers (levels as 0 and
// 1, blocks as indicator columns). It is an error where the others leave the
// covariate nothing to vary, and where there are too many outcomes to count.
//
// Cox, The Analysis of Binary Data (1970) ch. 4; Mehta & Patel, Statistics in
// Medicine 14 (1995) 2143. The interval inverts both one-sided tests.
func ExactLogistic(rows [][]float64, event []bool, which int, conf float64) (ExactEffect, error) {
	if err := checkConfidence(conf); err != nil {
		return ExactEffect{}, err
	}
	groups, observed, err := covariateGroups(rows, event, which)
	if err != nil {
		return ExactEffect{}, err
	}
	c, err := conditional(groups, observed)
	if err != nil {
		return ExactEffect{}, err
	}
	return c.effect(conf), nil
}

// covariateGroup is the trials with one combination of covariates: first the
// constant, then the others, last the one asked about.
type covariateGroup struct {
	x      []int
	trials int
}

func covariateGroups(rows [][]float64, event []bool, which int) ([]covariateGroup, []int, error) {
	if len(rows) == 0 || len(rows) != len(event) || which < 0 || which >= len(rows[0]) {
		return nil, nil, invalid("%d trials, %d outcomes, covariate %d", len(rows), len(event), which)
	}
	if len(rows) > maxExactTrials {
		return nil, nil, invalid("%d trials are too many for an exact answer; use FirthLogistic", len(rows))
	}
	var groups []covariateGroup
	observed := make([]int, len(rows[0])+1)
	for i, r := range rows {
		if len(r) != len(rows[0]) {
			return nil, nil, invalid("trial %d has %d covariates, the first %d", i, len(r), len(rows[0]))
		}
		x, err := ordered(r, which)
		if err != nil {
			return nil, nil, err
		}
		for j := range x {
			observed[j] += x[j] * index(event[i])
		}
		at := slices.IndexFunc(groups, func(g covariateGroup) bool { return slices.Equal(g.x, x) })
		if at < 0 {
			at, groups = len(groups), append(groups, covariateGroup{x: x})
		}
		groups[at].trials++
	}
	return groups, observed, nil
}

func ordered(row []float64, which int) ([]int, error) {
	x := []int{1}
	for j, v := range row {
		if v != math.Trunc(v) || math.Abs(v) > 1e6 {
			return nil, invalid("covariate value %v is not a whole number", v)
		}
		if j != which {
			x = append(x, int(v))
		}
	}
	return append(x, int(row[which])), nil
}

// conditionalCounts is for each value of the sufficient statistic of one
// covariate, ascending, the log number of outcomes with it that share all
// other sufficient statistics with what was observed.
type conditionalCounts struct {
	value    []float64
	logCount []float64
	observed int // index
}

type outcomes struct {
	stat  []int
	count float64
}

func conditional(groups []covariateGroup, observed []int) (conditionalCounts, error) {
	states := map[string]outcomes{"": {make([]int, len(observed)), 1}}
	for i, g := range groups {
		next := map[string]outcomes{}
		for _, s := range states {
			for k := range g.trials + 1 {
				t := s.plus(g, k)
				if !reachable(t.stat, observed, groups[i+1:]) {
					continue
				}
				key := t.key()
				t.count += next[key].count
				next[key] = t
			}
		}
		if len(next) > maxExactStates {
			return conditionalCounts{}, invalid("too many outcomes to count; use FirthLogistic")
		}
		states = next
	}
	return counted(states, observed)
}

func (s outcomes) plus(g covariateGroup, k int) outcomes {
	t := outcomes{slices.Clone(s.stat), s.count * math.Exp(logChoose(g.trials, k))}
	for j := range t.stat {
		t.stat[j] += k * g.x[j]
	}
	return t
}

func (s outcomes) key() string {
	var b []byte
	for _, v := range s.stat {
		b = binary.AppendVarint(b, int64(v))
	}
	return string(b)
}

// reachable reports whether the groups to come can still bring all but the
// last statistic to what was observed.
func reachable(stat, observed []int, rest []covariateGroup) bool {
	for j := range len(stat) - 1 {
		least, most := stat[j], stat[j]
		for _, g := range rest {
			least += min(0, g.trials*g.x[j])
			most += max(0, g.trials*g.x[j])
		}
		if observed[j] < least || observed[j] > most {
			return false
		}
	}
	return true
}

func counted(states map[string]outcomes, observed []int) (conditionalCounts, error) {
	all := make([]outcomes, 0, len(states))
	for _, s := range states {
		all = append(all, s)
	}
	last := len(observed) - 1
	slices.SortFunc(all, func(a, b outcomes) int { return a.stat[last] - b.stat[last] })
	var c conditionalCounts
	for i, s := range all {
		if s.stat[last] == observed[last] {
			c.observed = i
		}
		c.value = append(c.value, float64(s.stat[last]))
		c.logCount = append(c.logCount, math.Log(s.count))
	}
	if len(c.value) < 2 {
		return c, invalid("the other covariates and the number of events leave this one nothing to vary")
	}
	return c, nil
}

// probabilities under log odds ratio beta.
func (c conditionalCounts) probabilities(beta float64) []float64 {
	p, top := make([]float64, len(c.value)), math.Inf(-1)
	for i, v := range c.value {
		p[i] = c.logCount[i] + beta*v
		top = max(top, p[i])
	}
	var total float64
	for i := range p {
		p[i] = math.Exp(p[i] - top)
		total += p[i]
	}
	for i := range p {
		p[i] /= total
	}
	return p
}

func (c conditionalCounts) atLeast(beta float64) float64 {
	return sum(c.probabilities(beta)[c.observed:])
}
func (c conditionalCounts) atMost(beta float64) float64 {
	return sum(c.probabilities(beta)[:c.observed+1])
}

// maxLogOdds is beyond every finite answer for a covariate in whole numbers.
const maxLogOdds = 500

func (c conditionalCounts) effect(conf float64) ExactEffect {
	tail, top := (1-conf)/2, len(c.value)-1
	e := ExactEffect{CI: Interval{math.Inf(-1), math.Inf(1)}, MedianUnbiased: c.observed == 0 || c.observed == top}
	lower := func(p float64) float64 {
		return bisect(func(b float64) float64 { return c.atLeast(b) - p }, -maxLogOdds, maxLogOdds)
	}
	upper := func(p float64) float64 {
		return bisect(func(b float64) float64 { return c.atMost(b) - p }, -maxLogOdds, maxLogOdds)
	}
	if c.observed > 0 {
		e.CI.Lower = lower(tail)
	}
	if c.observed < top {
		e.CI.Upper = upper(tail)
	}
	switch c.observed {
	case top:
		e.Estimate = lower(0.5)
	case 0:
		e.Estimate = upper(0.5)
	default:
		e.Estimate = bisect(c.excessMean, -maxLogOdds, maxLogOdds)
	}
	null := c.probabilities(0)
	for _, p := range null {
		if p <= null[c.observed]*(1+sameProbability) {
			e.P += p
		}
	}
	e.P = min(1, e.P)
	return e
}

func (c conditionalCounts) excessMean(beta float64) (excess float64) {
	for i, p := range c.probabilities(beta) {
		excess += p * (c.value[i] - c.value[c.observed])
	}
	return excess
}
