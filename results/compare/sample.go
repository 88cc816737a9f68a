package compare

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/results/stats"
)

// sample is trials by arm, their times relative to the place that they ran in:
// what one place needs more than another is none of the arms' doing.
type sample struct {
	goal   Goal
	margin float64 // of indifference, in logarithms
	arms   []*armSample
	// adv are the pairs' advantages.
	adv    [][]advantage
	scale  float64 // seconds, of a typical place; NaN where no place is
	places int
	blocks int
}

// armSample is one arm: times and losses in units of the place's own.
type armSample struct {
	name      string
	n, failed int
	// bad are the failed trials and the slow ones.
	bad int
	// times are by stratum, of the trials that became ready; strata are in
	// order.
	times  map[string]float64
	strata []string
	// location is the logarithm of the mean or quantile of the times.
	location           float64
	mean               float64
	logMean, logSpread float64
	loss               float64
	seconds            float64   // a trial's mean, failed ones included
	rates              []float64 // see risk
}

func (a *armSample) ready() int    { return len(a.times) }
func (a *armSample) time() float64 { return math.Exp(a.location) }

// stratum is what paired trials share.
func stratum(t Trial, nth int) string {
	return t.place + "\x01" + t.Block + "\x01" + strconv.Itoa(nth)
}

// ordered has the trials in an order that does not depend on the one in which
// they came. Trials of one arm, place and block stand in no particular order,
// so that the first of one arm is paired with any one of another.
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
	nth := 0
	for i := range trials {
		t := &trials[i]
		t.place = strings.Join(t.Place, "\x00")
		if nth++; i == 0 || t.Arm != trials[i-1].Arm || t.Block != trials[i-1].Block || t.place != trials[i-1].place {
			nth = 1
		}
		t.stratum = stratum(*t, nth)
	}
	return trials
}

// newSample takes trials that are ordered.
func newSample(trials []Trial, goal Goal) *sample {
	if goal.Indifference == 0 {
		goal.Indifference = DefaultIndifference
	}
	s := &sample{goal: goal, margin: math.Log1p(goal.Indifference)}
	scales := placeScales(trials)
	s.places, s.scale = len(scales), geometric(scales)
	if apart(trials) {
		s.scale = math.NaN()
	}
	index, blocks, counts := map[string]int{}, map[string]bool{}, map[string]int{}
	for _, t := range trials {
		counts[t.Arm]++
	}
	losses, seconds := map[int][]float64{}, map[int][]float64{}
	var allLosses []float64
	for _, t := range trials {
		i, known := index[t.Arm]
		if !known {
			i = len(s.arms)
			index[t.Arm] = i
			s.arms = append(s.arms, &armSample{name: t.Arm, times: make(map[string]float64, counts[t.Arm])})
		}
		a, scale := s.arms[i], scales[t.place]
		blocks[t.Block] = true
		a.n++
		switch {
		case t.Ready && t.Seconds > 0:
			a.times[t.stratum], a.strata = t.Seconds/scale, append(a.strata, t.stratum)
			seconds[i] = append(seconds[i], t.Seconds)
		case !t.Ready:
			a.failed++
			if t.Lost > 0 {
				losses[i] = append(losses[i], t.Lost/scale)
				seconds[i] = append(seconds[i], t.Lost)
			}
		}
	}
	s.blocks = len(blocks)
	for i, a := range s.arms {
		slow := a.takeSlow()
		a.bad = a.failed + len(slow)
		for _, lost := range slow {
			// A slow trial is not tried again.
			losses[i] = append(losses[i], lost*(1-float64(a.bad)/float64(a.n)))
		}
		allLosses = append(allLosses, losses[i]...)
		a.seconds = average(seconds[i])
		a.summarise(goal)
	}
	for i, a := range s.arms {
		switch {
		case len(losses[i]) > 0:
			a.loss = average(losses[i])
		case len(allLosses) > 0 && a.ready() > 0:
			a.loss = max(a.mean, average(allLosses))
		case len(allLosses) > 0:
			a.loss = average(allLosses)
		case a.ready() > 0:
			a.loss = a.mean
		default:
			a.loss = 1
		}
	}
	s.adv = s.advantages()
	return s
}

// A time is slow, and stands for another mode of the arm, where it is over
// slowFactor times the arm's median and slowSpreads robust standard deviations
// above it.
const slowFactor, slowSpreads = 1.5, 6.0

