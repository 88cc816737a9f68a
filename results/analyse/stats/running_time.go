package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Attempts is what one strategy cost, in one unit of time: the set-up times of
// the trials that got ready, and for each failed one the time until it was
// noticed plus the recovery.
type Attempts struct{ Ready, Lost []float64 }

func (a Attempts) check() error {
	if len(a.Ready)+len(a.Lost) == 0 {
		return invalid("no trials")
	}
	if err := checkTimes("ready", a.Ready, false); err != nil {
		return err
	}
	return checkTimes("lost", a.Lost, false)
}

// ExpectedRunningTime is the mean time until ready when every failure is
// followed by another attempt: all time spent over the number of successes.
// Without a success it is +Inf, and ExpectedRunningTimeFloor has a bound.
//
// Auger & Hansen, CEC 2005, 1777.
func ExpectedRunningTime(a Attempts) (float64, error) {
	if err := a.check(); err != nil {
		return 0, err
	}
	return a.expected(), nil
}

func (a Attempts) expected() float64 {
	if len(a.Ready) == 0 {
		return math.Inf(1)
	}
	return (sum(a.Ready) + sum(a.Lost)) / float64(len(a.Ready))
}

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

// ExpectedRunningTimeFloor is a lower bound for the expected time after only
// failures: with confidence conf the success rate is at most u, so that on
// average at least (1−u)/u failures of the mean loss seen come first. The
// time of the success itself is not in it.
func ExpectedRunningTimeFloor(lost []float64, conf float64) (float64, error) {
	if err := (Attempts{Lost: lost}).check(); err != nil {
		return 0, err
	}
	u, err := ClopperPearsonUpper(0, len(lost), conf)
	if err != nil {
		return 0, err
	}
	return (1 - u) / u * mean(lost), nil
}

// BootstrapRunningTime is the percentile interval of the expected running
// time over draws resamplings of the trials, failures and successes together.
// The upper end is +Inf where that share of resamplings has no success. With
// no failure, or nothing else, resampling cannot see the other outcome: that
// is an error, and RunningTimePosterior the answer.
//
// Efron, Annals of Statistics 7 (1979) 1.
func BootstrapRunningTime(a Attempts, conf float64, draws int, seed uint64) (Interval, error) {
	if err := a.check(); err != nil {
		return Interval{}, err
	}
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	if len(a.Ready) == 0 || len(a.Lost) == 0 {
		return Interval{}, invalid("%d successes and %d failures leave a bootstrap of rates nothing to vary", len(a.Ready), len(a.Lost))
	}
	if draws < 100 {
		return Interval{}, invalid("%d resamplings are too few for an interval", draws)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, draws)
	for i := range values {
		values[i] = a.resampled(random)
	}
	slices.Sort(values)
	return Interval{quantile(values, (1-conf)/2), quantile(values, (1+conf)/2)}, nil
}

func (a Attempts) resampled(random *rand.Rand) float64 {
	var spent float64
	var ready int
	for range len(a.Ready) + len(a.Lost) {
		i := random.IntN(len(a.Ready) + len(a.Lost))
		if i < len(a.Ready) {
			spent += a.Ready[i]
			ready++
		} else {
			spent += a.Lost[i-len(a.Ready)]
		}
	}
	if ready == 0 {
		return math.Inf(1)
	}
	return spent / float64(ready)
}

// Belief is what is held of a strategy before its trials: of its success rate
// (A are successes, B failures), and of the spread of its set-up times and
// losses.
type Belief struct {
	Success     Prior
	Ready, Lost SpreadPrior
}

// WeakBelief has Jeffreys' prior and weak ones of the spreads.
var WeakBelief = Belief{JeffreysPrior, WeakSpread, WeakSpread}

// RunningTimePosterior draws from the posterior of the expected running time:
// the success rate from its Beta posterior, the mean times from TimePosterior.
// It stays informative when every trial succeeded: the cost of the failure
// nobody has seen is then that of otherLost, losses of comparable strategies.
// When none succeeded the set-up time is unknown and counted as zero: the
// draws are lower bounds.
//
// The mean of the draws exists only where the prior's A and the successes
// together exceed 1; their quantiles always do.
func RunningTimePosterior(a Attempts, otherLost []float64, belief Belief, draws int, seed uint64) ([]float64, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := belief.Success.check(); err != nil {
		return nil, err
	}
	lost := a.Lost
	if len(lost) == 0 {
		lost = otherLost
	}
	if len(lost) == 0 {
		return nil, invalid("no failure seen and no loss given for one")
	}
	if draws < 1 {
		return nil, invalid("%d draws", draws)
	}
	ready, err := NewTimePosterior(a.Ready, belief.Ready)
	if err != nil {
		return nil, err
	}
	loss, err := NewTimePosterior(lost, belief.Lost)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	rate := distuv.Beta{Alpha: belief.Success.A + float64(len(a.Ready)), Beta: belief.Success.B + float64(len(a.Lost)), Src: random}
	values := make([]float64, draws)
	for i := range values {
		p := rate.Rand()
		values[i] = ready.Draw(random).Mean + (1-p)/p*loss.Draw(random).Mean
	}
	return values, nil
}

// RunningTimeInterval is the interval of the expected running time from its
// posterior. Where no failure was seen its lower end is that without any:
// under a prior that holds failures for certain it would lie too high for a
// strategy that never fails.
func RunningTimeInterval(a Attempts, otherLost []float64, belief Belief, conf float64, draws int, seed uint64) (Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	if len(a.Ready) == 0 {
		return Interval{}, invalid("no trial was ready")
	}
	values, err := RunningTimePosterior(a, otherLost, belief, draws, seed)
	if err != nil {
		return Interval{}, err
	}
	slices.Sort(values)
	ends := Interval{quantile(values, (1-conf)/2), quantile(values, (1+conf)/2)}
	if len(a.Lost) == 0 {
		ready, err := NewTimePosterior(a.Ready, belief.Ready)
		if err != nil {
			return Interval{}, err
		}
		random := rand.New(rand.NewPCG(seed, 1))
		for i := range values {
			values[i] = ready.Draw(random).Mean
		}
		slices.Sort(values)
		ends.Lower = min(ends.Lower, quantile(values, (1-conf)/2))
	}
	return ends, nil
}
