package detect

import (
	"math"
	"slices"
)

// measure is a series in logs: of each night its location and how many trials that rests on.
type measure struct {
	series  int
	metric  string
	at      []float64 // NaN for a night without values
	trials  []float64
	regimes []int // first nights of the regimes so far, the current one last

	nights []int     // fit ones with a value, so far
	logs   []float64 // in them
	sums   []float64 // of the first i logs
	start  int       // place of the current regime among them

	// Over the nights that were looked at last, with the host taken out:
	seen     []float64 // log, NaN where there is none
	residual []float64 // from the center of its regime
	scale    float64   // of a night around it
	perNight float64   // trials, on average
	memory   memory
	center   float64 // of the current regime
}

func newMeasure(index int, s Series, bound float64) *measure {
	n := len(s.Values)
	m := &measure{series: index, metric: s.Metric, at: make([]float64, n), trials: make([]float64, n), regimes: []int{0}, sums: []float64{0}}
	for t, trials := range s.Values {
		m.at[t], m.trials[t] = location(trials, bound), float64(len(trials))
	}
	return m
}

// take adds a fit night.
func (m *measure) take(t int) {
	if v := m.at[t]; !math.IsNaN(v) {
		m.nights, m.logs = append(m.nights, t), append(m.logs, v)
		m.sums = append(m.sums, m.sums[len(m.sums)-1]+v)
	}
}

func (m *measure) regime() int { return m.regimes[len(m.regimes)-1] }

// restart makes night the first that later ones are compared with.
func (m *measure) restart(night int) {
	if night > m.regime() {
		m.regimes = append(m.regimes, night)
		m.start = place(m.nights, night)
	}
}

// place is that of the first night from the given one on.
func place(nights []int, night int) int {
	at, _ := slices.BinarySearch(nights, night)
	return at
}

// location of a night's logs is their median moved by the mean of what lies around it, of which
// no trial counts for more than bound: nearly as exact as the mean for what is usual, and moved
// little by one trial that went astray. It is Huber's location after one step.
//
// Huber, Annals of Mathematical Statistics 35 (1964) 73.
func location(values []float64, bound float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	middle := medianOf(logs)
	var sum float64
	for _, l := range logs {
		sum += cut(l-middle, bound)
	}
	return middle + sum/float64(len(logs))
}

func cut(x, bound float64) float64 { return min(bound, max(-bound, x)) }

// medianOf is that of values it reorders; NaN of none. Medians are most of what a check
// computes, and this takes a third of the time of sorting: it puts the upper one in its
// place, with none greater before it.
//
// Hoare's FIND, Communications of the ACM 4 (1961) 321.
func medianOf(values []float64) float64 {
	n, k := len(values), len(values)/2
	if n == 0 {
		return math.NaN()
	}
	for low, high := 0, n-1; low < high; {
		pivot, i, j := values[k], low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for pivot < values[j] {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		if j < k {
			low = i
		}
		if k < i {
			high = j
		}
	}
	if n%2 == 1 {
		return values[k]
	}
	return (slices.Max(values[:k]) + values[k]) / 2
}

// spread is the standard deviation of residuals around 0 that are cut at 2.5 of their usual
// size: exact where they are normal, little moved by few that are not. It reorders them.
func spread(residuals []float64) float64 {
	if len(residuals) == 0 {
		return 0
	}
	for i, r := range residuals {
		residuals[i] = math.Abs(r)
	}
	usual := medianOf(residuals) / 0.6745
	var sum float64
	for _, r := range residuals {
		r = min(r, 2.5*usual)
		sum += r * r
	}
	// A standard normal value cut at ±2.5 has mean square 0.9776.
	return math.Sqrt(sum / float64(len(residuals)) / 0.9776)
}

const (
	// leastScale, in practical thresholds, is that of a series without spread.
	leastScale = 0.1
	// mostHost is the largest move of the reference that its influence is estimated from.
	mostHost = 0.1
)

// look takes the host out of the nights that a night is judged on, itself the last. host has
// the log of the reference from its median, 0 where unknown. Residuals are from each regime's
// own center, so that the spread around one of few nights is known from those before.
func (m *measure) look(nights []int, host []float64, threshold float64) {
	m.seen = m.seen[:0]
	for _, t := range nights {
		m.seen = append(m.seen, m.at[t])
	}
	m.centerRegimes(nights)
	if share := m.hostShare(host); share > 0 {
		for i, h := range host {
			m.seen[i] -= share * h
		}
		m.centerRegimes(nights)
	}
	m.scale = max(leastScale*threshold, spread(known(m.residual)))
	var trials, with float64
	for _, t := range nights {
		if m.trials[t] > 0 {
			trials, with = trials+m.trials[t], with+1
		}
	}
	m.perNight = trials / max(1, with)
}

// known copies what is no NaN.
func known(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

func (m *measure) centerRegimes(nights []int) {
	m.residual = m.residual[:0]
	for r, first := range m.regimes {
		seen := m.seen[place(nights, first):]
		if r+1 < len(m.regimes) {
			seen = m.seen[place(nights, first):place(nights, m.regimes[r+1])]
		}
		if len(seen) > 0 {
			m.center = medianOf(known(seen))
		}
		for _, v := range seen {
			m.residual = append(m.residual, v-m.center)
		}
	}
}

// hostShare is how much of a move of the host's reference the measure makes too, from 0 to 1:
// the slope of the regression on it, with residuals cut.
func (m *measure) hostShare(host []float64) float64 {
	bound := 3 * spread(known(m.residual))
	var both, own float64
	for i, h := range host {
		if r := m.residual[i]; !math.IsNaN(r) {
			h = cut(h, mostHost)
			both, own = both+h*cut(r, bound), own+h*h
		}
	}
	if own == 0 {
		return 0
	}
	return min(1, max(0, both/own))
}
