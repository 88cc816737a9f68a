package compare

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// Places are pooled unless the trials demand more: a factor is split where the
// order of the arms in question changes with it, or where an arm fails at some of
// its levels more often than at others. What it does to arms that are ruled out at
// every level is no reason, nor is a difference that is larger at one level than at
// another.
// Several factors may turn the order together and none of them alone, so that the
// places are tested as one factor too. A split is made at most three times, by the
// factor that matters most first. Levels that agree stay together.

// Answer is a decision for each group of places.
type Answer struct {
	Groups []Group
	// Factors are the factors of places that vary, with what was found of each.
	Factors []Factor
}

// Group is a set of places with its decision.
type Group struct {
	Where Where
	Decision
}

// Where has the levels that set places apart, by factor; it is empty for all places.
type Where map[string]AnyOf

// AnyOf are levels of one factor. In JSON a single one is a text, several are a list.
type AnyOf []string

func (a AnyOf) String() string { return strings.Join(a, " or ") }

// MarshalJSON writes a text or a list.
func (a AnyOf) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// Factor is one factor of the places. P tests that the arms in question compare
// alike at all its levels; it is NaN where nothing could be tested.
type Factor struct {
	Name  string      `json:"factor"`
	P     stats.Value `json:"p"`
	Split bool        `json:"split"`
}

// alphaSplit is the error rate of a split, over all factors, and by all together.
const alphaSplit = 0.05

// alphaUneven is how improbable it is, where a factor is split because of failures, that an
// arm fails as often at all its levels. The trials of one level are few, and a split that is
// not needed leaves failures out of account.
const alphaUneven = 0.02

const mostSplits = 3

// Decide decides between arms with trials. The factors name the levels of a Place.
func Decide(trials []Trial, factors []string, goal Goal) Answer {
	var a Answer
	trials = ordered(trials)
	for i, name := range factors {
		if len(Levels(trials, i)) > 1 {
			a.Factors = append(a.Factors, Factor{Name: name, P: stats.Value(math.NaN())})
		}
	}
	a.split(trials, factors, goal, Where{}, mostSplits)
	a.merge(trials, goal)
	return a
}

// split decides, apart at the levels of the factor that matters most, if one does.
func (a *Answer) split(trials []Trial, factors []string, goal Goal, where Where, depth int) {
	by, least, varies := -1, alphaSplit, []int{}
	likely, lowest := -1, math.Inf(1)
	for i := range a.Factors {
		f := &a.Factors[i]
		factor := slices.Index(factors, f.Name)
		levels := Levels(trials, factor)
		p, even, turns := interaction(trials, factor, levels, nil, goal)
		chance := even
		if p < even {
			chance = p
		}
		if len(levels) > 1 && (likely < 0 || chance < lowest) {
			likely, lowest = i, chance
		}
		p *= float64(len(a.Factors))
		if even < alphaUneven && !(turns && p <= even) {
			p, turns = even, true
		}
		if !math.IsNaN(p) && !(float64(f.P) <= p) {
			f.P = stats.Value(min(1, p))
		}
		switch {
		case p < least && turns:
			by, least = i, p
		case p < alphaSplit:
			varies = append(varies, factor)
		}
	}
	if by < 0 && turnTogether(trials, nil, goal) {
		by = likely
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
		for i := range a.Groups[before:] {
			a.Groups[before+i].borrow(trials, factors, goal)
		}
	}
}

