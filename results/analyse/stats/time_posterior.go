package stats

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// SpreadPrior is what is held of the variance of log times before they are
// seen: a scaled inverse χ² around Variance, worth Freedom degrees.
type SpreadPrior struct{ Freedom, Variance float64 }

// WeakSpread expects times within a factor of 1.5 (a log standard deviation of
// 0.4), and gives way to the second trial.
var WeakSpread = SpreadPrior{1, 0.16}

func (s SpreadPrior) check() error {
	if !(s.Freedom > 0 && s.Variance > 0) || math.IsInf(s.Freedom, 1) || math.IsInf(s.Variance, 1) {
		return invalid("a spread of %v with %v degrees of freedom is no proper prior", s.Variance, s.Freedom)
	}
	return nil
}

// Pooled is the prior for one sample after others with a spread of their own,
// taken to be alike: their variance of log times, worth no more than most
// degrees of freedom, since they need not be quite alike. seen is what the
// samples themselves are worth.
func (s SpreadPrior) Pooled(samples [][]float64, most float64) (pooled SpreadPrior, seen float64) {
	squares := s.Freedom * s.Variance
	for _, x := range samples {
		if n := float64(len(x)); n > 1 {
			squares += (n - 1) * logVariance(x)
			seen += n - 1
		}
	}
	all := s.Freedom + seen
	return SpreadPrior{min(all, max(most, s.Freedom)), squares / all}, seen
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
	squares, df    float64 // of the posterior of σ²
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
	p := TimePosterior{times: times, squares: prior.Freedom * prior.Variance, df: prior.Freedom}
	if n := float64(len(times)); n > 0 {
		p.center = mean(times)
		p.df += n - 1
		if n > 1 {
			p.spread = logVariance(times)
			p.squares += (n - 1) * p.spread
		}
	}
	return p, nil
}

// widest bounds draws of σ², which without a bound have no mean: a standard
// deviation of 1, or twice the one estimated.
func (p TimePosterior) widest() float64 { return max(1, 4*p.squares/p.df) }

// TimeDraw is one draw of what times may be like.
type TimeDraw struct {
	Mean float64
	of   TimePosterior
	// more is the variance of log times that the sample's own values lack.
	more float64
}

// Draw draws the mean, and with it the distribution, of times.
func (p TimePosterior) Draw(random *rand.Rand) TimeDraw {
	if len(p.times) == 0 {
		return TimeDraw{of: p}
	}
	n := float64(len(p.times))
	chi := distuv.ChiSquared{K: p.df, Src: random}.Rand()
	variance := min(p.squares/chi, p.widest())
	shift := random.NormFloat64() * math.Sqrt(variance/n)
	if n > 1 {
		shift += (variance - p.spread) / 2
	}
	return TimeDraw{Mean: p.center * math.Exp(shift), of: p, more: max(0, variance-p.spread*(n-1)/n)}
}

// Next draws a further time: one of the sample's, moved with the drawn mean and
// spread by what the sample is too small to show.
func (d TimeDraw) Next(random *rand.Rand) float64 {
	if len(d.of.times) == 0 || d.of.center == 0 {
		return 0
	}
	x := d.of.times[random.IntN(len(d.of.times))] * d.Mean / d.of.center
	if d.more > 0 {
		x *= math.Exp(math.Sqrt(d.more)*random.NormFloat64() - d.more/2)
	}
	return x
}
