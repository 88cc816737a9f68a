package compare

import (
	"cmp"
	"hash/fnv"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// sample is trials by arm, with times relative to their place's.
type sample struct {
	goal   Goal
	margin float64 // of indifference, in logarithms
	arms   []*armSample
	adv    [][]advantage // of each pair
	scale  float64       // seconds, of a typical place; NaN where no place is
	places int
	blocks int
}

// armSample is one arm: times and losses in units of the place's own.
type armSample struct {
	name      string
	n, failed int
	bad       int     // failed or slow
	times     []timed // of the trials that became ready and were not slow, by stratum
	slow      []timed
	// location is the logarithm of the mean or quantile of the times.
	location           float64
	mean               float64
	logMean, logSpread float64
	losses             []float64
	loss               float64
	spent              []float64           // seconds, of trials that failed too
	rates              [][]float64         // to try the arm's failures at, see risk
	at                 []map[string]counts // by factor of the places and level
}

// counts are of trials; bad ones failed or were slow.
type counts struct{ n, failed, bad int }

// count adds to what is counted at each level of a place.
func (a *armSample) count(place []string, more counts) {
	for i, level := range place {
		if len(a.at) == i {
			a.at = append(a.at, map[string]counts{})
		}
		c := a.at[i][level]
		a.at[i][level] = counts{c.n + more.n, c.failed + more.failed, c.bad + more.bad}
	}
}

// timed is the time of a trial that became ready.
type timed struct {
	stratum int
	place   []string
	value   float64
	// influence is how much it moves the arm's location.
	influence float64
}

func (a *armSample) time() float64 { return math.Exp(a.location) }

// pairs are the times of two arms in the same stratum.
func pairs(a, b *armSample) iter.Seq2[timed, timed] {
	return func(yield func(timed, timed) bool) {
		k := 0
		for _, t := range a.times {
			for k < len(b.times) && b.times[k].stratum < t.stratum {
				k++
			}
			if k < len(b.times) && b.times[k].stratum == t.stratum && !yield(t, b.times[k]) {
				return
			}
		}
	}
}

// ordered returns the trials in an order that does not depend on the one in which
// they came, and numbers them. Trials of one arm, place and block come in an
// arbitrary order, so that the first of one arm is paired with any one of another.
func ordered(trials []Trial) []Trial {
	mixed := func(t Trial) uint64 {
		h := fnv.New64a()
		h.Write([]byte(t.Arm + strconv.FormatFloat(t.Seconds, 'g', -1, 64) + strconv.FormatFloat(t.Lost, 'g', -1, 64)))
		return h.Sum64()
	}
	trials = slices.Clone(trials)
	slices.SortFunc(trials, func(a, b Trial) int {
		if c := cmp.Or(slices.Compare(a.Place, b.Place), cmp.Compare(a.Block, b.Block), cmp.Compare(a.Arm, b.Arm)); c != 0 {
			return c
		}
		return cmp.Compare(mixed(a), mixed(b))
	})
	arms := map[string]int{}
	place, first, next := 0, 0, 0 // first stratum of the block, and of the next one
	for i := range trials {
		t := &trials[i]
		if _, known := arms[t.Arm]; !known {
			arms[t.Arm] = len(arms)
		}
		t.stratum = first
		if i > 0 {
			before := trials[i-1]
			moved := !slices.Equal(t.Place, before.Place)
			if moved {
				place++
			}
			switch {
			case moved || t.Block != before.Block:
				first = next
				t.stratum = first
			case t.Arm == before.Arm:
				t.stratum = before.stratum + 1
			}
		}
		t.place, t.arm, next = place, arms[t.Arm], max(next, t.stratum+1)
	}
	return trials
}

// newSample takes trials that are ordered.
func newSample(trials []Trial, goal Goal) *sample {
	goal.Indifference = cmp.Or(goal.Indifference, DefaultIndifference)
	s := &sample{goal: goal, margin: math.Log1p(goal.Indifference)}
	scales := placeScales(trials)
	s.places, s.scale = len(scales), stat.GeometricMean(slices.Sorted(maps.Values(scales)), nil)
	if apart(trials) {
		s.scale = math.NaN()
	}
	known, blocks := map[int]*armSample{}, map[string]bool{}
	for _, t := range trials {
		a, scale := known[t.arm], scales[t.place]
		if a == nil {
			a = &armSample{name: t.Arm}
			known[t.arm], s.arms = a, append(s.arms, a)
		}
		blocks[t.Block] = true
		a.n++
		a.count(t.Place, counts{n: 1})
		switch {
		case t.Ready && t.Seconds > 0:
			a.times = append(a.times, timed{t.stratum, t.Place, t.Seconds / scale, 0})
			a.spent = append(a.spent, t.Seconds)
		case !t.Ready:
			a.failed++
			a.count(t.Place, counts{failed: 1, bad: 1})
			if t.Lost > 0 {
				a.losses, a.spent = append(a.losses, t.Lost/scale), append(a.spent, t.Lost)
			}
		}
	}
	s.blocks = len(blocks)
	var losses []float64
	for _, a := range s.arms {
		median := a.takeSlow()
		a.bad = a.failed + len(a.slow)
		for _, t := range a.slow {
			a.count(t.place, counts{bad: 1})
			// A slow trial is not tried again.
			a.losses = append(a.losses, (t.value-median)*(1-a.badRate()))
		}
		losses = append(losses, a.losses...)
		a.summarise(goal)
	}
	for _, a := range s.arms {
		switch {
		case len(a.losses) > 0:
			a.loss = stat.Mean(a.losses, nil)
		case len(losses) > 0:
			a.loss = max(a.mean, stat.Mean(losses, nil))
		default:
			a.loss = cmp.Or(a.mean, 1)
		}
	}
	s.adv = s.advantages()
	return s
}

func (a *armSample) badRate() float64 { return float64(a.bad) / float64(a.n) }

// A time is slow, and belongs to another mode of the arm, where it is over
// slowFactor times the arm's median and slowSpreads robust standard deviations
// above it.
const slowFactor, slowSpreads = 1.5, 6.0

// takeSlow sets the slow times apart and returns the median of all. One slow trial in
// a few says as little about a mean or a quantile as a failed one does: what counts
// is how often there is one, and that is estimated as the rate of failures is.
func (a *armSample) takeSlow() (median float64) {
	if len(a.times) < 4 {
		return math.NaN()
	}
	logs := a.logs()
	middle := stats.Median(logs)
	for i, l := range logs {
		logs[i] = math.Abs(l - middle)
	}
	limit := middle + max(math.Log(slowFactor), slowSpreads*1.4826*stats.Median(logs))
	a.times = slices.DeleteFunc(a.times, func(t timed) bool {
		slow := math.Log(t.value) > limit
		if slow {
			a.slow = append(a.slow, t)
		}
		return slow
	})
	return math.Exp(middle)
}

func (a *armSample) logs() []float64 {
	logs := make([]float64, len(a.times))
	for i, t := range a.times {
		logs[i] = math.Log(t.value)
	}
	return logs
}

func (a *armSample) summarise(goal Goal) {
	n := float64(len(a.times))
	if n == 0 {
		return
	}
	for _, t := range a.times {
		a.mean += t.value / n
	}
	logs := a.logs()
	a.logMean, a.logSpread = meanSpread(logs)
	z := distuv.UnitNormal.Quantile(goal.Quantile)
	if a.location = math.Log(a.mean); goal.Quantile > 0 {
		a.location = a.logMean + z*a.logSpread
	}
	for i := range a.times {
		t, e := &a.times[i], logs[i]-a.logMean
		switch {
		case goal.Quantile == 0:
			t.influence = t.value/a.mean - 1
		case a.logSpread == 0:
			t.influence = e
		default:
			t.influence = e + z*(e*e-a.logSpread*a.logSpread)/(2*a.logSpread)
		}
	}
}

// meanSpread is the mean and the standard deviation, which is 0 for one value.
func meanSpread(values []float64) (mean, spread float64) {
	if mean, spread = stat.MeanStdDev(values, nil); len(values) == 1 {
		spread = 0
	}
	return mean, spread
}

// apart reports whether some arms share no place with the others, not even by way
// of a third arm: an arm's part in the times cannot be told from its places' then.
func apart(trials []Trial) bool {
	arms, places := map[int]bool{trials[0].arm: true}, map[int]bool{}
	for grew := true; grew; {
		grew = false
		for _, t := range trials {
			if arms[t.arm] != places[t.place] {
				arms[t.arm], places[t.place], grew = true, true, true
			}
		}
	}
	return slices.ContainsFunc(trials, func(t Trial) bool { return !arms[t.arm] })
}

// placeScales fits log time = place + arm by alternating means, and returns
// the places' part in seconds. A place where nothing became ready is taken for a
// typical one of the others.
func placeScales(trials []Trial) map[int]float64 {
	type sum struct{ n, logs float64 }
	const places, arms = 0, 1
	parts := [2]map[int]float64{{}, {}}
	var order [][2]int
	cells := map[[2]int]sum{}
	for _, t := range trials {
		parts[places][t.place] = 0
		if !t.Ready || !(t.Seconds > 0) {
			continue
		}
		at := [2]int{t.place, t.arm}
		c, seen := cells[at]
		if !seen {
			order = append(order, at)
		}
		cells[at] = sum{c.n + 1, c.logs + math.Log(t.Seconds)}
	}
	for range 20 {
		for part, of := range parts {
			sums := map[int]sum{}
			for _, at := range order {
				s, c := sums[at[part]], cells[at]
				sums[at[part]] = sum{s.n + c.n, s.logs + c.logs - c.n*parts[1-part][at[1-part]]}
			}
			for k, s := range sums {
				of[k] = s.logs / s.n
			}
		}
		all := stat.Mean(slices.Sorted(maps.Values(parts[arms])), nil)
		for k := range parts[arms] {
			parts[arms][k] -= all
		}
	}
	var known []float64
	reached := map[int]bool{}
	for _, at := range order {
		if p := at[places]; !reached[p] {
			reached[p], known = true, append(known, parts[places][p])
		}
	}
	typical := 0.0
	if len(known) > 0 {
		typical = stat.Mean(known, nil)
	}
	for p, v := range parts[places] {
		if !reached[p] {
			v = typical
		}
		parts[places][p] = math.Exp(v)
	}
	return parts[places]
}

// next is the cheapest arm that ran beside Best[0], one that is not best if any.
func (s *sample) next(c choice) int {
	next, isBest := -1, true
	for i := range s.arms {
		if i == c.best[0] || slices.Contains(c.unfit, i) || s.adv[c.best[0]][i].pairs == 0 {
			continue
		}
		best := slices.Contains(c.best, i)
		if next < 0 || isBest && !best || best == isBest && s.cost(i) < s.cost(next) {
			next, isBest = i, best
		}
	}
	return next
}

// effect compares the cost of arm x with that of arm k: by their paired times,
// and by the cost of failures, each rate anywhere in its exact interval.
func (s *sample) effect(x, k int) Effect {
	a, b, v := s.arms[x], s.arms[k], s.adv[x][k]
	e := Effect{Of: a.name, Against: b.name, Change: math.NaN(), Lower: math.NaN(), Upper: math.NaN()}
	if v.pairs == 0 {
		return e
	}
	e.Change = math.Expm1(-v.log + s.burden(a, a.badRate()) - s.burden(b, b.badRate()))
	ratesA, ratesB := s.badInterval(a, a.bad+b.bad > 0), s.badInterval(b, a.bad+b.bad > 0)
	e.Lower = math.Expm1(s.adv[k][x].lower(0.025) + s.burden(a, ratesA.Lower) - s.burden(b, ratesB.Upper))
	e.Upper = math.Expm1(-v.lower(0.025) + s.burden(a, ratesA.Upper) - s.burden(b, ratesB.Lower))
	return e
}

// badInterval is the exact 95 % interval of the rate of failed and slow trials.
// It is 0 unless the arm, or the one that it is compared with, had some. It ends
// at the highest rate that is accepted, or at the arm's own where that is higher:
// beyond it failures reach the quantile, and such an arm is not recommended.
func (s *sample) badInterval(a *armSample, seen bool) stats.Interval {
	if !seen {
		return stats.Interval{}
	}
	rates := a.badBounds(0.025)
	if s.goal.MaxFailureRate > 0 {
		rates.Upper = min(rates.Upper, max(s.goal.MaxFailureRate, a.badRate()))
	}
	return rates
}

// summary rests on the arm's own spread: an erratic one does not widen a steady one's.
func (s *sample) summary(i int) Arm {
	a := s.arms[i]
	out := Arm{Name: a.name, N: a.n, Failed: a.failed, Slow: a.bad - a.failed, Cost: s.cost(i) * s.scale, Lower: math.NaN(), Upper: math.NaN()}
	n := float64(len(a.times))
	if n < 2 {
		return out
	}
	squares := 0.0
	for _, t := range a.times {
		squares += t.influence * t.influence
	}
	width := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * math.Sqrt(squares/(n-1)/n)
	rates := s.badInterval(a, a.bad > 0)
	out.Lower = s.scale * math.Exp(a.location-width+s.burden(a, rates.Lower))
	out.Upper = s.scale * math.Exp(a.location+width+s.burden(a, rates.Upper))
	return out
}

// mostBlocks is how many more blocks anybody would run.
const mostBlocks = 256

// settle is the fewest further blocks that are expected to end the decision.
func (s *sample) settle(c choice, slower []string) *Settle {
	blocks := max(1, s.blocks)
	more := stats.Fewest(mostBlocks, func(more int) bool {
		return s.extended(float64(blocks+more)/float64(blocks)).choose(true).verdict != Undecided
	})
	if more == 0 {
		return nil
	}
	out := &Settle{Blocks: more}
	needed := slices.DeleteFunc(slices.Clone(c.best), func(i int) bool { return slices.Contains(slower, s.arms[i].name) })
	if len(needed) == 0 { // all are slower than one that fails too often
		needed = c.best
	}
	for _, i := range needed {
		out.Arms = append(out.Arms, s.arms[i].name)
		if t := stat.Mean(s.arms[i].spent, nil); t > 0 {
			out.Seconds += t * float64(out.Blocks*s.places)
		}
	}
	return out
}

// extended is the sample with so many times the trials, if they repeat what was seen.
func (s *sample) extended(times float64) *sample {
	t := *s
	t.arms, t.adv = nil, make([][]advantage, len(s.adv))
	for i, a := range s.arms {
		b := *a
		grow := func(n int) int { return int(math.Round(float64(n) * times)) }
		b.n, b.failed, b.bad, b.rates = grow(a.n), grow(a.failed), grow(a.bad), nil
		b.at = nil
		for _, at := range a.at {
			grown := map[string]counts{}
			for level, c := range at {
				grown[level] = counts{grow(c.n), grow(c.failed), grow(c.bad)}
			}
			b.at = append(b.at, grown)
		}
		t.arms = append(t.arms, &b)
		for _, v := range s.adv[i] {
			more := float64(v.pairs) * (times - 1)
			v.pairs, v.freedom = v.pairs+int(more), v.freedom+math.Floor(more)
			t.adv[i] = append(t.adv[i], v)
		}
	}
	return &t
}
