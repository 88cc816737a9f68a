package history

import (
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

// Fitness is whether a host was fit to measure on in a night. A night that is
// not fit stays in the history and is not judged by.
type Fitness struct {
	// Reasons are what spoke against the night; none for a fit one.
	Reasons []string
	// Reference is the median time of the reference workload in seconds; 0
	// where it was not done, or was another one than in the newest night.
	Reference float64
}

// Unfit is true when something speaks against the night.
func (f Fitness) Unfit() bool { return len(f.Reasons) > 0 }

// Above these the host was doing something else as well, unless that is how it
// always is: a night is held against usual times what the nights before it had.
const (
	// mostLoadPerCPU is for the first trial alone: those that follow inherit
	// the load of those before them.
	mostLoadPerCPU = 1.0
	// mostPressure is the share of time in per cent that work waited for a
	// processor before the first trial.
	mostPressure = 25.0
	// mostSteal is the share of processor time that another guest had.
	mostSteal = 0.05

	usual = 2.0
	// usualNights are looked back on for what is usual, at least fewUsual.
	usualNights, fewUsual = 30, 5
)

// busyness is what a host did beside a run.
type busyness struct{ loadPerCPU, pressure, steal float64 }

func fitnessOf(runs []*Run) []Fitness {
	fit := make([]Fitness, len(runs))
	job := newestJob(runs)
	var before []busyness
	for i, r := range runs {
		b := r.beside
		fit[i] = Fitness{Reasons: b.reasons(before[max(0, len(before)-usualNights):]), Reference: r.reference(job)}
		before = append(before, b)
	}
	return fit
}

// reasons say what was too much, of what the nights before had.
func (b busyness) reasons(before []busyness) (reasons []string) {
	tooMuch := func(of func(busyness) float64, most float64) bool {
		var earlier []float64
		for _, e := range before {
			earlier = append(earlier, of(e))
		}
		if len(earlier) >= fewUsual {
			most = max(most, usual*stats.Median(earlier))
		}
		return of(b) > most
	}
	if tooMuch(func(b busyness) float64 { return b.loadPerCPU }, mostLoadPerCPU) {
		reasons = append(reasons, fmt.Sprintf("a load of %.1f per CPU before the first trial", b.loadPerCPU))
	}
	if tooMuch(func(b busyness) float64 { return b.pressure }, mostPressure) {
		reasons = append(reasons, fmt.Sprintf("work waited for a CPU %.0f %% of the time before the first trial", b.pressure))
	}
	if tooMuch(func(b busyness) float64 { return b.steal }, mostSteal) {
		reasons = append(reasons, fmt.Sprintf("another guest of the hardware took %.0f %% of the CPU time", 100*b.steal))
	}
	return reasons
}

// busynessOf is what is known of it, by what was seen before the first trial and
// before the last; what was not recorded is 0.
func busynessOf(first, last results.Load, cpus int) (b busyness) {
	b.loadPerCPU = first.Load1 / float64(max(1, cpus))
	if first.Pressure.Known {
		b.pressure = first.Pressure.CPUSome
	}
	if all := last.CPU - first.CPU; all > 0 && last.Steal > first.Steal {
		b.steal = float64(last.Steal-first.Steal) / float64(all)
	}
	return b
}

// newestJob is the reference workload that the newest nights do.
func newestJob(runs []*Run) string {
	for _, r := range slices.Backward(runs) {
		if n := len(r.References); n > 0 {
			return r.References[n-1].Job
		}
	}
	return ""
}

func (r *Run) reference(job string) float64 {
	var times []float64
	for _, ref := range r.References {
		if ref.Job == job {
			times = append(times, ref.Seconds)
		}
	}
	if len(times) == 0 {
		return 0
	}
	return stats.Median(times)
}
