package compare

import (
	"math"
	"strings"
)

// sample is trials by arm, their times relative to the place that they ran in:
// what one place needs more than another is none of the arms' doing.
type sample struct {
	goal Goal
	arms []*armSample
	// adv are the pairs' advantages.
	adv   [][]advantage
	scale float64 // seconds, of a typical place
	// places counts the strata of one block.
	places int
	blocks int
	// seconds is what a trial of each arm took, failed ones included.
	seconds []float64
}

// armSample is one arm: times and losses in units of the place's own.
type armSample struct {
	name      string
	n, failed float64
	// times are by stratum, of the trials that became ready; strata are in the
	// order in which they were recorded.
	times              map[string]float64
	strata             []string
	mean               float64
	logMean, logSpread float64
	loss               float64
}

func (a *armSample) ready() float64 { return a.n - a.failed }

func newSample(trials []Trial, goal Goal) *sample {
	s := &sample{goal: goal}
	scales := placeScales(trials)
	index := map[string]int{}
	blocks := map[string]bool{}
	var lost, lostAll float64
	losses := map[int][]float64{}
	for _, t := range trials {
		i, known := index[t.Arm]
		if !known {
			i = len(s.arms)
			index[t.Arm] = i
			s.arms = append(s.arms, &armSample{name: t.Arm, times: map[string]float64{}})
			s.seconds = append(s.seconds, 0)
		}
		a, place := s.arms[i], strings.Join(t.Place, "\x00")
		scale := scales[place]
		blocks[t.Block] = true
		a.n++
		switch {
		case t.Ready && t.Seconds > 0:
			stratum := place + "\x01" + t.Block
			a.times[stratum], a.strata = t.Seconds/scale, append(a.strata, stratum)
			s.seconds[i] += t.Seconds
		case !t.Ready:
			a.failed++
			if t.Lost > 0 {
				losses[i] = append(losses[i], t.Lost/scale)
				lost += t.Lost / scale
				lostAll++
				s.seconds[i] += t.Lost
			}
		}
	}
	s.places, s.blocks, s.scale = len(scales), len(blocks), geometric(scales)
	typical := lost / lostAll
	for i, a := range s.arms {
		s.seconds[i] /= a.n
		a.summarise()
		a.loss = average(losses[i])
		if len(losses[i]) == 0 {
			a.loss = a.mean
			if typical > a.loss || math.IsNaN(a.loss) {
				a.loss = typical
			}
		}
	}
	s.adv = s.advantages()
	return s
}

func (a *armSample) summarise() {
	n := float64(len(a.times))
	for _, t := range a.times {
		a.mean += t / n
		a.logMean += math.Log(t) / n
	}
	for _, t := range a.times {
		a.logSpread += (math.Log(t) - a.logMean) * (math.Log(t) - a.logMean)
	}
	a.logSpread = math.Sqrt(a.logSpread / math.Max(1, n-1))
}

func geometric(scales map[string]float64) float64 {
	sum := 0.0
	for _, v := range scales {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(scales)))
}

// placeScales fits log time = place + arm by alternating means, and returns
// the places' part.
func placeScales(trials []Trial) map[string]float64 {
	place, arm := map[string]float64{}, map[string]float64{}
	type sum struct {
		total float64
		n     int
	}
	for range 30 {
		byPlace, byArm := map[string]*sum{}, map[string]*sum{}
		add := func(m map[string]*sum, key string, v float64) {
			if m[key] == nil {
				m[key] = &sum{}
			}
			m[key].total += v
			m[key].n++
		}
		for _, t := range trials {
			p := strings.Join(t.Place, "\x00")
			if byPlace[p] == nil {
				byPlace[p] = &sum{}
			}
			if t.Ready && t.Seconds > 0 {
				add(byPlace, p, math.Log(t.Seconds)-arm[t.Arm])
			}
		}
		for p, v := range byPlace {
			place[p] = 0
			if v.n > 0 {
				place[p] = v.total / float64(v.n)
			}
		}
		for _, t := range trials {
			if t.Ready && t.Seconds > 0 {
				add(byArm, t.Arm, math.Log(t.Seconds)-place[strings.Join(t.Place, "\x00")])
			}
		}
		mean := 0.0
		for _, v := range byArm {
			mean += v.total / float64(v.n) / float64(len(byArm))
		}
		for a, v := range byArm {
			arm[a] = v.total/float64(v.n) - mean
		}
	}
	scales := map[string]float64{}
	for p, v := range place {
		scales[p] = math.Exp(v)
	}
	return scales
}

