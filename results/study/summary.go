package study

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/stats"
)

// Confidence is the level of every interval.
const Confidence = 0.95

// alpha is the level of every test.
const alpha = 0.05

// CleanRate is the failure rate of which it is said how many clean trials
// would show that it is not reached.
const CleanRate = 0.10

// Rate is how often something happened, with its exact interval.
type Rate struct {
	Events   int      `json:"events"`
	Trials   int      `json:"trials"`
	Estimate Value    `json:"estimate"`
	Interval Interval `json:"interval" jsonschema:"description=Clopper-Pearson"`
}

func rate(events, trials int) Rate {
	r := Rate{Events: events, Trials: trials, Estimate: none, Interval: unknown()}
	if i, err := stats.ClopperPearson(events, trials, Confidence); err == nil {
		r.Estimate, r.Interval = Value(float64(events)/float64(trials)), interval(i)
	}
	return r
}

// FailureRate is how often the trials failed.
func FailureRate(trials []Observation) Rate {
	return rate(Failures(trials), len(trials))
}

// Failures counts the trials that failed.
func Failures(trials []Observation) int {
	return count(trials, func(o Observation) bool { return !o.Ready })
}

// Times summarises times in seconds.
type Times struct {
	N      int   `json:"n"`
	Median Value `json:"median_seconds"`
	// Interval is the median's, from order statistics: an end is null where so
	// few times put no bound on it.
	Interval Interval `json:"median_interval_seconds"`
	Low      Value    `json:"low_seconds"`
	High     Value    `json:"high_seconds"`
}

func times(values []float64) Times {
	t := Times{N: len(values), Median: median(values), Interval: unknown(), Low: none, High: none}
	if len(values) == 0 {
		return t
	}
	t.Low, t.High = Value(slices.Min(values)), Value(slices.Max(values))
	if i, err := stats.QuantileBounds(values, 0.5, Confidence); err == nil {
		t.Interval = interval(i.Interval)
	}
	return t
}

// Summarise summarises lengths of time.
func Summarise(lengths []trial.Seconds) Times {
	values := make([]float64, len(lengths))
	for i, l := range lengths {
		values[i] = l.Duration().Seconds()
	}
	return times(values)
}

// CellSummary is all that is said of one cell.
type CellSummary struct {
	Cell
	Ready  Rate `json:"ready"`
	Failed Rate `json:"failed" jsonschema:"description=crashed or hung or not ready within the limits"`
	// CleanRuns is how many trials in a row without a failure would show, with
	// 95 % confidence, a failure rate under 10 %.
	CleanRuns int   `json:"clean_runs_for_10_percent"`
	SetupTime Times `json:"setup_time" jsonschema:"description=of successful trials only; read beside ready"`
	// WithRetries is all time spent, failures and recovery included, for each
	// success; null without one, or where a time is not known.
	WithRetries Value      `json:"seconds_with_retries"`
	Contention  Contention `json:"contention"`
	Warnings    []Warning  `json:"warnings"`
}

func (s Study) summarise(basic Cell) CellSummary {
	trials := s.Of(basic.Cell)
	ready := count(trials, func(o Observation) bool { return o.Ready })
	clean, _ := stats.CleanRuns(CleanRate, Confidence)
	spent := 0.0
	for _, o := range trials {
		spent += o.Cost()
	}
	return CellSummary{
		Cell:        basic,
		Ready:       rate(ready, len(trials)),
		Failed:      rate(len(trials)-ready, len(trials)),
		CleanRuns:   clean,
		SetupTime:   times(Setups(trials)),
		WithRetries: Value(spent / float64(ready)),
		Contention:  s.contention(basic.Cell),
		Warnings:    s.cellWarnings(basic, trials),
	}
}

func count(trials []Observation, is func(Observation) bool) (n int) {
	for _, o := range trials {
		if is(o) {
			n++
		}
	}
	return n
}

// Setups are the set-up times of the successful trials of which it is known.
func Setups(trials []Observation) (values []float64) {
	for _, o := range trials {
		if o.Ready && !math.IsNaN(o.Setup) {
			values = append(values, o.Setup)
		}
	}
	return values
}
