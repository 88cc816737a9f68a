package analyse

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// quantileCosts draws the quantile of the time to ready, retries included:
// for each draw of the success rate and of the distributions of times, of many
// set-ups played through.
func quantileCosts(a stats.Attempts, otherLost []float64, otherSetup, q float64, belief stats.Belief, n int, seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 2))
	beta := distuv.Beta{Alpha: belief.Success.A + float64(len(a.Ready)), Beta: belief.Success.B + float64(len(a.Lost)), Src: random}
	ready, lost := a.Ready, a.Lost
	if len(ready) == 0 {
		ready, belief.Ready = []float64{otherSetup}, stats.WeakSpread
	}
	if len(lost) == 0 {
		lost = otherLost
	}
	readyTimes, errReady := stats.NewTimePosterior(ready, belief.Ready)
	lostTimes, errLost := stats.NewTimePosterior(lost, belief.Lost)
	if errReady != nil || errLost != nil {
		return repeated(math.Inf(1), n)
	}
	const episodes = 100
	costs, times := make([]float64, n), make([]float64, episodes)
	for i := range costs {
		p, r, l := beta.Rand(), readyTimes.Draw(random), lostTimes.Draw(random)
		for j := range times {
			times[j] = episode(p, r, l, random)
		}
		costs[i], _ = stats.Quantile(times, q)
	}
	return costs
}

// mostAttempts ends an episode of a strategy that practically never works.
const mostAttempts = 1000

func episode(p float64, ready, lost stats.TimeDraw, random *rand.Rand) float64 {
	spent := 0.0
	for range mostAttempts {
		if random.Float64() < p {
			return spent + ready.Next(random)
		}
		spent += lost.Next(random)
	}
	return math.Inf(1)
}
