package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// SpreadPrior is what is held of the standard deviation of log times before
// they are seen: half-Cauchy around Scale, times the evidence of other samples
// that are taken to vary alike, of Freedom degrees with the sum of Squares.
// Unlike the usual inverse χ² it does not widen what is steady.
//
// Gelman, Bayesian Analysis 1 (2006) 515.
type SpreadPrior struct{ Scale, Freedom, Squares float64 }

// WeakSpread expects times within a factor of about 1.6, and gives way to the
// second or third trial.
var WeakSpread = SpreadPrior{Scale: 0.5}

func (s SpreadPrior) check() error {
	for _, x := range []float64{s.Scale, s.Freedom, s.Squares} {
		if !(x >= 0) || math.IsInf(x, 1) {
			return invalid("spread %+v", s)
		}
	}
	if s.Scale == 0 {
		return invalid("a spread without a scale is no proper prior")
	}
	return nil
}

// Bounds of the standard deviation of log times: no set-ups are known to be
// alike within half a percent, and without an upper one a mean has no
// expectation.
const (
	steadiest    = 0.005
	widestScales = 2.5
	widestSeen   = 3
)

// LogSpread is the evidence of a sample on the variance of its log times:
// degrees of freedom and sum of squares.
func LogSpread(times []float64) (freedom, squares float64) {
	if len(times) < 2 {
		return 0, 0
	}
	freedom = float64(len(times) - 1)
	return freedom, freedom * logVariance(times)
}

// logVariance is the variance of the logs of a log-normal variable with the
// mean and variance seen: finite also where a time is 0.
func logVariance(xs []float64) float64 {
	center, variance := stat.MeanVariance(xs, nil)
	if center == 0 {
		return 0
	}
	return math.Log1p(variance / (center * center))
}

// TimePosterior is what a sample of times says of their mean and of the next
// time, under a log-normal model with its own, uncertain spread: also one
// time, whose spread is then the prior's, has both.
//
// Means are drawn around the sample's mean by exp(σz/√n + (σ²−s²)/2): the
// posterior of a log-normal mean (Zellner, An Introduction to Bayesian
// Inference in Econometrics (1971) §8.2) with the sample's moments in place of
// its logs', so that it also holds for large samples of other shapes.
type TimePosterior struct {
	times          []float64
	center, spread float64 // of the sample
	// deviations are those possible of log times, cumulative their posterior.
	deviations, cumulative []float64
}

// NewTimePosterior takes times and the prior of their spread; without a time
// every draw is 0.
func NewTimePosterior(times []float64, prior SpreadPrior) (TimePosterior, error) {
	if err := checkTimes("times", times, false); err != nil {
		return TimePosterior{}, err
	}
	if err := prior.check(); err != nil {
		return TimePosterior{}, err
	}
	p := TimePosterior{times: times}
	if len(times) == 0 {
		return p, nil
	}
	p.center = mean(times)
	freedom, squares := LogSpread(times)
	if freedom > 0 {
		p.spread = squares / freedom
	}
	p.deviate(prior, prior.Freedom+freedom, prior.Squares+squares)
	return p, nil
}

// deviate works out the posterior of the standard deviation of log times.
func (p *TimePosterior) deviate(prior SpreadPrior, freedom, squares float64) {
	low := min(steadiest, prior.Scale)
	high := max(2*low, widestScales*prior.Scale, widestSeen*math.Sqrt(p.spread), widestSeen*math.Sqrt(prior.Squares/max(1, prior.Freedom)))
	logDensity := func(s float64) float64 {
		return (1-freedom)*math.Log(s) - squares/(2*s*s) - math.Log1p(s*s/(prior.Scale*prior.Scale))
	}
	for range grids {
		low, high = p.lay(low, high, logDensity)
	}
	total := 0.0
	for i, log := range p.cumulative {
		total += math.Exp(log)
		p.cumulative[i] = total
	}
}

// A grid is laid again where the weight of the one before lies, so that it is
// fine enough also for many times, whose posterior is narrow.
const (
	grids      = 3
	gridSteps  = 240
	negligible = -25 // log density under the highest
)

// lay takes deviations evenly in their logs, with the log of their density
// against the highest, and returns the ends of what is not negligible.
func (p *TimePosterior) lay(low, high float64, logDensity func(float64) float64) (from, to float64) {
	p.deviations, p.cumulative = make([]float64, gridSteps), make([]float64, gridSteps)
	for i := range p.deviations {
		p.deviations[i] = low * math.Pow(high/low, float64(i)/(gridSteps-1))
		p.cumulative[i] = logDensity(p.deviations[i])
	}
	highest := slices.Max(p.cumulative)
	first, last := gridSteps-1, 0
	for i := range p.cumulative {
		p.cumulative[i] -= highest
		if p.cumulative[i] > negligible {
			first, last = min(first, i), i
		}
	}
	return p.deviations[max(0, first-1)], p.deviations[min(gridSteps-1, last+1)]
}

// deviation draws the standard deviation of log times.
func (p TimePosterior) deviation(random *rand.Rand) float64 {
	i, _ := slices.BinarySearch(p.cumulative, random.Float64()*p.cumulative[gridSteps-1])
	return p.deviations[min(i, gridSteps-1)]
}

// TimeDraw is one draw of what times may be like.
type TimeDraw struct {
	Mean float64
	of   TimePosterior
	// more is the standard deviation of log times that the sample's own values
	// lack, and scale what moves them to the drawn mean.
	more, scale float64
}

// Draw draws the mean, and with it the distribution, of times.
func (p TimePosterior) Draw(random *rand.Rand) TimeDraw {
	if len(p.times) == 0 {
		return TimeDraw{of: p}
	}
	n, s := float64(len(p.times)), p.deviation(random)
	variance := s * s
	shift := random.NormFloat64() * s / math.Sqrt(n)
	if n > 1 {
		shift += (variance - p.spread) / 2
	}
	more := max(0, variance-p.spread*(n-1)/n)
	return TimeDraw{Mean: p.center * math.Exp(shift), of: p, more: math.Sqrt(more), scale: math.Exp(shift - more/2)}
}

// Next draws a further time: one of the sample's, moved with the drawn mean and
// spread by what the sample is too small to show.
func (d TimeDraw) Next(random *rand.Rand) float64 {
	if len(d.of.times) == 0 {
		return 0
	}
	x := d.of.times[random.IntN(len(d.of.times))] * d.scale
	if d.more > 0 {
		x *= math.Exp(d.more * random.NormFloat64())
	}
	return x
}
