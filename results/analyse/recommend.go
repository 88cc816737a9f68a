package analyse

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// recommend takes, of the allowed arms that are not beaten, the one with the
// least cost.
func (c *Choice) recommend() {
	works, allowed, open := 0, 0, 0
	for i, a := range c.Arms {
		if a.Cost.Infinite {
			continue
		}
		works++
		if a.Limit == LimitExceeded {
			continue
		}
		allowed++
		if a.NotBeaten {
			open++
		}
		if c.Recommended < 0 || betterThan(a, c.Arms[c.Recommended]) {
			c.Recommended = i
		}
	}
	switch {
	case works == 0:
		c.Kind = NoneWorks
	case allowed == 0:
		c.Kind = NoneAllowed
	case len(c.Arms) == 1:
		c.Kind = OnlyOne
	case c.unbeaten() == 1 && c.Arms[c.Recommended].NotBeaten:
		c.Kind = Decided
	default:
		c.Kind = Undecided
	}
}

func betterThan(a, b Candidate) bool {
	if a.NotBeaten != b.NotBeaten {
		return a.NotBeaten
	}
	return a.Cost.Mean < b.Cost.Mean
}

// unbeaten counts the allowed arms that no other beats.
func (c Choice) unbeaten() (n int) {
	for _, a := range c.Arms {
		if a.NotBeaten && a.Limit != LimitExceeded {
			n++
		}
	}
	return n
}

// breakEven finds, against the recommended arm, how often the others may fail.
// An arm that never got ready is judged by its estimated time, where there is
// one.
func (c *Choice) breakEven(estimated func(trial.Cell) (float64, bool)) {
	if c.Recommended < 0 {
		return
	}
	against, err := stats.ExpectedRunningTime(c.Arms[c.Recommended].attempts)
	if err != nil {
		return
	}
	for i, a := range c.Arms {
		if i == c.Recommended {
			continue
		}
		b := BreakEven{Arm: append(trial.Cell{}, a.Arm...), Rate: 0, Below: none, Estimated: none}
		setup := none
		if len(a.attempts.Ready) > 0 {
			setup = Value(average(a.attempts.Ready))
		} else if t, ok := estimated(a.Arm); ok {
			setup, b.Estimated = Value(t), Value(t)
		} else {
			continue
		}
		lost := a.attempts.Lost
		if len(lost) == 0 {
			lost = a.assumed
		}
		if saved := against - float64(setup); saved > 0 {
			if r, err := stats.BreakEven(saved, average(lost)); err == nil {
				b.Rate = Value(r)
			}
		}
		arm := stats.Arm{Events: a.Failed.Events, Trials: a.Failed.Trials}
		if p, err := stats.ProbabilityRateBelow(arm, float64(b.Rate), stats.JeffreysPrior); err == nil {
			b.Below = Value(p)
		}
		c.BreakEven = append(c.BreakEven, b)
	}
}
