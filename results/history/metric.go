package history

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// Metric is what a series is of.
type Metric string

// The metrics: set-up time, each phase and peak memory are measures of the
// trials that came so far; Failed and TestsFailed count trials.
const (
	Setup       Metric = "setup"
	Cluster     Metric = "cluster"
	BuildPhase  Metric = "build"
	LoadPhase   Metric = "load"
	Deploy      Metric = "deploy"
	Test        Metric = "test"
	PeakMemory  Metric = "peak-memory"
	Failed      Metric = "failed"
	TestsFailed Metric = "tests-failed"
)

// Metrics lists every Metric.
func Metrics() []Metric {
	return []Metric{Setup, Cluster, BuildPhase, LoadPhase, Deploy, Test, PeakMemory, Failed, TestsFailed}
}

// Unit is what a metric's figures are in.
type Unit string

// The units. A share is of trials.
const (
	UnitSeconds Unit = "seconds"
	UnitBytes   Unit = "bytes"
	UnitShare   Unit = "share"
)

// Unit of the metric's figures.
func (m Metric) Unit() Unit {
	switch m {
	case PeakMemory:
		return UnitBytes
	case Failed, TestsFailed:
		return UnitShare
	}
	return UnitSeconds
}

// phase is the phase that the metric is of, if it is of one.
func (m Metric) phase() (trial.Phase, bool) {
	p := trial.Phase(m)
	return p, slices.Contains(trial.Phases(), p)
}

// measure is the trial's value of a measure: 0 where it has none.
func (m Metric) measure(t *Trial) float64 {
	if p, ok := m.phase(); ok {
		return t.Phases.Of(p).Duration().Seconds()
	}
	if m == PeakMemory {
		return float64(t.PeakMemory)
	}
	return t.Setup.Duration().Seconds()
}

// count says whether the trial is one that the metric is a share of, and
// whether it is a bad one.
func (m Metric) count(t *Trial) (counts, bad bool) {
	if m == Failed {
		return true, !t.ready()
	}
	if t.Tests == nil {
		return t.Outcome == trial.TestFailed, t.Outcome == trial.TestFailed
	}
	return true, t.Outcome == trial.TestFailed || t.Tests.Failed > t.Tests.Known
}

// ready is true for a trial that left an environment one could work with.
func (t *Trial) ready() bool {
	return t.Outcome == trial.OK && t.Setup > 0 || t.Outcome == trial.TestFailed
}

// judged is true for a trial that enters series: warm-ups do not, nor what
// stratbench could not measure, what was cancelled, or what was broken on
// purpose.
func (t *Trial) judged() bool {
	return !t.WarmUp && t.Fault == "" && t.Outcome != trial.RunnerFault && t.Outcome != trial.Cancelled
}
