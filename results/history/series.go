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
	Fitness []Night
	Series  []Series
	// Compared are runs that compared two states of the experiment, to confirm
	// what was suspected. They are no nights.
	Compared []*Run
}

// Series is one metric of one cell over all nights.
type Series struct {
	Cell   trial.Cell
	Metric study.Metric
	// Values are in seconds or bytes.
	detect.Series
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
				s := Series{c, m, detect.Series{Metric: string(m), Primary: m == study.MetricSetup}}
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
		for _, t := range r.Trials {
			if !t.counts() {
				continue
			}
			at := first[r.Cells[t.Cell].Key()]
			for i, v := range t.values {
				s := &all[at+i]
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
	// Without a figure, or a phase too short for anyone to mind.
	return slices.DeleteFunc(all, func(s Series) bool {
		if s.Values == nil {
			return slices.Max(s.Trials) == 0
		}
		values := slices.Concat(s.Values...)
		return len(values) == 0 || s.Metric.Unit() == study.UnitSeconds && slices.Max(values) < leastSeconds
	})
}

// leastSeconds is what a phase has to take at least once to be a series.
const leastSeconds = 0.1

// point is a series in a night.
func (s Series) point(night int) Point {
	if s.Values == nil {
		n, bad := s.Trials[night], s.Bad[night]
		return Point{study.Value(float64(bad) / float64(n)), n, bad}
	}
	return Point{Value: study.Value(stats.Median(s.Values[night])), N: len(s.Values[night])}
}

// Matrix is the nights as the detector takes them: one for each of Runs and of Series.
func (n Nights) Matrix() detect.Matrix {
	var m detect.Matrix
	for _, f := range n.Fitness {
		m.Nights = append(m.Nights, detect.Night{Unfit: f.Unfit(), Reference: float64(f.Reference)})
	}
	for _, s := range n.Series {
		m.Series = append(m.Series, s.Series)
	}
	return m
}

// busyness is what a host did beside a run, by burdens; 0 where not recorded.
type busyness [3]float64

// burdens make a night unfit above most, or above twice what is usual on that host.
var burdens = [3]struct {
	most, unit float64
	text       string
}{
	// The load is that before the first trial: later trials inherit that of those before.
	{1, 1, "a load of %.1f per CPU before the first trial"},
	{25, 1, "work waited for a CPU %.0f %% of the time before the first trial"},
	{0.05, 100, "another guest of the hardware took %.0f %% of the CPU time"},
}

const (
	usual = 2.0
	// usualNights are looked back on for what is usual, at least fewUsual.
	usualNights, fewUsual = 30, 5
)

// fitnessOf has no reference for a night without one, or with another job than the newest.
func fitnessOf(runs []*Run) []Night {
	job := "" // the reference workload that the newest nights do
	for _, r := range slices.Backward(runs) {
		if n := len(r.References); n > 0 {
			job = r.References[n-1].Job
			break
		}
	}
	fit := make([]Night, len(runs))
	for i, r := range runs {
		var times []float64
		for _, ref := range r.References {
			if ref.Job == job {
				times = append(times, ref.Seconds)
			}
		}
		fit[i] = Night{r.RunID, r.Environment.Started, r.busy.reasons(runs[max(0, i-usualNights):i]), study.Value(stats.Median(times))}
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