// takeSlow takes the slow times out and returns what they have lost. One slow
// trial in a few says as little of the mean and of a quantile as a failed one
// does: what counts is how often there is one, and that is estimated as the
// rate of failures is.
func (a *armSample) takeSlow() (slow []float64) {
	logs := make([]float64, 0, len(a.strata))
	for _, at := range a.strata {
		logs = append(logs, math.Log(a.times[at]))
	}
	if len(logs) < 4 {
		return nil
	}
	middle := stats.Median(logs)
	off := make([]float64, len(logs))
	for i, l := range logs {
		off[i] = math.Abs(l - middle)
	}
	limit := middle + max(math.Log(slowFactor), slowSpreads*1.4826*stats.Median(off))
	a.strata = slices.DeleteFunc(a.strata, func(at string) bool {
		t := a.times[at]
		if math.Log(t) <= limit {
			return false
		}
		slow = append(slow, t-math.Exp(middle))
		delete(a.times, at)
		return true
	})
	return slow
}

func (a *armSample) summarise(goal Goal) {
	n := float64(len(a.times))
	if n == 0 {
		return
	}
	for _, at := range a.strata {
		a.mean += a.times[at] / n
		a.logMean += math.Log(a.times[at]) / n
	}
	for _, at := range a.strata {
		e := math.Log(a.times[at]) - a.logMean
		a.logSpread += e * e
	}
	a.logSpread = math.Sqrt(a.logSpread / math.Max(1, n-1))
	a.location = math.Log(a.mean)
	if goal.Quantile > 0 {
		a.location = a.logMean + normalQuantile(goal.Quantile)*a.logSpread
	}
}

// influence is how much one time moves the location.
func (s *sample) influence(a *armSample, t float64) float64 {
	if s.goal.Quantile == 0 {
		return t/a.mean - 1
	}
	e := math.Log(t) - a.logMean
	if a.logSpread == 0 {
		return e
	}
	return e + normalQuantile(s.goal.Quantile)*(e*e-a.logSpread*a.logSpread)/(2*a.logSpread)
}

func geometric(scales map[string]float64) float64 {
	logs := make([]float64, 0, len(scales))
	for _, v := range scales {
		logs = append(logs, math.Log(v))
	}
	slices.Sort(logs)
	return math.Exp(average(logs))
}

// apart reports whether some arms share no place with the others, not even by way
// of a third arm: nothing tells then what an arm takes from what its places do.
func apart(trials []Trial) bool {
	arms, places := map[string]bool{trials[0].Arm: true}, map[string]bool{}
	for grew := true; grew; {
		grew = false
		for _, t := range trials {
			if arms[t.Arm] != places[t.place] {
				arms[t.Arm], places[t.place], grew = true, true, true
			}
		}
	}
	return slices.ContainsFunc(trials, func(t Trial) bool { return !arms[t.Arm] })
}

// placeScales fits log time = place + arm by alternating means, and returns
// the places' part in seconds.
func placeScales(trials []Trial) map[string]float64 {
	type cell struct{ place, arm string }
	type sum struct{ n, logs float64 }
	place, arm := map[string]float64{}, map[string]float64{}
	var order []cell
	cells := map[cell]*sum{}
	for _, t := range trials {
		at := cell{t.place, t.Arm}
		place[at.place] = 0
		if !t.Ready || !(t.Seconds > 0) {
			continue
		}
		if cells[at] == nil {
			cells[at], order = &sum{}, append(order, at)
		}
		cells[at].n++
		cells[at].logs += math.Log(t.Seconds)
	}
	means := func(of map[string]float64, key func(cell) string, rest func(cell) float64) {
		sums := map[string]sum{}
		for _, at := range order {
			s, c := sums[key(at)], cells[at]
			sums[key(at)] = sum{s.n + c.n, s.logs + c.logs - c.n*rest(at)}
		}
		for k, s := range sums {
			of[k] = s.logs / s.n
		}
	}
	placeOf := func(c cell) string { return c.place }
	armOf := func(c cell) string { return c.arm }
	for range 20 {
		means(place, placeOf, func(c cell) float64 { return arm[c.arm] })
		means(arm, armOf, func(c cell) float64 { return place[c.place] })
		all := average(slices.Sorted(maps.Values(arm)))
		for k := range arm {
			arm[k] -= all
		}
	}
	for p, v := range place {
		place[p] = math.Exp(v)
	}
	return place
}

// next is the arm that Best[0] is compared with.
func (s *sample) next(c choice) int {
	next, isBest := -1, true
	for i := range s.arms {
		if i == c.best[0] || slices.Contains(c.unfit, i) || s.arms[i].ready() == 0 {
			continue
		}
		best := slices.Contains(c.best, i)
		if next < 0 || isBest && !best || best == isBest && s.cost(i) < s.cost(next) {
			next, isBest = i, best
		}
	}
	return next
}

