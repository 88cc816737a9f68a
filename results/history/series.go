package history

import (
	"fmt"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
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

// seriesOf has every cell ever planned: those of the newest plan, then those gone.
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

// negligible is a series without a figure, or a phase too short for anyone to mind.
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

// Fitness is whether a host was fit to measure on in a night. A night that is
// not fit stays in the history and is not judged by.
type Fitness struct {
	// Reasons are why the night is not fit; none for a fit one.
	Reasons []string
	// Reference is the median time of the reference workload in seconds; 0
	// where it was not done, or was another one than in the newest night.
	Reference float64
}

// Unfit is true when the night is not fit.
func (f Fitness) Unfit() bool { return len(f.Reasons) > 0 }

// busyness is what a host did beside a run, by burdens; 0 where not recorded.
type busyness [3]float64

// burdens make a night unfit above most, or above twice what is usual on that host.
var burdens = [3]struct {
	most, unit float64
	text       string
}{
	// The load is that before the first trial: later trials inherit the load of
	// those before them.
	{1, 1, "a load of %.1f per CPU before the first trial"},
	{25, 1, "work waited for a CPU %.0f %% of the time before the first trial"},
	{0.05, 100, "another guest of the hardware took %.0f %% of the CPU time"},
}

const (
	usual = 2.0
	// usualNights are looked back on for what is usual, at least fewUsual.
	usualNights, fewUsual = 30, 5
)

func fitnessOf(runs []*Run) []Fitness {
	job := "" // the reference workload that the newest nights do
	for _, r := range slices.Backward(runs) {
		if n := len(r.References); n > 0 {
			job = r.References[n-1].Job
			break
		}
	}
	fit := make([]Fitness, len(runs))
	for i, r := range runs {
		fit[i].Reasons = r.busy.reasons(runs[max(0, i-usualNights):i])
		var times []float64
		for _, ref := range r.References {
			if ref.Job == job {
				times = append(times, ref.Seconds)
			}
		}
		if len(times) > 0 {
			fit[i].Reference = stats.Median(times)
		}
	}
	return fit
}

// reasons are the burdens that were too much, held against the nights before.
func (b busyness) reasons(before []*Run) (reasons []string) {
	for i, burden := range burdens {
		most := burden.most
		var earlier []float64
		for _, r := range before {
			earlier = append(earlier, r.busy[i])
		}
		if len(earlier) >= fewUsual {
			most = max(most, usual*stats.Median(earlier))
		}
		if b[i] > most {
			reasons = append(reasons, fmt.Sprintf(burden.text, burden.unit*b[i]))
		}
	}
	return reasons
}

// busynessOf goes by what was seen before the first trial and before the last.
func busynessOf(first, last results.Load, cpus int) (b busyness) {
	b[0] = first.Load1 / float64(max(1, cpus))
	if first.Pressure.Known {
		b[1] = first.Pressure.CPUSome
	}
	if all := last.CPU - first.CPU; all > 0 && last.Steal > first.Steal {
		b[2] = float64(last.Steal-first.Steal) / float64(all)
	}
	return b
}
