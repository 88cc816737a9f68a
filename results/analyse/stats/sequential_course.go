package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// course is the distribution of the events of both arms over all courses that
// were not rejected, at each of a grid of rates.
type course struct {
	delta    float64
	rates    [][2]float64
	alive    [][]float64 // by rate and place
	spent    []float64   // by rate: probability of having been rejected
	n1, n2   int
	rejected []bool // by place, at this look
	seen     EBlock
}

// nuisance is how many common rates the error is bounded at.
const nuisance = 40

func newCourse(delta float64) *course {
	c := &course{delta: delta, spent: make([]float64, nuisance)}
	low, high := max(0, -delta), min(1, 1-delta)
	for i := range nuisance {
		// The second rate, closer together near the ends, where few trials
		// tell much.
		p := low + (high-low)*(1-math.Cos(math.Pi*(float64(i)+0.5)/nuisance))/2
		c.rates = append(c.rates, [2]float64{p + delta, p})
		c.alive = append(c.alive, []float64{1})
	}
	return c
}

func (c *course) place(events1, events2 int) int { return events1*(c.n2+1) + events2 }

// step adds trials to both arms.
func (c *course) step(more1, more2 int) {
	for g, rates := range c.rates {
		c.alive[g] = convolveArms(c.alive[g], c.n1, c.n2, masses(more1, rates[0]), masses(more2, rates[1]))
	}
	c.n1, c.n2 = c.n1+more1, c.n2+more2
	c.rejected = make([]bool, (c.n1+1)*(c.n2+1))
}

func masses(n int, p float64) []float64 {
	m := make([]float64, n+1)
	for k := range m {
		m[k] = distuv.Binomial{N: float64(n), P: min(1, max(0, p))}.Prob(float64(k))
	}
	return m
}

// convolveArms adds independent events to both counts of a joint distribution
// on (0…n1) × (0…n2).
func convolveArms(joint []float64, n1, n2 int, add1, add2 []float64) []float64 {
	width := n2 + len(add2)
	out := make([]float64, (n1+len(add1))*width)
	for a := range n1 + 1 {
		for b := range n2 + 1 {
			w := joint[a*(n2+1)+b]
			if w == 0 {
				continue
			}
			for i, x := range add1 {
				row := out[(a+i)*width+b:]
				for j, y := range add2 {
					row[j] += w * x * y
				}
			}
		}
	}
	return out
}

// reject takes out the outcomes with the most evidence while no rate has more
// than the budget rejected.
func (c *course) reject(budget float64) {
	order, evidence := c.byEvidence()
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && evidence[order[i]]-evidence[order[j]] < 1e-9 {
			j++
		}
		if evidence[order[i]] < 1e-9 || !c.affords(order[i:j], budget) {
			return
		}
		for _, at := range order[i:j] {
			for g := range c.rates {
				c.spent[g] += c.alive[g][at]
				c.alive[g][at] = 0
			}
			c.rejected[at] = true
		}
		i = j
	}
}

func (c *course) affords(places []int, budget float64) bool {
	for g := range c.rates {
		spent := c.spent[g]
		for _, at := range places {
			spent += c.alive[g][at]
		}
		if spent > budget {
			return false
		}
	}
	return true
}

// byEvidence orders the outcomes by the log likelihood ratio of any rates
// against rates that differ by delta, the most evidence first.
func (c *course) byEvidence() (order []int, evidence []float64) {
	evidence = make([]float64, len(c.rejected))
	order = make([]int, len(c.rejected))
	for a := range c.n1 + 1 {
		for b := range c.n2 + 1 {
			at := c.place(a, b)
			order[at] = at
			evidence[at] = againstDifference(Arm{a, c.n1}, Arm{b, c.n2}, c.delta)
		}
	}
	slices.SortFunc(order, func(x, y int) int { return compare(evidence[y], evidence[x]) })
	return order, evidence
}

func againstDifference(a, b Arm, delta float64) float64 {
	second := constrainedRate(a, b, delta)
	first := min(1, max(0, second+delta))
	return a.logLikelihood(a.rate()) + b.logLikelihood(b.rate()) - a.logLikelihood(first) - b.logLikelihood(second)
}

func (a Arm) logLikelihood(p float64) (log float64) {
	if a.Events > 0 {
		log += float64(a.Events) * math.Log(p)
	}
	if a.Events < a.Trials {
		log += float64(a.Trials-a.Events) * math.Log1p(-p)
	}
	return log
}
