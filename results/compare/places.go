package compare

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// Places are pooled unless the trials ask for more: a factor is split where the
// order of the arms in question changes with it, or where an arm fails at some
// of its levels only. What it does to arms that are ruled out at every level is
// no reason, nor is a difference that is larger at one level than at another.
// A split is made at most twice, by the factor that matters most first. Levels
// that agree stay together.

// Answer is a decision for each group of places.
type Answer struct {
	Groups []Group
	// Factors are the factors of places that vary, with what was found of each.
	Factors  []Factor
	Warnings []Warning
}

// Group is a set of places with its decision. Where has the levels that set it
// apart, by factor; it is empty for all places.
type Group struct {
	Where map[string][]string
	Decision
}

// Factor is one factor of the places. P tests that the arms in question compare
// alike at all its levels; it is NaN where nothing could be tested. Split says
// that it was split.
type Factor struct {
	Name  string
	P     float64
	Split bool
}

// alphaSplit is the error rate of a split, over all factors.
const alphaSplit = 0.05

const mostSplits = 2

// Decide decides between the arms. The factors name what a trial's Place has;
// the trials are in the order in which they ran. Arms without a trial are not
// ranked.
func Decide(trials []Trial, factors []string, goal Goal) Answer {
	a := Answer{Warnings: warnings(trials, factors)}
	trials = ordered(trials)
	for i, name := range factors {
		if len(Levels(trials, i)) > 1 {
			a.Factors = append(a.Factors, Factor{Name: name, P: math.NaN()})
		}
	}
	a.split(trials, factors, goal, map[string][]string{}, mostSplits)
	a.merge(trials, goal)
	return a
}

// split decides for the trials, apart at the levels of the factor that matters
// most if one does.
func (a *Answer) split(trials []Trial, factors []string, goal Goal, where map[string][]string, depth int) {
	by, least, varies := -1, alphaSplit, []int{}
	for i := range a.Factors {
		f := &a.Factors[i]
		factor := slices.Index(factors, f.Name)
		in := interaction(trials, factor, Levels(trials, factor), nil, goal)
		p := in.p * float64(len(a.Factors))
		if !math.IsNaN(p) && !(f.P <= p) {
			f.P = min(1, p)
		}
		switch {
		case p < least && in.turns:
			by, least = i, p
		case p < alphaSplit:
			varies = append(varies, factor)
		}
	}
	if by < 0 || depth == 0 {
		d := decide(trials, goal)
		for _, factor := range varies {
			d.Effect.span(trials, factor, goal)
		}
		a.Groups = append(a.Groups, Group{Where: where, Decision: d})
		return
	}
	a.Factors[by].Split = true
	factor := slices.Index(factors, a.Factors[by].Name)
	for _, together := range alike(trials, factor, goal) {
		there := maps.Clone(where)
		there[a.Factors[by].Name] = together
		before := len(a.Groups)
		a.split(at(trials, factor, together), factors, goal, there, depth-1)
		for i := before; i < len(a.Groups); i++ {
			a.Groups[i].borrow(trials, factor, goal)
		}
	}
}

// span widens the effect's interval to what it is at each level of a factor
// that changes its size.
func (e *Effect) span(trials []Trial, factor int, goal Goal) {
	if e == nil {
		return
	}
	for _, level := range Levels(trials, factor) {
		s := newSample(at(trials, factor, []string{level}), goal)
		x, k := s.index(e.Of), s.index(e.Against)
		if x >= 0 && k >= 0 && s.adv[x][k].pairs > 0 {
			there := s.effect(x, k)
			e.Lower, e.Upper = min(e.Lower, there.Change), max(e.Upper, there.Change)
		}
	}
}

func (s *sample) index(arm string) int {
	return slices.IndexFunc(s.arms, func(a *armSample) bool { return a.name == arm })
}

