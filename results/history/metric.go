package history

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Unit is what a metric's figures are in.
type Unit string

// The units. A share is of trials.
const (
	UnitSeconds Unit = "seconds"
	UnitBytes   Unit = "bytes"
	UnitShare   Unit = "share"
)

// UnitOf is the unit of a metric's figures. Failures and failed tests are
// counted in trials: tests of one trial do not fail independently.
func UnitOf(m study.Metric) Unit {
	switch m {
	case study.MetricPeakMemory:
		return UnitBytes
	case study.MetricFailures, study.MetricFailedTests:
		return UnitShare
	}
	return UnitSeconds
}

// measure is the trial's value of a metric in seconds or bytes: 0 where it
// has none. What a failed trial took of memory or time is no measure of a
// set-up; it is a failure.
func (t *Trial) measure(m study.Metric) float64 {
	switch {
	case m == study.MetricSetup:
		return t.Setup.Duration().Seconds()
	case m != study.MetricPeakMemory:
		return t.Phases.Of(trial.Phase(m)).Duration().Seconds()
	case t.ready():
		return float64(t.PeakMemory)
	}
	return 0
}

// count says whether the trial is one that the metric is a share of, and
// whether it is a bad one.
func (t *Trial) count(m study.Metric) (counts, bad bool) {
	if m == study.MetricFailures {
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

// standing is what the trial is to an analysis: only one that counts enters
// series.
func (t *Trial) standing() results.Standing {
	return results.StandingOf(t.WarmUp, t.Fault != "", t.Outcome)
}

func (t *Trial) judged() bool { return t.standing() == results.Counts }
