package stats

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// BernoulliCUSUM watches a crash rate for a rise. Each crash adds Crash to a
// sum, each clean run takes 1 off down to 0, and the sum reaching Limit is an
// alarm.
//
// Reynolds & Stoumbos, Journal of Quality Technology 31 (1999) 87: the
// likelihood ratio's steps rounded to whole ones, so that run lengths are
// exact.
type BernoulliCUSUM struct{ Crash, Limit int }

// maxCUSUM bounds the size of the chain behind a run length.
const maxCUSUM = 1000

// NewBernoulliCUSUM is the chart that is best at telling the raised rate from
// the usual one (0 < usual < raised < 1) and raises a false alarm on average
// at most every falseAlarm trials.
func NewBernoulliCUSUM(usual, raised, falseAlarm float64) (BernoulliCUSUM, error) {
	if !(usual > 0 && usual < raised && raised < 1) {
		return BernoulliCUSUM{}, invalid("rates %v and %v", usual, raised)
	}
	if !(falseAlarm > 1) || math.IsInf(falseAlarm, 1) {
		return BernoulliCUSUM{}, invalid("a false alarm every %v trials", falseAlarm)
	}
	clean := math.Log1p(-usual) - math.Log1p(-raised)
	crash := math.Log(raised / usual)
	// In units of a clean run's step a crash is worth crash/clean.
	c := BernoulliCUSUM{Crash: max(1, int(math.Round(crash/clean)))}
	lo, hi := 0, 1
	enough := func(limit int) bool {
		c.Limit = limit
		arl, err := c.RunLength(usual)
		return err == nil && arl >= falseAlarm
	}
	for !enough(hi) {
		if lo, hi = hi, 2*hi; hi > maxCUSUM {
			return BernoulliCUSUM{}, invalid("no chart of up to %d steps waits %v trials at a rate of %v", maxCUSUM, falseAlarm, usual)
		}
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; enough(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	c.Limit = hi
	return c, nil
}

func (c BernoulliCUSUM) check() error {
	if c.Crash < 1 || c.Limit < 1 || c.Limit > maxCUSUM {
		return invalid("steps of %d to a limit of %d", c.Crash, c.Limit)
	}
	return nil
}

// RunLength is the exact mean number of trials until an alarm when the crash
// rate is rate, 0 < rate ≤ 1: how long a false alarm waits at the usual rate,
// and a true one at a raised one.
func (c BernoulliCUSUM) RunLength(rate float64) (float64, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	if !(rate > 0 && rate <= 1) {
		return 0, invalid("rate %v", rate)
	}
	// (I − Q)·L = 1 for the mean trials L from each sum below the limit.
	a, ones := mat.NewDense(c.Limit, c.Limit, nil), mat.NewVecDense(c.Limit, nil)
	for s := range c.Limit {
		ones.SetVec(s, 1)
		a.Set(s, s, a.At(s, s)+1)
		down := max(0, s-1)
		a.Set(s, down, a.At(s, down)-(1-rate))
		if up := s + c.Crash; up < c.Limit {
			a.Set(s, up, a.At(s, up)-rate)
		}
	}
	var lengths mat.VecDense
	if err := lengths.SolveVec(a, ones); err != nil {
		return 0, invalid("mean run length at rate %v is too long to work out: %v", rate, err)
	}
	return lengths.AtVec(0), nil
}