// borrow settles what is open in a group between arms that compare alike
// elsewhere too, with the trials from there: what is said of these arms then is
// said of all these trials.
func (g *Group) borrow(trials []Trial, factor int, goal Goal) {
	if g.Verdict != Undecided || len(g.RuledOut) == 0 {
		return
	}
	in := interaction(trials, factor, Levels(trials, factor), g.Best, goal)
	if in.p < alphaSplit {
		return
	}
	var left []Trial
	for _, t := range trials {
		if slices.Contains(g.Best, t.Arm) {
			left = append(left, t)
		}
	}
	d := decide(left, goal)
	if d.Verdict == Decided || d.Verdict == Tied {
		for i := range g.Arms {
			if k := slices.IndexFunc(d.Arms, func(a Arm) bool { return a.Name == g.Arms[i].Name }); k >= 0 {
				g.Arms[i] = d.Arms[k]
			}
		}
		d.Arms, d.RuledOut = g.Arms, append(g.RuledOut, d.RuledOut...)
		g.Decision = d
	}
}

// alike groups the levels of a factor: the two groups that differ least are put
// together as long as they do not differ.
func alike(trials []Trial, factor int, goal Goal) [][]string {
	var groups [][]string
	for _, level := range Levels(trials, factor) {
		groups = append(groups, []string{level})
	}
	for len(groups) > 2 {
		first, second, most := 0, 0, alphaSplit
		for i := range groups {
			for j := i + 1; j < len(groups); j++ {
				in := interaction(trials, factor, slices.Concat(groups[i], groups[j]), nil, goal)
				if math.IsNaN(in.p) {
					in.p = 1
				}
				if in.p > most {
					first, second, most = i, j, in.p
				}
			}
		}
		if second == 0 {
			break
		}
		groups[first] = append(groups[first], groups[second]...)
		groups = slices.Delete(groups, second, second+1)
	}
	return groups
}

// merge makes one group of all where all have the same answer.
func (a *Answer) merge(trials []Trial, goal Goal) {
	first := a.Groups[0]
	best := func(g Group) []string { return slices.Sorted(slices.Values(g.Best)) }
	differs := func(g Group) bool { return g.Verdict != first.Verdict || !slices.Equal(best(g), best(first)) }
	if len(a.Groups) == 1 || first.Verdict == Undecided || slices.ContainsFunc(a.Groups, differs) {
		return
	}
	whole := decide(trials, goal)
	whole.Verdict, whole.WhenItWorks, whole.Best, whole.Settle = first.Verdict, first.WhenItWorks, first.Best, nil
	whole.RuledOut = slices.DeleteFunc(whole.RuledOut, func(o RuledOut) bool {
		return slices.ContainsFunc(a.Groups, func(g Group) bool {
			return !slices.ContainsFunc(g.RuledOut, func(p RuledOut) bool { return p.Arm == o.Arm })
		})
	})
	for _, g := range a.Groups {
		if e := whole.Effect; e != nil && g.Effect != nil && g.Effect.Of == e.Of && g.Effect.Against == e.Against {
			e.Lower, e.Upper = min(e.Lower, g.Effect.Lower), max(e.Upper, g.Effect.Upper)
		}
	}
	a.Groups = []Group{{Where: map[string][]string{}, Decision: whole}}
}

// Levels are the levels of the i-th factor that have a trial: numbers in order
// of size, everything else by name.
func Levels(trials []Trial, i int) (all []string) {
	for _, t := range trials {
		if !slices.Contains(all, t.Place[i]) {
			all = append(all, t.Place[i])
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(size(a), size(b)), cmp.Compare(a, b)) })
	return all
}

// size is the number that a level begins with.
func size(level string) float64 {
	v, err := strconv.ParseFloat(level[:len(level)-len(strings.TrimLeft(level, "0123456789."))], 64)
	if err != nil {
		return math.Inf(1)
	}
	return v
}

// at are the trials at the levels; nobody changes them.
func at(trials []Trial, factor int, levels []string) []Trial {
	n := 0
	for i := range trials {
		if slices.Contains(levels, trials[i].Place[factor]) {
			n++
		}
	}
	if n == len(trials) {
		return trials
	}
	some := make([]Trial, 0, n)
	for i := range trials {
		if slices.Contains(levels, trials[i].Place[factor]) {
			some = append(some, trials[i])
		}
	}
	return some
}

// found is what a factor does to how arms compare. P is Bonferroni's over all
// that was tested, NaN where nothing could be; turns says that the order of arms
// changes, or that one fails at some of the levels only.
type found struct {
	p     float64
	turns bool
}

