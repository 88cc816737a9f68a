package analyse

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Ending is one way in which trials of a cell ended.
type Ending struct {
	// Outcome is trial.OK for all that became ready.
	Outcome trial.Outcome
	Trials  int
	Curve   stats.Incidence
}

// Endings is the cumulative incidence of each way to end: the share of all
// trials that had ended so by each time, in the presence of the others.
// Times are in seconds.
type Endings struct {
	Trials int
	CutOff int
	// Ways has ready first, also where nothing became ready, then the
	// failures by their number.
	Ways []Ending
	// Band is the interval of the share that is ready, from each of its times
	// on: exact (Clopper–Pearson) up to the first trial that a limit cut off,
	// and Aalen–Johansen's on the log(−log) scale from there on.
	Band []BandStep
	// ExactUntil is the time of the first trial cut off; +Inf without one.
	ExactUntil float64
}

// BandStep is a band from Time on.
type BandStep struct{ Time, Lower, Upper float64 }

// mostBandSteps is how many steps a band has: more cannot be told apart.
const mostBandSteps = 200

// endings works out the curves of trials. A trial of which no time is known is
// counted at the time until, so that the shares in the end are right; ok is
// false without a trial.
func endings(trials []Observation, until float64) (e Endings, ok bool) {
	ways := waysToEnd(trials)
	times, cause := make([]float64, len(trials)), make([]int, len(trials))
	e = Endings{Trials: len(trials), ExactUntil: math.Inf(1)}
	for i, o := range trials {
		times[i] = until
		if t := o.ended(); !math.IsNaN(t) {
			times[i] = t
		}
		if o.CutOff {
			e.CutOff++
			e.ExactUntil = min(e.ExactUntil, times[i])
			continue
		}
		cause[i] = 1 + slices.Index(ways, o.way())
	}
	curves, err := stats.CumulativeIncidence(times, cause, len(ways))
	if err != nil {
		return Endings{}, false
	}
	for i, way := range ways {
		e.Ways = append(e.Ways, Ending{Outcome: way, Trials: count(trials, func(o Observation) bool { return !o.CutOff && o.way() == way }), Curve: curves[i]})
	}
	e.Band = readyBand(times, cause, curves[0])
	return e, true
}

// Endings of a cell's trials; until is where those without a time are put.
func (s Study) Endings(c trial.Cell, until float64) (Endings, bool) { return endings(s.Of(c), until) }

// ended is when the trial became ready or failed; NaN where not known.
func (o Observation) ended() float64 {
	if o.Ready {
		return o.Setup
	}
	return o.Lost
}

// way is the outcome, with all that became ready in one.
func (o Observation) way() trial.Outcome {
	if o.Ready {
		return trial.OK
	}
	return o.Record.Verdict.Outcome
}

func waysToEnd(trials []Observation) []trial.Outcome {
	counts := map[trial.Outcome]int{}
	for _, o := range trials {
		if !o.Ready && !o.CutOff {
			counts[o.way()]++
		}
	}
	var failures []trial.Outcome
	for _, o := range trial.Outcomes() {
		if counts[o] > 0 {
			failures = append(failures, o)
		}
	}
	slices.SortStableFunc(failures, func(a, b trial.Outcome) int { return counts[b] - counts[a] })
	return append([]trial.Outcome{trial.OK}, failures...)
}

// readyBand follows the steps of the curve of what became ready, cause 1.
func readyBand(times []float64, cause []int, ready stats.Incidence) (steps []BandStep) {
	every := max(1, len(ready)/mostBandSteps)
	at := []float64{0}
	for i, s := range ready {
		if i%every == 0 || i == len(ready)-1 {
			at = append(at, s.Time)
		}
	}
	for _, t := range at {
		_, interval, err := stats.ExactIncidence(times, cause, 1, t, Confidence)
		if err != nil {
			interval, err = ready.Interval(t, Confidence)
		}
		if err == nil {
			steps = append(steps, BandStep{t, interval.Lower, interval.Upper})
		}
	}
	return steps
}
