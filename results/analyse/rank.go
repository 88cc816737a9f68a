package analyse

import (
	"math"
	"math/rand/v2"
	"slices"

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
	wins, least := c.wins(p)
	not, err := stats.NotBeaten(wins, Alpha)
	if err != nil {
		return
	}
	c.TooFew = len(c.Arms) > 1 && least > Alpha/float64(len(c.Arms)-1)
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
		belief := a.spread.belief(a.attempts.Ready, prior.Prior)
		if prior.erratic {
			belief.Ready.Scale *= erraticSpread
		}
		all[i] = drawCosts(a.attempts, a.assumed, c.otherSetup(), p, belief, n, Seed+uint64(i))
	}
	return all
}

func drawCosts(a stats.Attempts, otherLost []float64, otherSetup float64, p Priorities, belief stats.Belief, n int, seed uint64) []float64 {
	if p.Quantile > 0 {
		return quantileCosts(a, otherLost, otherSetup, p.Quantile, belief, n/10, seed)
	}
	costs, err := stats.RunningTimePosterior(a, otherLost, belief, n, seed)
	if err != nil {
		return repeated(math.Inf(1), n)
	}
	if len(a.Ready) == 0 {
		addUnseen(costs, otherSetup, seed)
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

// otherSetup is the mean set-up time of the arms that became ready, and what
// one that never did is taken to need if it works: about as much, as if it had
// been seen once.
func (c Choice) otherSetup() float64 {
	var means []float64
	for _, a := range c.Arms {
		if len(a.attempts.Ready) > 0 {
			means = append(means, average(a.attempts.Ready))
		}
	}
	if len(means) == 0 {
		return 0
	}
	return average(means)
}

// addUnseen adds a set-up time that was never seen.
func addUnseen(costs []float64, otherSetup float64, seed uint64) {
	unseen, err := stats.NewTimePosterior([]float64{otherSetup}, stats.WeakSpread)
	if err != nil {
		return
	}
	random := rand.New(rand.NewPCG(seed, 3))
	for i := range costs {
		costs[i] += unseen.Draw(random).Mean
	}
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
	switch {
	case len(a.Ready) < 2:
	case p.Quantile > 0:
		t.Interval = quantiles(draws)
	default:
		t.Interval = posteriorInterval(a, c.Arms[i].assumed, c.Arms[i].spread)
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
