package study

import (
	"math"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

// Observation is one trial as the statistics see it.
type Observation struct {
	Run string
	// Record is shared with the run: there may be very many.
	Record *results.Record
	Cell   trial.Cell
	// Block names the trials that shared conditions, across runs.
	Block string
	// Ready is that the environment became usable and stayed so: services ready,
	// and at most tests of the suite failed.
	Ready bool
	// CutOff is that a limit of the spec ended the trial.
	CutOff bool
	// Setup is the time to ready in seconds; NaN where not ready or not known.
	Setup float64
	// Lost is the time until the failure was noticed and Recovery what then
	// passed until the next attempt could begin; NaN where not known.
	Lost, Recovery float64
}

// Observe reads a trial of a run.
func Observe(run results.Run, r *results.Record) Observation {
	o := Observation{Run: run.ID(), Record: r, Cell: r.Trial.Cell, Block: run.ID() + "/" + strconv.Itoa(r.Trial.Block),
		Ready: usable(r), Setup: math.NaN(), Lost: math.NaN(), Recovery: math.NaN()}
	o.CutOff = !o.Ready && r.Verdict.TimedOut
	if o.Ready && r.Setup != nil {
		o.Setup = r.Setup.Duration().Seconds()
	}
	if lost, recovery, ok := Loss(r); ok {
		o.Lost, o.Recovery = lost.Duration().Seconds(), recovery.Duration().Seconds()
	}
	return o
}

// Loss is what a trial that left nothing to work with lost until its machine was
// taken down, and what the rest of it took; ok is false for all others.
func Loss(r *results.Record) (lost, recovery trial.Seconds, ok bool) {
	if usable(r) || r.Elapsed <= 0 {
		return 0, 0, false
	}
	began, ended := trial.Seconds(0), r.Elapsed
	for _, s := range r.Spans {
		switch s.Name {
		case "machine":
			began = s.End
		case "teardown", "recovery":
			ended = s.Start
		}
	}
	lost = max(0, ended-began)
	return lost, r.Elapsed - lost, true
}

// usable is true for an environment that one could work with. An engine that
// dies under the tests leaves none.
func usable(r *results.Record) bool {
	switch r.Verdict.Outcome {
	case trial.OK:
		return r.Setup != nil || r.Imported != nil
	case trial.TestFailed:
		return true
	}
	return false
}

// Cost is what the attempt took of somebody's time: its set-up, or what a
// failure lost; NaN where it is not known.
func (o Observation) Cost() float64 {
	if o.Ready {
		return o.Setup
	}
	return o.Lost + o.Recovery
}

// Failures counts the trials that failed.
func Failures(trials []Observation) int {
	return len(filter(trials, func(o Observation) bool { return !o.Ready }))
}

// Setups are the known set-up times of the trials that became ready.
func Setups(trials []Observation) (values []float64) {
	for _, o := range trials {
		if o.Ready && !math.IsNaN(o.Setup) {
			values = append(values, o.Setup)
		}
	}
	return values
}

// ReadyBy is the share of trials that were ready by each time; those that failed
// never are. A trial of which no time is known is counted at the time until, so
// that the share in the end is right; ok is false without a trial.
func ReadyBy(trials []Observation, until float64) (curve []stats.Step, ok bool) {
	times, ends := make([]float64, len(trials)), make([]stats.End, len(trials))
	for i, o := range trials {
		times[i], ends[i] = o.Lost, stats.AnotherWay
		switch {
		case o.Ready:
			times[i], ends[i] = o.Setup, stats.ThisWay
		case o.CutOff:
			ends[i] = stats.CutOff
		}
		if math.IsNaN(times[i]) {
			times[i] = until
		}
	}
	return stats.Incidence(times, ends), len(trials) > 0
}
