package stats

import (
	"math"
	"slices"
)

// BreakEven is the crash rate of the faster strategy at which it stops to
// pay: at saved minutes of advantage when it works and lost minutes (until
// noticed, plus recovery) for each crash, saved/(saved+lost). saved is taken
// against the other strategy's expected running time, so that its crashes
// count too; without an advantage the answer is 0.
func BreakEven(saved, lost float64) (float64, error) {
	if math.IsNaN(saved) || math.IsInf(saved, 0) {
		return 0, invalid("saved %v", saved)
	}
	if err := checkTimes("lost", []float64{lost}, false); err != nil {
		return 0, err
	}
	if saved <= 0 {
		return 0, nil
	}
	return saved / (saved + lost), nil
}

// Best says how probable it is that each of some strategies is the best one.
type Best struct {
	Probability []float64 // of the least cost; sums to 1
	Regret      []float64 // expected cost above the least one, in the draws' unit
}

// CompareDraws takes for each strategy draws of its cost from the posterior,
// as many for each, and compares them draw by draw. Equal least costs share
// the draw. A cost of +Inf has infinite regret where another one is finite.
//
// Thompson, Biometrika 25 (1933) 285. P(best) is not an error rate.
func CompareDraws(draws [][]float64) (Best, error) {
	if len(draws) == 0 || len(draws[0]) == 0 {
		return Best{}, invalid("no draws")
	}
	for _, d := range draws {
		if len(d) != len(draws[0]) {
			return Best{}, invalid("%d and %d draws", len(draws[0]), len(d))
		}
		if err := checkTimes("draws", d, true); err != nil {
			return Best{}, err
		}
	}
	b := Best{make([]float64, len(draws)), make([]float64, len(draws))}
	n := float64(len(draws[0]))
	for i := range draws[0] {
		b.add(draws, i, 1/n)
	}
	return b, nil
}

func (b Best) add(draws [][]float64, i int, weight float64) {
	costs := make([]float64, len(draws))
	for arm, d := range draws {
		costs[arm] = d[i]
	}
	least, ties := slices.Min(costs), 0
	for _, c := range costs {
		ties += index(c == least)
	}
	for arm, c := range costs {
		if c == least {
			b.Probability[arm] += weight / float64(ties)
		} else {
			b.Regret[arm] += weight * (c - least)
		}
	}
}

// NotBeaten lists the strategies that no other one beats; the best is among
// them with a confidence of at least 1−alpha. wins[i][j] is the one-sided
// p-value for i costing less than j, from any test; the diagonal is not looked
// at. A strategy is beaten by a p-value of at most alpha over the number of its
// rivals: the best one, whichever it is, is then lost with probability alpha at
// most, and nothing is claimed of the order of the others. A strategy that was
// not run has no row here and is not ranked.
//
// Gupta, Technometrics 7 (1965) 225; Hsu, Annals of Statistics 12 (1984) 1136.
func NotBeaten(wins [][]float64, alpha float64) ([]int, error) {
	if err := checkLevel("alpha", alpha); err != nil {
		return nil, err
	}
	beaten := make([]bool, len(wins))
	for i, row := range wins {
		if len(row) != len(wins) {
			return nil, invalid("row %d has %d entries for %d strategies", i, len(row), len(wins))
		}
		for j, p := range row {
			if i == j {
				continue
			}
			if !(p >= 0 && p <= 1) {
				return nil, invalid("the p-value of %d against %d is %v", i, j, p)
			}
			beaten[j] = beaten[j] || p <= alpha/float64(len(wins)-1)
		}
	}
	var left []int
	for i, lost := range beaten {
		if !lost {
			left = append(left, i)
		}
	}
	return left, nil
}

// Cutoff is a time at which to give a trial up and start again.
type Cutoff struct {
	After    float64 // +Inf: never give up
	Expected float64 // expected time to ready under this rule
}

// BestCutoff is the give-up time that minimises the expected time to ready,
// taken from the times of past trials: ready has the set-up times of those
// that got ready, hung is the number that would never have. recovery is the
// time between giving up and the next attempt. At least one trial got ready.
//
// Luby, Sinclair & Zuckerman, Information Processing Letters 47 (1993) 173.
func BestCutoff(ready []float64, hung int, recovery float64) (Cutoff, error) {
	if len(ready) == 0 || hung < 0 {
		return Cutoff{}, invalid("%d ready and %d hung trials", len(ready), hung)
	}
	if err := checkTimes("ready", append([]float64{recovery}, ready...), false); err != nil {
		return Cutoff{}, err
	}
	sorted, n := slices.Sorted(slices.Values(ready)), float64(len(ready)+hung)
	best := Cutoff{math.Inf(1), math.Inf(1)}
	var spent float64
	for i, t := range sorted {
		spent += t
		later := n - float64(i+1)
		// All time in an attempt, cut at t, over the share that succeeds.
		expected := (spent + later*(t+recovery)) / float64(i+1)
		if expected <= best.Expected {
			best = Cutoff{t, expected}
		}
	}
	if last := sorted[len(sorted)-1]; hung == 0 && best.After == last {
		best.After = math.Inf(1)
	}
	return best, nil
}
