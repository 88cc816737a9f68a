package stats

import (
	"math"
	"slices"
)

// Survival is a Kaplan–Meier curve: the share not yet ready after each time
// at which a trial had the event or was cut off.
type Survival []SurvivalStep

// SurvivalStep is the curve from Time on.
type SurvivalStep struct {
	Time                     float64
	AtRisk, Events, Censored int
	Survival                 float64
	StdErr                   float64 // Greenwood; 0 where Survival is 0
}

// KaplanMeier estimates the curve from one time a trial and whether the event
// was seen then; the others were cut off at their time, and a cut-off must
// have nothing to do with the event. A crash is not a cut-off: give it time
// +Inf without event to count it as never ready, or use CumulativeIncidence.
//
// Kaplan & Meier, JASA 53 (1958) 457.
func KaplanMeier(times []float64, event []bool) (Survival, error) {
	if err := checkSurvival(times, event); err != nil {
		return nil, err
	}
	var curve Survival
	survival, greenwood := 1.0, 0.0
	for _, m := range moments(times, func(i int) int { return index(event[i]) }, 1) {
		n, d := float64(m.atRisk), float64(m.events[1])
		survival *= 1 - d/n
		if n > d {
			greenwood += d / (n * (n - d))
		}
		curve = append(curve, SurvivalStep{m.time, m.atRisk, m.events[1], m.events[0], survival, survival * math.Sqrt(greenwood)})
	}
	return curve, nil
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func checkSurvival(times []float64, event []bool) error {
	if len(times) == 0 || len(times) != len(event) {
		return invalid("%d times and %d events", len(times), len(event))
	}
	for i, e := range event {
		if e && math.IsInf(times[i], 1) {
			return invalid("times[%d] is %v with an event", i, times[i])
		}
	}
	return checkTimes("times", times, true)
}

// moment is one distinct finite time: who was still under observation before
// it, and how many left at it, by reason.
type moment struct {
	time   float64
	atRisk int
	events []int // 0 is cut off
}

func moments(times []float64, reason func(i int) int, reasons int) []moment {
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(times[i], times[j]) })
	var all []moment
	for at, i := range order {
		if math.IsInf(times[i], 1) {
			break
		}
		if len(all) == 0 || all[len(all)-1].time != times[i] {
			all = append(all, moment{times[i], len(times) - at, make([]int, reasons+1)})
		}
		all[len(all)-1].events[reason(i)]++
	}
	return all
}

// at returns the step in force at time t, false before the first.
func (s Survival) at(t float64) (SurvivalStep, bool) {
	i, found := slices.BinarySearchFunc(s, t, func(x SurvivalStep, t float64) int { return compare(x.Time, t) })
	if found {
		i++
	}
	if i == 0 {
		return SurvivalStep{Survival: 1}, false
	}
	return s[i-1], true
}

// At is the estimated probability that the event comes after t.
func (s Survival) At(t float64) float64 {
	step, _ := s.at(t)
	return step.Survival
}

// Interval is the pointwise interval for At(t) on the log scale, cut at 1: R's
// default. It is [0, 1] where the curve is 0, since the method says nothing
// there.
func (s Survival) Interval(t, conf float64) (Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	step, _ := s.at(t)
	return step.interval(twoSidedZ(conf)), nil
}

func (x SurvivalStep) interval(z float64) Interval {
	if x.Survival == 0 {
		return Interval{0, 1}
	}
	width := z * x.StdErr / x.Survival
	return Interval{x.Survival * math.Exp(-width), min(1, x.Survival*math.Exp(width))}
}

// SurvivalQuantile is a time by which a share of the trials had the event,
// with R's convention of the midpoint where the curve is flat at the share.
// It is +Inf, as are ends of the interval, where the curve does not get there.
type SurvivalQuantile struct {
	Time float64
	CI   Interval
}

// Quantile is the time by which the share p, 0 < p < 1, had the event, with
// the interval that the pointwise intervals of the curve leave (Brookmeyer &
// Crowley, Biometrics 38 (1982) 29).
func (s Survival) Quantile(p, conf float64) (SurvivalQuantile, error) {
	if err := checkLevel("quantile", p); err != nil {
		return SurvivalQuantile{}, err
	}
	if err := checkConfidence(conf); err != nil {
		return SurvivalQuantile{}, err
	}
	z := twoSidedZ(conf)
	reach := func(height func(SurvivalStep) float64) float64 { return s.crossing(1-p, height) }
	return SurvivalQuantile{
		Time: reach(func(x SurvivalStep) float64 { return x.Survival }),
		CI: Interval{
			reach(func(x SurvivalStep) float64 { return x.interval(z).Lower }),
			reach(func(x SurvivalStep) float64 { return x.interval(z).Upper }),
		},
	}, nil
}

// crossing is the first time at which height is under level, or the middle of
// the flat stretch where it equals it.
func (s Survival) crossing(level float64, height func(SurvivalStep) float64) float64 {
	const same = 1e-12
	for i, x := range s {
		h := height(x)
		if h > level+same {
			continue
		}
		if math.Abs(h-level) <= same {
			for _, next := range s[i+1:] {
				if height(next) < level-same {
					return (x.Time + next.Time) / 2
				}
			}
		}
		return x.Time
	}
	return math.Inf(1)
}