// effect is how what arm x costs compares with what arm k does: their paired
// times, and what failures cost each, with its rate anywhere in its exact
// interval.
func (s *sample) effect(x, k int) Effect {
	a, b, v := s.arms[x], s.arms[k], s.adv[x][k]
	low, high := v.lower(0.025), -s.adv[k][x].lower(0.025)
	e := Effect{Of: a.name, Against: b.name, Pairs: v.pairs}
	if v.pairs == 0 {
		e.Change, e.Lower, e.Upper = math.NaN(), math.NaN(), math.NaN()
		return e
	}
	e.Change = math.Expm1(-v.log + s.burden(a, a.badRate()) - s.burden(b, b.badRate()))
	lowA, highA := s.badInterval(a, a.bad+b.bad > 0)
	lowB, highB := s.badInterval(b, a.bad+b.bad > 0)
	e.Lower = math.Expm1(-high + s.burden(a, lowA) - s.burden(b, highB))
	e.Upper = math.Expm1(-low + s.burden(a, highA) - s.burden(b, lowB))
	return e
}

func (a *armSample) badRate() float64 { return float64(a.bad) / float64(a.n) }

// badInterval is the exact 95 % interval of the rate of failed and slow trials.
// It is 0 unless some were seen, of the arm or of the one that it is compared
// with. It ends at the highest rate that is accepted, or at the arm's own where
// that is higher: what a quantile is beyond, where failures reach it, is the cost
// of an arm that is not recommended.
func (s *sample) badInterval(a *armSample, seen bool) (low, high float64) {
	if !seen {
		return 0, 0
	}
	low, high = failureLower(a.bad, a.n, 0.025), failureUpper(a.bad, a.n, 0.025)
	if s.goal.MaxFailureRate > 0 {
		high = min(high, max(s.goal.MaxFailureRate, a.badRate()))
	}
	return low, high
}

// summary has the arm's own spread only: an erratic arm does not widen what is
// known of a steady one.
func (s *sample) summary(i int) Arm {
	a := s.arms[i]
	out := Arm{Name: a.name, N: a.n, Failed: a.failed, Slow: a.bad - a.failed, Cost: s.cost(i) * s.scale, Lower: math.NaN(), Upper: math.NaN()}
	n := float64(a.ready())
	if n < 2 {
		return out
	}
	squares := 0.0
	for _, at := range a.strata {
		squares += s.influence(a, a.times[at]) * s.influence(a, a.times[at])
	}
	width := studentQuantile(n-1, 0.975) * math.Sqrt(squares/(n-1)/n)
	low, high := s.badInterval(a, a.bad > 0)
	out.Lower = s.scale * math.Exp(a.location-width+s.burden(a, low))
	out.Upper = s.scale * math.Exp(a.location+width+s.burden(a, high))
	return out
}

// mostBlocks is how many more blocks anybody would run.
const mostBlocks = 256

// settle finds the fewest further blocks of the arms in question that are
// expected to end the decision.
func (s *sample) settle(c choice) *Settle {
	blocks := max(1, s.blocks)
	ends := func(more int) bool {
		return s.extended(float64(blocks+more)/float64(blocks)).choose(true).verdict != Undecided
	}
	low, high := 0, 1
	for !ends(high) {
		if low, high = high, 2*high; high > mostBlocks {
			return nil
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; ends(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	out := &Settle{Blocks: high}
	for _, i := range c.best {
		out.Arms = append(out.Arms, s.arms[i].name)
		if t := s.arms[i].seconds; t > 0 {
			out.Seconds += t * float64(high*s.places)
		}
	}
	return out
}

// extended is the sample as it would be after so many times the trials, if
// they repeat what was seen.
func (s *sample) extended(times float64) *sample {
	t := *s
	t.arms, t.adv = nil, make([][]advantage, len(s.adv))
	for i, a := range s.arms {
		b := *a
		grow := func(n int) int { return int(math.Round(float64(n) * times)) }
		b.n, b.failed, b.bad, b.rates = grow(a.n), grow(a.failed), grow(a.bad), nil
		t.arms = append(t.arms, &b)
		for _, v := range s.adv[i] {
			more := float64(v.pairs) * (times - 1)
			v.pairs, v.freedom = v.pairs+int(more), v.freedom+math.Floor(more)
			t.adv[i] = append(t.adv[i], v)
		}
	}
	return &t
}

func average(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
