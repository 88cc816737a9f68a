package detect

import (
	"math"
	"slices"
)

// measure is a series in logs: of each night its location and how many trials
// that rests on.
type measure struct {
	series  int
	primary bool
	at      []float64 // NaN for a night without values
	trials  []float64
	regimes []int // first nights of the regimes so far, the current one last

	nights []int     // fit ones with a value, so far
	logs   []float64 // in them
	sums   []float64 // of the first i logs
	start  int       // place of the current regime among them
}

func newMeasure(index int, s Series, bound float64) *measure {
	n := len(s.Values)
	m := &measure{series: index, primary: s.Primary, at: make([]float64, n), trials: make([]float64, n), regimes: []int{0}, sums: []float64{0}}
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

// location of a night's logs is their median moved by the mean of what lies
// around it, of which no trial counts for more than bound: nearly as exact as
// the mean for what is usual, and one trial that went astray moves it little.
// It is Huber's location after one step.
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

func square(x float64) float64 { return x * x }

// medianOf is that of values it reorders; NaN of none.
func medianOf(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	upper := selected(values, n/2)
	if n%2 == 1 {
		return upper
	}
	return (slices.Max(values[:n/2]) + upper) / 2
}

// selected puts the kth smallest value in its place, from 0, with none greater
// before it. Medians are most of what a check computes, and this takes a third
// of the time of sorting.
//
// Hoare's FIND, Communications of the ACM 4 (1961) 321.
func selected(values []float64, k int) float64 {
	for low, high := 0, len(values)-1; low < high; {
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
	return values[k]
}

// spread is the standard deviation of residuals around 0 that are cut at 2.5
// of their usual size: exact where they are normal, little moved by few that
// are not. It reorders them.
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
		sum += square(min(r, 2.5*usual))
	}
	// A standard normal value cut at ±2.5 has mean square 0.9776.
	return math.Sqrt(sum / float64(len(residuals)) / 0.9776)
}
