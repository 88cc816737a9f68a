package analyse

import (
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// decisionPower is the probability with which more blocks are to decide.
const decisionPower = 0.8

// blockSteps are the numbers of further blocks that are tried.
var blockSteps = []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40, 50, 75, 100}

// moreBlocks finds how many more blocks of the arms that are still open would
// let one of them beat the others, when the truth is as the trials so far
// leave it open.
func (c *Choice) moreBlocks() {
	var open []Candidate
	each := 0.0
	for _, a := range c.Arms {
		if a.NotBeaten && a.Limit != LimitExceeded {
			open = append(open, a)
			each += average(append(append([]float64{}, a.attempts.Ready...), a.attempts.Lost...))
		}
	}
	if len(open) < 2 {
		return
	}
	arms, rivals := outlooks(open), len(c.Arms)-1
	// More blocks decide more often.
	fewest := sort.Search(len(blockSteps), func(i int) bool { return decides(arms, blockSteps[i], rivals) >= decisionPower })
	if fewest == len(blockSteps) {
		c.MoreBlocks, c.MoreSeconds = -1, none
		return
	}
	c.MoreBlocks = blockSteps[fewest]
	c.MoreSeconds = Value(float64(c.MoreBlocks) * each)
}

// futures are fewer where trials are many, and each future long.
func futures(trials int) int { return max(50, min(300, 100_000/max(1, trials))) }

// decides is the share of simulated futures of m more blocks in which one arm
// beats all others that are open, each of which has so many rivals.
func decides(open []outlook, m, rivals int) float64 {
	random := rand.New(rand.NewPCG(Seed, uint64(m)))
	n, all := 0, futures(len(open[0].Ready)+len(open[0].Lost))
	for range all {
		future := make([]stats.Attempts, len(open))
		costs := make([][]float64, len(open))
		for i, a := range open {
			future[i], costs[i] = a.extended(m, random)
		}
		if someoneWins(future, costs, Alpha/float64(rivals)) {
			n++
		}
	}
	return float64(n) / float64(all)
}

// outlook is an arm's attempts and what its further set-ups and failures may
// take.
type outlook struct {
	stats.Attempts
	ready, lost stats.TimePosterior
}

// outlooks takes of what an arm never showed what others took.
func outlooks(open []Candidate) []outlook {
	all := make([]outlook, len(open))
	for i, a := range open {
		setups, losses := a.attempts.Ready, a.attempts.Lost
		for _, other := range open {
			if len(setups) == 0 {
				setups = other.attempts.Ready
			}
			if len(losses) == 0 {
				losses = other.attempts.Lost
			}
		}
		if len(losses) == 0 {
			losses = setups
		}
		belief := a.spread.belief(setups, stats.JeffreysPrior)
		all[i].Attempts = a.attempts
		// The attempts were checked when they were ranked: without a time, or
		// with one that is none, draws are 0.
		all[i].ready, _ = stats.NewTimePosterior(setups, belief.Ready)
		all[i].lost, _ = stats.NewTimePosterior(losses, belief.Lost)
	}
	return all
}

// extended adds m trials drawn from what the arm's trials leave possible.
// costs has every trial's cost in order, negative for the lost ones.
func (a outlook) extended(m int, random *rand.Rand) (stats.Attempts, []float64) {
	p := distuv.Beta{Alpha: 0.5 + float64(len(a.Ready)), Beta: 0.5 + float64(len(a.Lost)), Src: random}.Rand()
	all := stats.Attempts{Ready: append([]float64{}, a.Ready...), Lost: append([]float64{}, a.Lost...)}
	costs := append([]float64{}, all.Ready...)
	for _, l := range all.Lost {
		costs = append(costs, -l)
	}
	readyTimes, lostTimes := a.ready.Draw(random), a.lost.Draw(random)
	for range m {
		if random.Float64() < p {
			t := readyTimes.Next(random)
			all.Ready, costs = append(all.Ready, t), append(costs, t)
		} else {
			t := lostTimes.Next(random)
			all.Lost, costs = append(all.Lost, t), append(costs, -t)
		}
	}
	return all, costs
}

// someoneWins reports whether one arm beats each other one at the level.
func someoneWins(future []stats.Attempts, costs [][]float64, level float64) bool {
	for i := range future {
		wins := true
		for j := range future {
			wins = wins && (i == j || normalLess(future[i], future[j], costs[i], costs[j]) <= level)
		}
		if wins {
			return true
		}
	}
	return false
}

// normalLess approximates the permutation test of costsLess, never under the
// least p-value that so many blocks can give.
func normalLess(a, b stats.Attempts, costsA, costsB []float64) float64 {
	worth, err := stats.ExpectedRunningTime(stats.Attempts{Ready: append(append([]float64{}, a.Ready...), b.Ready...), Lost: append(append([]float64{}, a.Lost...), b.Lost...)})
	if err != nil || math.IsInf(worth, 1) {
		return 1
	}
	meanA, varA := moments(costsA, worth)
	meanB, varB := moments(costsB, worth)
	se := math.Sqrt(varA/float64(len(costsA)) + varB/float64(len(costsB)))
	least := math.Pow(2, -float64(min(len(costsA), len(costsB))))
	if se == 0 {
		if meanA < meanB {
			return least
		}
		return 1
	}
	return max(least, distuv.UnitNormal.CDF((meanA-meanB)/se))
}

// moments are of the scores: cost, less its worth for a success.
func moments(costs []float64, worth float64) (mean, variance float64) {
	score := func(c float64) float64 {
		if c < 0 {
			return -c
		}
		return c - worth
	}
	for _, c := range costs {
		mean += score(c)
	}
	mean /= float64(len(costs))
	for _, c := range costs {
		variance += (score(c) - mean) * (score(c) - mean)
	}
	return mean, variance / float64(max(1, len(costs)-1))
}
