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

// burdens make a night unfit above most, unless that is how the host always is:
// above twice what is usual there.
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
