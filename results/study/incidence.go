package study

import (
	"math"

	"github.com/stratbench/stratbench/results/stats"
)

// ReadyBy is the share of trials that were ready by each time; those that failed
// never are. A trial of which no time is known is counted at the time until, so
// that the share in the end is right; ok is false without a trial.
func ReadyBy(trials []Observation, until float64) (curve stats.Incidence, ok bool) {
	const ready, failed = 1, 2
	times, cause := make([]float64, len(trials)), make([]int, len(trials))
	for i, o := range trials {
		times[i] = o.Lost
		if o.Ready {
			times[i] = o.Setup
		}
		if math.IsNaN(times[i]) {
			times[i] = until
		}
		switch {
		case o.Ready:
			cause[i] = ready
		case !o.CutOff:
			cause[i] = failed
		}
	}
	curves, err := stats.CumulativeIncidence(times, cause, failed)
	if err != nil {
		return nil, false
	}
	return curves[0], true
}
