package analyse

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// rank gives every candidate its cost, its probability of being the best and
// whether another one beats it.
func (c *Choice) rank(p Priorities) {
	for _, prior := range c.priors() {
		draws := c.costs(p, prior)
		best, err := stats.CompareDraws(draws)
		if err != nil {
			continue
		}
		for i := range c.Arms {
			if len(c.Arms) > 1 && c.anyReady() {
				c.Arms[i].Best = append(c.Arms[i].Best, PriorProbability{prior.name, Value(best.Probability[i])})
			}
			if prior.name == usualPrior {
				if len(c.Arms[i].attempts.Ready) > 0 {
					c.Arms[i].Regret = Value(best.Regret[i])
				}
				c.Arms[i].Cost = c.cost(i, p, draws[i])
			}
		}
	}
	not, err := stats.NotBeaten(c.wins(p), Alpha)
	if err != nil {
		return
	}
	for _, i := range not {
		c.Arms[i].NotBeaten = true
	}
}

// anyReady is false where no arm ever became ready: none is then the best.
func (c Choice) anyReady() bool {
	return slices.ContainsFunc(c.Arms, func(a Candidate) bool { return len(a.attempts.Ready) > 0 })
}

// namedPrior is a prior of the success rate, and whether times are expected
// to be erratic.
type namedPrior struct {
	name string
	stats.Prior
	erratic bool
}

const usualPrior = "Jeffreys"

// scepticalWeight is how many trials' worth of belief that all arms are alike
// the sceptic starts with.
const scepticalWeight = 4

// priors are those whose influence is shown: of success, before failure.
func (c Choice) priors() []namedPrior {
	ready, all := 0.5, 1.0
	for _, a := range c.Arms {
		ready += float64(a.Ready.Events)
		all += float64(a.Ready.Trials)
	}
	share := ready / all
	return []namedPrior{
		{usualPrior, stats.JeffreysPrior, false},
		{"uniform", stats.UniformPrior, false},
		{"sceptical", stats.Prior{A: scepticalWeight * share, B: scepticalWeight * (1 - share)}, false},
		{"erratic", stats.JeffreysPrior, true},
	}
}

// costs draws each arm's cost from its posterior.
func (c Choice) costs(p Priorities, prior namedPrior) [][]float64 {
	n := 4000
	for _, a := range c.Arms {
		n = min(n, draws(len(a.trials)))
	}
	all := make([][]float64, len(c.Arms))
	for i, a := range c.Arms {
		spread := a.spread
		if prior.erratic {
			spread = spread.erratic()
		}
		all[i] = drawCosts(a.attempts, c.otherLosses(i), c.leastSetup(), p, spread.belief(prior.Prior), n, Seed+uint64(i))
	}
	return all
}

func drawCosts(a stats.Attempts, otherLost []float64, leastSetup float64, p Priorities, belief stats.Belief, n int, seed uint64) []float64 {
	if p.Quantile > 0 {
		return quantileCosts(a, otherLost, leastSetup, p.Quantile, belief, n/10, seed)
	}
	costs, err := stats.RunningTimePosterior(a, otherLost, belief, n, seed)
	if err != nil {
		return repeated(math.Inf(1), n)
	}
	if len(a.Ready) == 0 {
		// Its set-up time was never seen; no arm is quicker than the quickest.
		for i := range costs {
			costs[i] += leastSetup
		}
	}
	return costs
}

func repeated(value float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = value
	}
	return values
}

// otherLosses are what a failure of arm i is taken to cost where none was
// seen: what it cost others, and without any as much as a set-up.
func (c Choice) otherLosses(i int) (lost []float64) {
	for _, a := range c.Arms {
		lost = append(lost, a.attempts.Lost...)
	}
	if len(lost) == 0 {
		return c.Arms[i].attempts.Ready
	}
	return lost
}

// leastSetup is the least mean set-up time of any arm.
func (c Choice) leastSetup() float64 {
	least := math.Inf(1)
	for _, a := range c.Arms {
		if len(a.attempts.Ready) > 0 {
			least = min(least, average(a.attempts.Ready))
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

func (c Choice) cost(i int, p Priorities, draws []float64) RunningTime {
	a := c.Arms[i].attempts
	t := RunningTime{Mean: none, Floor: none, Interval: unknown(), Infinite: len(a.Ready) == 0}
	switch {
	case t.Infinite:
		if floor, err := stats.ExpectedRunningTimeFloor(a.Lost, Confidence); err == nil {
			t.Floor = Value(floor)
		}
		return t
	case p.Quantile > 0:
		if m, err := stats.Quantile(draws, 0.5); err == nil {
			t.Mean = Value(m)
		}
	default:
		if m, err := stats.ExpectedRunningTime(a); err == nil {
			t.Mean = Value(m)
		}
	}
	if len(a.Ready) > 1 {
		t.Interval = quantiles(draws)
	}
	return t
}

func quantiles(draws []float64) Interval {
	low, errLow := stats.Quantile(draws, (1-Confidence)/2)
	high, errHigh := stats.Quantile(draws, (1+Confidence)/2)
	if errLow != nil || errHigh != nil {
		return unknown()
	}
	return Interval{Value(low), Value(high)}
}

// wins has for each pair the one-sided p-value that the first costs less.
func (c Choice) wins(p Priorities) [][]float64 {
	wins := make([][]float64, len(c.Arms))
	for i := range wins {
		wins[i] = make([]float64, len(c.Arms))
		for j := range wins[i] {
			wins[i][j] = 1
			if i != j {
				wins[i][j] = costsLess(c.Arms[i], c.Arms[j], p)
			}
		}
	}
	return wins
}

// costsLess permutes inside blocks. For the mean, the scores are each trial's
// cost less what a success is worth at the pair's common expected time: their
// sum differs between the arms exactly as the expected times do.
func costsLess(a, b Candidate, p Priorities) float64 {
	values, first, block := pairOf(a, b, p)
	if p.Quantile > 0 {
		t, err := permuteRanks(values, first, block)
		return orOne(t.less, err)
	}
	t, err := permute(values, first, block)
	return orOne(t.less, err)
}

func orOne(p float64, err error) float64 {
	if err != nil {
		return 1
	}
	return p
}

func pairOf(a, b Candidate, p Priorities) (values []float64, first []bool, block []int) {
	worth := pairWorth(a, b)
	place := map[string]int{}
	for k, arm := range []Candidate{a, b} {
		ready, lost := 0, 0
		for _, o := range arm.trials {
			var v float64
			switch {
			case o.Ready:
				v, ready = arm.attempts.Ready[ready]-worth, ready+1
			case p.Quantile > 0:
				v = math.Inf(1)
			default:
				v, lost = arm.attempts.Lost[lost], lost+1
			}
			if math.IsNaN(v) {
				continue
			}
			key := o.Block
			if _, seen := place[key]; !seen {
				place[key] = len(place)
			}
			values, first, block = append(values, v), append(first, k == 0), append(block, place[key])
		}
	}
	return values, first, block
}

// pairWorth is the expected running time of two arms taken together.
func pairWorth(a, b Candidate) float64 {
	worth, err := stats.ExpectedRunningTime(stats.Attempts{
		Ready: append(append([]float64{}, a.attempts.Ready...), b.attempts.Ready...),
		Lost:  append(append([]float64{}, a.attempts.Lost...), b.attempts.Lost...),
	})
	if err != nil || math.IsInf(worth, 1) {
		return 0
	}
	return worth
}

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
			lost = c.otherLosses(i)
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