// span widens the effect's interval to the effects at each level of a factor.
func (e *Effect) span(trials []Trial, factor int, goal Goal) {
	if e == nil {
		return
	}
	for _, some := range byLevel(trials, factor) {
		s := newSample(some, goal)
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

// borrow settles an open decision between arms that compare alike at all levels of
// the factors that set the group apart with the trials of the other levels: what is
// said of these arms then holds for all these trials.
func (g *Group) borrow(trials []Trial, factors []string, goal Goal) {
	if g.Verdict != Undecided || len(g.RuledOut) == 0 {
		return
	}
	for i, name := range factors {
		if g.Where[name] == nil {
			continue
		}
		if p, even, _ := interaction(trials, i, Levels(trials, i), g.Best, goal); p < alphaSplit || even < doubtful {
			return
		}
	}
	if turnTogether(trials, g.Best, goal) {
		return
	}
	left := slices.DeleteFunc(slices.Clone(trials), func(t Trial) bool { return !slices.Contains(g.Best, t.Arm) })
	d := decide(left, goal)
	if d.Verdict != Decided && d.Verdict != Tied {
		return
	}
	for i := range g.Arms {
		if k := slices.IndexFunc(d.Arms, func(a Arm) bool { return a.Name == g.Arms[i].Name }); k >= 0 {
			g.Arms[i] = d.Arms[k]
		}
	}
	d.Arms, d.RuledOut = g.Arms, append(g.RuledOut, d.RuledOut...)
	g.Decision = d
}

// alike groups levels: the two groups that differ least are joined until all differ.
func alike(trials []Trial, factor int, goal Goal) [][]string {
	groups := slices.Collect(slices.Chunk(Levels(trials, factor), 1))
	for len(groups) > 2 {
		first, second, most := 0, 0, alphaSplit
		for i := range groups {
			for j := i + 1; j < len(groups); j++ {
				p, even, _ := interaction(trials, factor, slices.Concat(groups[i], groups[j]), nil, goal)
				if math.IsNaN(p) {
					p = 1
				}
				if p > most && even >= doubtful {
					first, second, most = i, j, p
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
	switch {
	case slices.Equal(best(Group{Decision: whole}), best(first)):
	case len(whole.Best) > 0 && len(first.Best) > 0 && whole.Best[0] != first.Best[0]:
		return // its figures are those of another arm
	default:
		whole.Best = first.Best
	}
	whole.Verdict, whole.WhenItWorks, whole.FailTooOften, whole.Settle = first.Verdict, first.WhenItWorks, nil, nil
	whole.RuledOut = slices.DeleteFunc(whole.RuledOut, func(o Effect) bool {
		return slices.ContainsFunc(a.Groups, func(g Group) bool {
			return !slices.ContainsFunc(g.RuledOut, func(p Effect) bool { return p.Against == o.Against })
		})
	})
	for _, g := range a.Groups {
		if e := whole.Effect; e != nil && g.Effect != nil && g.Effect.Of == e.Of && g.Effect.Against == e.Against {
			e.Lower, e.Upper = min(e.Lower, g.Effect.Lower), max(e.Upper, g.Effect.Upper)
		}
	}
	a.Groups = []Group{{Where: Where{}, Decision: whole}}
}

// Levels are the ith factor's levels that have a trial: numbers by size, then names.
func Levels(trials []Trial, i int) []string {
	// size is the number that a level begins with.
	size := func(level string) float64 {
		v, err := strconv.ParseFloat(level[:len(level)-len(strings.TrimLeft(level, "0123456789."))], 64)
		if err != nil {
			return math.Inf(1)
		}
		return v
	}
	return slices.SortedFunc(maps.Keys(byLevel(trials, i)), func(a, b string) int {
		return cmp.Or(cmp.Compare(size(a), size(b)), cmp.Compare(a, b))
	})
}

func at(trials []Trial, factor int, levels []string) (some []Trial) {
	in := map[string]bool{}
	for _, level := range levels {
		in[level] = true
	}
	for _, t := range trials {
		if in[t.Place[factor]] {
			some = append(some, t)
		}
	}
	return some
}

// byLevel has the trials of each level, in one pass: there may be thousands of places.
func byLevel(trials []Trial, factor int) map[string][]Trial {
	all := map[string][]Trial{}
	for _, t := range trials {
		all[t.Place[factor]] = append(all[t.Place[factor]], t)
	}
	return all
}

// interaction tests that the arms in question compare alike at the levels of
// the factor: the times of each two by an analysis of variance of their paired
// differences. Without arms, all are in question that are not ruled out somewhere.
// P is Bonferroni's over all tests, NaN where there was none; turns is that the order
// of arms changes. Even is the least probability that one fails equally often at all levels.
func interaction(trials []Trial, factor int, levels, arms []string, goal Goal) (p, even float64, turns bool) {
	if p, even = math.NaN(), 1; len(levels) < 2 {
		return p, even, false
	}
	trials = at(trials, factor, levels)
	if arms == nil {
		apart := byLevel(trials, factor)
		for _, level := range levels {
			s := newSample(apart[level], goal)
			for _, i := range s.choose(true).left {
				arms = append(arms, s.arms[i].name)
			}
		}
		slices.Sort(arms)
		arms = slices.Compact(arms)
	}
	if len(arms) < 2 {
		return p, even, false
	}
	pooled := newSample(trials, goal)
	least, turning, tests := math.Inf(1), math.Inf(1), 0.0
	for i, name := range arms {
		x := pooled.index(name)
		even = min(even, pooled.arms[x].evenly(pooled.arms[x].at[factor]))
		for _, other := range arms[i+1:] {
			p, crosses := pooled.differs(x, pooled.index(other), factor)
			if math.IsNaN(p) {
				continue
			}
			tests++
			least = min(least, p)
			if crosses {
				turning = min(turning, p)
			}
		}
	}
	switch {
	case tests == 0:
		return p, even, false
	case turning*tests < alphaSplit:
		return turning * tests, even, true
	}
	return min(1, least*tests), even, false
}

// turnTogether reports whether the order of arms changes with combinations of levels.
func turnTogether(trials []Trial, arms []string, goal Goal) bool {
	several, joined := 0, slices.Clone(trials)
	for i := range trials[0].Place {
		if len(Levels(trials, i)) > 1 {
			several++
		}
	}
	if several < 2 {
		return false
	}
	for i, t := range joined {
		joined[i].Place = append(slices.Clone(t.Place), t.placeKey())
	}
	factor := len(trials[0].Place)
	p, _, turns := interaction(joined, factor, Levels(joined, factor), arms, goal)
	return turns && p < alphaSplit
}

// differs is the p-value of a one-way analysis of variance of the differences
// between two arms by the level of the factor, and whether their sign changes.
func (s *sample) differs(x, k, factor int) (p float64, turns bool) {
	a, b := s.arms[x], s.arms[k]
	groups := map[string][]float64{}
	for ta, tb := range pairs(a, b) {
		level := ta.place[factor]
		groups[level] = append(groups[level], b.location+tb.influence-a.location-ta.influence)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, differences := range groups {
		mean := stat.Mean(differences, nil)
		low, high = min(low, mean), max(high, mean)
	}
	return oneWay(groups), low < 0 && high > 0
}

// oneWay is the p-value of a one-way analysis of variance.
func oneWay(groups map[string][]float64) float64 {
	var all []float64
	names := slices.Sorted(maps.Keys(groups))
	for _, name := range names {
		all = append(all, groups[name]...)
	}
	between, within, mean := 0.0, 0.0, stat.Mean(all, nil)
	for _, name := range names {
		n, own := float64(len(groups[name])), stat.Mean(groups[name], nil)-mean
		between, within = between+n*own*own, within+n*stat.PopVariance(groups[name], nil)
	}
	free, rest := float64(len(groups)-1), float64(len(all)-len(groups))
	if free < 1 || rest < 1 || within <= 0 {
		return math.NaN()
	}
	return distuv.F{D1: free, D2: rest}.Survival(between / free / (within / rest))
}
