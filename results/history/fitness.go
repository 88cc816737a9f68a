package history

import (
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/results/analyse/stats"
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

// Above these the host was doing something else as well.
const (
	// mostLoadPerCPU is for the first trial alone: those that follow inherit
	// the load of those before them.
	mostLoadPerCPU = 1.0
	// mostPressure is the share of time in per cent that work waited for a
	// processor before the first trial.
	mostPressure = 25.0
	// mostSteal is the share of processor time that another guest had.
	mostSteal = 0.05
)

func fitnessOf(runs []*Run) []Fitness {
	fit := make([]Fitness, len(runs))
	if len(runs) == 0 {
		return fit
	}
	job := jobOf(runs)
	for i, r := range runs {
		fit[i] = Fitness{Reasons: r.busy(), Reference: r.reference(job)}
	}
	return fit
}

// jobOf is the reference workload that the newest nights do.
func jobOf(runs []*Run) string {
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
			times = append(times, ref.Elapsed.Duration().Seconds())
		}
	}
	m, err := stats.Quantile(times, 0.5)
	if err != nil {
		return 0
	}
	return m
}

// busy says what the host did beside the run.
func (r *Run) busy() (reasons []string) {
	if len(r.Trials) == 0 {
		return nil
	}
	first := r.Trials[0].Load
	cpus := float64(max(1, r.Environment.CPUs))
	if first.Load1/cpus > mostLoadPerCPU {
		reasons = append(reasons, fmt.Sprintf("a load of %.1f on %.0f CPUs before the first trial", first.Load1, cpus))
	}
	if first.HasPressure && first.CPUSome > mostPressure {
		reasons = append(reasons, fmt.Sprintf("work waited for a CPU %.0f %% of the time before the first trial", first.CPUSome))
	}
	last := r.Trials[len(r.Trials)-1].Load
	if all := last.CPU - first.CPU; all > 0 && last.Steal > first.Steal {
		if share := float64(last.Steal-first.Steal) / float64(all); share > mostSteal {
			reasons = append(reasons, fmt.Sprintf("another guest of the hardware took %.0f %% of the CPU time", 100*share))
		}
	}
	return reasons
}
