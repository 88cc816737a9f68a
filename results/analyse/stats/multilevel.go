package stats

import "math"

// Levels is the variance of a nested experiment by level, lowest first:
// trials in runs, runs on machines, and so on.
type Levels struct {
	Mean float64
	// Biased is Sᵢ², the mean variance of the level's means; Unbiased is Tᵢ²,
	// that without what the level below contributes. Unbiased may be negative,
	// which says that the level adds nothing that could be seen.
	Biased, Unbiased []float64
}

// NestedVariance takes the values of a balanced experiment in order, the
// lowest level fastest, and the number of repetitions at each level from the
// highest to the lowest, each at least 2.
//
// Kalibera & Jones, ISMM 2013, 63.
func NestedVariance(values []float64, repetitions []int) (Levels, error) {
	if err := checkFinite("values", values); err != nil {
		return Levels{}, err
	}
	total := 1
	for _, r := range repetitions {
		if r < 2 {
			return Levels{}, invalid("%d repetitions have no variance", r)
		}
		total *= r
	}
	if len(repetitions) == 0 || total != len(values) {
		return Levels{}, invalid("%d values for repetitions %v", len(values), repetitions)
	}
	var l Levels
	means := values
	for i := len(repetitions) - 1; i >= 0; i-- {
		var variance float64
		means, variance = levelUp(means, repetitions[i])
		l.Biased = append(l.Biased, variance)
	}
	l.Mean = means[0]
	for i, s := range l.Biased {
		if i > 0 {
			s -= l.Biased[i-1] / float64(repetitions[len(repetitions)-i])
		}
		l.Unbiased = append(l.Unbiased, s)
	}
	return l, nil
}

// levelUp returns the means of each r values and the mean of their variances.
func levelUp(values []float64, r int) (means []float64, variance float64) {
	groups := float64(len(values) / r)
	for at := 0; at < len(values); at += r {
		group := values[at : at+r]
		m := mean(group)
		means = append(means, m)
		for _, v := range group {
			variance += (v - m) * (v - m) / float64(r-1) / groups
		}
	}
	return means, variance
}

// BestRepetitions is how often to repeat each level but the highest for the
// narrowest interval at a given cost, lowest level first; costs has the time
// of one more repetition at every level, lowest first. A level whose upper
// neighbour adds nothing should be repeated as often as possible: +Inf. One
// that adds nothing itself needs no more than 1.
//
// Kalibera & Jones, ISMM 2013, §9.
func (l Levels) BestRepetitions(costs []float64) ([]float64, error) {
	if len(costs) != len(l.Unbiased) || len(costs) == 0 {
		return nil, invalid("%d costs for %d levels", len(costs), len(l.Unbiased))
	}
	for i, c := range costs {
		if !(c > 0) || math.IsInf(c, 1) {
			return nil, invalid("costs[%d] is %v", i, c)
		}
	}
	var best []float64
	for i := range len(costs) - 1 {
		mine, above := max(0, l.Unbiased[i]), max(0, l.Unbiased[i+1])
		if mine == 0 {
			best = append(best, 1)
			continue
		}
		best = append(best, max(1, math.Sqrt(costs[i+1]/costs[i]*mine/above)))
	}
	return best, nil
}