// cost is the arm's expected cost at its own failure rate, in units of the
// place.
func (s *sample) cost(i int) float64 {
	a := s.arms[i]
	if a.ready() == 0 {
		return math.Inf(1)
	}
	return s.withRetries(a, math.Exp(s.location(a)), a.failed/a.n)
}

// next is the arm that Best[0] is compared with: the cheapest other one.
func (s *sample) next(c choice, allowed []int) int {
	next := -1
	for _, i := range allowed {
		if i != c.best[0] && (next < 0 || s.cost(i) < s.cost(next)) {
			next = i
		}
	}
	return next
}

// effect is how arm x's time compares with arm k's when both work, with its
// 95 % interval.
func (s *sample) effect(x, k int) Effect {
	v := s.adv[x][k]
	low, high := v.lower(s.goal.Alpha/2), -s.adv[k][x].lower(s.goal.Alpha/2)
	return Effect{Of: s.arms[x].name, Against: s.arms[k].name, Pairs: v.pairs,
		Change: math.Expm1(-v.log), Lower: math.Expm1(-high), Upper: math.Expm1(-low)}
}

func (s *sample) summary(i int) Arm {
	a := s.arms[i]
	out := Arm{Name: a.name, N: int(a.n), Failed: int(a.failed), Cost: s.cost(i) * s.scale, Lower: math.NaN(), Upper: math.NaN()}
	n := len(a.times)
	if n < 2 {
		return out
	}
	squares := 0.0
	for _, t := range a.times {
		squares += s.influence(a, t) * s.influence(a, t)
	}
	se := math.Sqrt(squares / float64(n-1) / float64(n))
	width := studentQuantile(float64(n-1), 0.975) * se
	time := math.Exp(s.location(a))
	out.Lower = s.scale * s.withRetries(a, time*math.Exp(-width), failureLower(int(a.failed), int(a.n), 0.025))
	out.Upper = s.scale * s.withRetries(a, time*math.Exp(width), a.failed/a.n)
	return out
}

// settle finds the fewest further blocks of the arms in question that are
// expected to end the decision, when the differences are what they look like.
func (s *sample) settle(c choice, allowed []int) *Settle {
	blocks := max(1, s.blocks)
	for more := 1; more <= 200; more++ {
		t := s.extended(float64(blocks+more) / float64(blocks))
		if t.choose(allowed, true).verdict != Undecided {
			out := &Settle{Blocks: more}
			for _, i := range c.best {
				out.Arms = append(out.Arms, s.arms[i].name)
				out.Seconds += s.seconds[i] * float64(more*s.places)
			}
			return out
		}
	}
	return nil
}

// extended is the sample as it would be after so many times the trials, if
// they repeat what was seen.
func (s *sample) extended(times float64) *sample {
	t := *s
	t.arms, t.adv = nil, make([][]advantage, len(s.adv))
	for i, a := range s.arms {
		b := *a
		b.n, b.failed = a.n*times, a.failed*times
		t.arms = append(t.arms, &b)
		for _, v := range s.adv[i] {
			v.pairs = int(float64(v.pairs) * times)
			v.freedom += float64(v.pairs) * (1 - 1/times)
			t.adv[i] = append(t.adv[i], v)
		}
	}
	return &t
}