// interaction tests that the arms in question compare alike at the levels of
// the factor: the times of each two by an analysis of variance of their paired
// differences, the failures of each by Fisher's exact test of each level against
// the rest. Without arms, all are in question that are not ruled out somewhere.
func interaction(trials []Trial, factor int, levels []string, arms []string, goal Goal) found {
	trials = at(trials, factor, levels)
	none := found{p: math.NaN()}
	if len(levels) < 2 {
		return none
	}
	pooled := newSample(trials, goal)
	if arms == nil {
		for _, level := range levels {
			s := newSample(at(trials, factor, []string{level}), goal)
			for _, i := range s.choose(true).left {
				if !slices.Contains(arms, s.arms[i].name) {
					arms = append(arms, s.arms[i].name)
				}
			}
		}
		slices.Sort(arms)
	}
	least, turning, tests := math.Inf(1), math.Inf(1), 0
	test := func(p float64, turns bool) {
		if math.IsNaN(p) {
			return
		}
		tests++
		least = min(least, p)
		if turns {
			turning = min(turning, p)
		}
	}
	for i, name := range arms {
		x := pooled.index(name)
		if x < 0 || len(arms) < 2 {
			continue
		}
		test(failsUnevenly(trials, name, factor, levels), true)
		for _, other := range arms[i+1:] {
			if k := pooled.index(other); k >= 0 {
				test(pooled.differs(x, k, factor))
			}
		}
	}
	switch {
	case tests == 0:
		return none
	case turning*float64(tests) < alphaSplit:
		return found{turning * float64(tests), true}
	}
	return found{min(1, least*float64(tests)), false}
}

// differs is the p-value of a one-way analysis of variance of the differences
// between two arms by the level of the factor, and whether their sign changes.
func (s *sample) differs(x, k, factor int) (p float64, turns bool) {
	a, b := s.arms[x], s.arms[k]
	groups := map[string][]float64{}
	for _, at := range a.strata {
		if tk, both := b.times[at]; both {
			place, _, _ := strings.Cut(at, "\x01")
			level := strings.Split(place, "\x00")[factor]
			groups[level] = append(groups[level], b.location+s.influence(b, tk)-a.location-s.influence(a, a.times[at]))
		}
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, differences := range groups {
		low, high = min(low, average(differences)), max(high, average(differences))
	}
	return oneWay(groups), low < 0 && high > 0
}

// oneWay is the p-value of a one-way analysis of variance.
func oneWay(groups map[string][]float64) float64 {
	var all []float64
	within := 0.0
	names := slices.Sorted(maps.Keys(groups))
	for _, name := range names {
		mean := average(groups[name])
		for _, v := range groups[name] {
			within += (v - mean) * (v - mean)
		}
		all = append(all, groups[name]...)
	}
	between, mean := 0.0, average(all)
	for _, name := range names {
		d := average(groups[name]) - mean
		between += float64(len(groups[name])) * d * d
	}
	free, rest := float64(len(groups)-1), float64(len(all)-len(groups))
	if free < 1 || rest < 1 || within <= 0 {
		return math.NaN()
	}
	return 1 - distuv.F{D1: free, D2: rest}.CDF(between/free/(within/rest))
}

// failsUnevenly tests that an arm fails as often at one level as at the others,
// for the level where that is least so.
func failsUnevenly(trials []Trial, arm string, factor int, levels []string) float64 {
	n, failed := map[string]int{}, map[string]int{}
	all, bad := 0, 0
	for _, t := range trials {
		if t.Arm != arm {
			continue
		}
		n[t.Place[factor]]++
		all++
		if !t.Ready {
			failed[t.Place[factor]]++
			bad++
		}
	}
	if bad == 0 || bad == all {
		return math.NaN()
	}
	least := 1.0
	for _, l := range levels {
		p, err := stats.Fisher(stats.Arm{Events: failed[l], Trials: n[l]}, stats.Arm{Events: bad - failed[l], Trials: all - n[l]}, stats.TwoSided)
		if err == nil {
			least = min(least, p)
		}
	}
	if len(levels) > 2 {
		least *= float64(len(levels))
	}
	return min(1, least)
}
