package history

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Nights are the runs of one experiment on one host, and the series that they
// make. Runs of other hosts are never among them.
type Nights struct {
	Experiment string
	Host       string
	// Runs has the runs in order; of the detector's matrix each is a night.
	Runs    []*Run
	Fitness []Fitness
	Series  []Series
	// Compared are runs that compared two states of the experiment, to confirm
	// what was suspected. They are no nights.
	Compared []*Run
}

// Series is one metric of one cell over all nights.
type Series struct {
	Cell   trial.Cell
	Metric study.Metric
	// Values has for each night the trials' values, in seconds or bytes; nil
	// for a count.
	Values [][]float64
	// Bad of Trials happened each night; nil for a measure.
	Bad, Trials []int
}

// Nights gathers the series of an experiment on a host.
func (h *History) Nights(experiment, host string) Nights {
	n := Nights{Experiment: experiment, Host: host}
	n.Runs, n.Compared = h.of(experiment, host)
	n.Fitness, n.Series = fitnessOf(n.Runs), seriesOf(n.Runs)
	return n
}

// Simulated is true when any night was.
func (n Nights) Simulated() bool {
	return slices.ContainsFunc(n.Runs, func(r *Run) bool { return r.Simulated })
}

// seriesOf makes the series of every cell that was ever planned, in the order
// of the newest plan, and then of those that are gone.
func seriesOf(runs []*Run) (all []Series) {
	first := map[string]int{} // place of a cell's first series; the others follow it
	for _, r := range slices.Backward(runs) {
		for _, c := range r.Cells {
			key := c.Key()
			if _, known := first[key]; known {
				continue
			}
			first[key] = len(all)
			for _, m := range metrics {
				s := Series{Cell: c, Metric: m}
				if m.IsRate() {
					s.Bad, s.Trials = make([]int, len(runs)), make([]int, len(runs))
				} else {
					s.Values = make([][]float64, len(runs))
				}
				all = append(all, s)
			}
		}
	}
	for night, r := range runs {
		firstOf := make([]int, len(r.Cells))
		for i, c := range r.Cells {
			firstOf[i] = first[c.Key()]
		}
		for _, t := range r.Trials {
			if !t.counts() {
				continue
			}
			for i, v := range t.values {
				s := &all[firstOf[t.Cell]+i]
				switch {
				case math.IsNaN(v):
				case s.Values != nil:
					s.Values[night] = append(s.Values[night], v)
				default:
					s.Trials[night]++
					s.Bad[night] += int(v)
				}
			}
		}
	}
	return slices.DeleteFunc(all, Series.negligible)
}

// leastSeconds is what a phase has to take at least once to be a series.
const leastSeconds = 0.1

// negligible is true for a series that no trial has a figure for, and for a
// phase that never took long enough for anyone to mind.
func (s Series) negligible() bool {
	if s.Values == nil {
		return !slices.ContainsFunc(s.Trials, func(n int) bool { return n > 0 })
	}
	least := 0.0
	if s.Metric.Unit() == study.UnitSeconds {
		least = leastSeconds
	}
	return !slices.ContainsFunc(s.Values, func(values []float64) bool {
		return slices.ContainsFunc(values, func(v float64) bool { return v >= least })
	})
}

// point is a series in a night.
func (s Series) point(night int) Point {
	if s.Values == nil {
		p := Point{Value: undefined, N: s.Trials[night], Bad: s.Bad[night]}
		if p.N > 0 {
			p.Value = study.Value(float64(p.Bad) / float64(p.N))
		}
		return p
	}
	return Point{Value: study.Value(stats.Median(s.Values[night])), N: len(s.Values[night])}
}

// Matrix is the nights as the detector takes them: a series for each of
// Series, a night for each of Runs.
func (n Nights) Matrix() detect.Matrix {
	var m detect.Matrix
	for _, f := range n.Fitness {
		m.Nights = append(m.Nights, detect.Night{Unfit: f.Unfit(), Reference: f.Reference})
	}
	for _, s := range n.Series {
		m.Series = append(m.Series, detect.Series{Metric: string(s.Metric), Primary: s.Metric == study.MetricSetup, Values: s.Values, Bad: s.Bad, Trials: s.Trials})
	}
	return m
}
