package study

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
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
	for _, s := range r.Spans { // by their start
		switch {
		case s.Name == "machine":
			began = s.End
		case s.Name == "teardown", s.Name == "recovery":
			ended = min(ended, s.Start)
		case s.Phase != "":
			ended = r.Elapsed // the set-up went on after a crash
		}
	}
	lost = max(0, ended-began)
	return lost, r.Elapsed - lost, true
}

// usable is an environment to work with. An engine that dies under tests leaves none.
func usable(r *results.Record) bool {
	switch r.Verdict.Outcome {
	case trial.OK:
		return r.Setup != nil || r.Imported != nil
	case trial.TestFailed:
		return true
	}
	return false
}

// Cost is what the attempt took: its set-up, or what a failure lost; NaN if not known.
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

// Step is the share of trials that were ready by Time.
type Step struct{ Time, Share float64 }

// ReadyBy is the share of trials that were ready by each time, a step for each distinct
// one; those that failed never are, and nobody knows of those that were cut off. A trial
// of which no time is known is counted at the time until, so that the share in the end
// is right.
//
// Aalen & Johansen, Scandinavian Journal of Statistics 5 (1978) 141.
func ReadyBy(trials []Observation, until float64) (curve []Step) {
	type end struct {
		at            float64
		ready, cutOff bool
	}
	ends := make([]end, len(trials)) // there may be very many
	for i, o := range trials {
		at := o.Lost
		if o.Ready {
			at = o.Setup
		}
		if math.IsNaN(at) {
			at = until
		}
		ends[i] = end{at, o.Ready, o.CutOff}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	survival, share := 1.0, 0.0
	for i := 0; i < len(ends); {
		time, atRisk, ready, failed := ends[i].at, float64(len(ends)-i), 0.0, 0.0
		for ; i < len(ends) && ends[i].at == time; i++ {
			switch {
			case ends[i].ready:
				ready++
			case !ends[i].cutOff:
				failed++
			}
		}
		share += survival * ready / atRisk
		survival *= 1 - (ready+failed)/atRisk
		curve = append(curve, Step{time, share})
	}
	return curve
}

// Metric is something by which a trial can be worse than another: the time to
// ready, a phase of that name, the peak of memory, a failure, failed tests.
type Metric string

// The metrics that are not the length of a phase.
const (
	MetricSetup       Metric = "setup"
	MetricPeakMemory  Metric = "peak-memory"
	MetricFailures    Metric = "failures"
	MetricFailedTests Metric = "failed-tests"
)

// Metrics lists every Metric.
func Metrics() []Metric {
	all := []Metric{MetricSetup}
	for _, p := range trial.Phases() {
		all = append(all, Metric(p))
	}
	return append(all, MetricPeakMemory, MetricFailures, MetricFailedTests)
}

// ParseMetric reads the name of a metric.
func ParseMetric(name string) (Metric, error) {
	if slices.Contains(Metrics(), Metric(name)) {
		return Metric(name), nil
	}
	return "", fmt.Errorf("%q is no metric; the metrics are %s", name, strings.Trim(fmt.Sprint(Metrics()), "[]"))
}

// Unit is the unit of a metric's figures.
type Unit string

// The units. A share is a share of trials.
const (
	UnitSeconds Unit = "seconds"
	UnitBytes   Unit = "bytes"
	UnitShare   Unit = "share"
)

// Unit is the unit of the metric's figures. Failures and failed tests are counted
// in trials: tests of one trial do not fail independently.
func (m Metric) Unit() Unit {
	switch {
	case m == MetricPeakMemory:
		return UnitBytes
	case m.IsRate():
		return UnitShare
	}
	return UnitSeconds
}

// IsRate is true for what a trial has or has not.
func (m Metric) IsRate() bool { return m == MetricFailures || m == MetricFailedTests }

// Of is the trial's value: seconds, bytes, or 1 for a failure and for failed
// tests. ok is false where the trial has none. A failed trial has an infinite
// set-up and phase that failed, and no value of the phases after it.
func (m Metric) Of(o Observation) (value float64, ok bool) {
	switch m {
	case MetricSetup:
		if !o.Ready {
			return math.Inf(1), true
		}
		return o.Setup, !math.IsNaN(o.Setup) // an import may have the outcome only
	case MetricPeakMemory:
		peak, ok := PeakMemory(o.Record)
		return float64(peak), ok && o.Ready
	case MetricFailures:
		return oneIf(!o.Ready), true
	case MetricFailedTests:
		newly := func(t trial.TestResult) bool { return t.Status == trial.TestFail && !t.Known }
		failed := o.Record.Verdict.Outcome == trial.TestFailed || slices.ContainsFunc(o.Record.Tests, newly)
		return oneIf(failed), failed || len(o.Record.Tests)+o.Record.PassedTests > 0
	}
	if length, ok := PhaseTime(o.Record, trial.Phase(m)); ok {
		return length, true
	}
	return math.Inf(1), o.Record.Verdict.Phase == trial.Phase(m)
}

// Paired are the trials' values on two sides, those with the same key beside each
// other in lists of the same place. Times and memory that are not above 0 are left out.
func (m Metric) Paired(sides [2][]Observation, key func(Observation) string) (values [2][][]float64) {
	place := map[string]int{}
	for i, trials := range sides {
		for _, o := range trials {
			v, ok := m.Of(o)
			if !ok || !m.IsRate() && !(v > 0) {
				continue
			}
			at, seen := place[key(o)]
			if !seen {
				at = len(place)
				place[key(o)] = at
				values[0], values[1] = append(values[0], nil), append(values[1], nil)
			}
			values[i][at] = append(values[i][at], v)
		}
	}
	return values
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// PhaseTime is the length of a phase that ended well in a set-up that was begun once.
func PhaseTime(r *results.Record, p trial.Phase) (seconds float64, ok bool) {
	if r.Crash != nil {
		return 0, false
	}
	for _, s := range r.Spans {
		if s.Phase == p && s.IsPhase() && s.EndedWell() {
			return s.Length().Duration().Seconds(), true
		}
	}
	return 0, false
}
