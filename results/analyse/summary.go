package analyse

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Confidence is the level of every interval.
const Confidence = 0.95

// Alpha is the level of every test.
const Alpha = 0.05

// CleanRate is the failure rate of which it is said how many clean trials
// would show that it is not reached.
const CleanRate = 0.10

// Seed is that of every simulation: the same trials give the same figures.
const Seed = 20251216

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
	return rate(count(trials, func(o Observation) bool { return !o.Ready }), len(trials))
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
	t := Times{N: len(values), Median: none, Interval: unknown(), Low: none, High: none}
	if len(values) == 0 {
		return t
	}
	t.Low, t.High = Value(slices.Min(values)), Value(slices.Max(values))
	if m, err := stats.Quantile(values, 0.5); err == nil {
		t.Median = Value(m)
	}
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

// RestrictedMean is the mean time to ready up to a cap, with failures counted
// as the cap: the one mean that stays finite.
type RestrictedMean struct {
	Cap      Value    `json:"cap_seconds"`
	Mean     Value    `json:"mean_seconds"`
	Interval Interval `json:"interval_seconds" jsonschema:"description=from the posterior; null with fewer than 4 trials or where none was ready before the cap"`
}

// RunningTime is the expected time until ready when every failure is followed
// by another attempt.
type RunningTime struct {
	// Mean is null when no trial succeeded (infinite) or times are not known.
	Mean Value `json:"mean_seconds"`
	// Interval is from the posterior under Jeffreys' prior of the success rate
	// and a weak one of the spread of times, pooled over the cells.
	Interval Interval `json:"interval_seconds"`
	// Floor bounds Mean below, with 95 % confidence, where nothing succeeded.
	Floor    Value `json:"floor_seconds" jsonschema:"description=lower bound where no trial succeeded; else null"`
	Infinite bool  `json:"infinite,omitempty"`
}

// CellSummary is all that is said of one cell.
type CellSummary struct {
	Cell
	Ready  Rate `json:"ready"`
	Failed Rate `json:"failed" jsonschema:"description=crashed or hung or not ready within the limits"`
	// CleanRuns is how many trials in a row without a failure would show, with
	// 95 % confidence, a failure rate under 10 %.
	CleanRuns      int            `json:"clean_runs_for_10_percent"`
	SetupTime      Times          `json:"setup_time" jsonschema:"description=of successful trials only; read beside ready"`
	RestrictedMean RestrictedMean `json:"restricted_mean"`
	RunningTime    RunningTime    `json:"expected_running_time"`
	Contention     Contention     `json:"contention"`
	Warnings       []Warning      `json:"warnings"`
}

func (s Study) summarise(basic Cell, tau float64) CellSummary {
	trials := s.Of(basic.Cell)
	ready := count(trials, func(o Observation) bool { return o.Ready })
	clean, _ := stats.CleanRuns(CleanRate, Confidence)
	return CellSummary{
		Cell:           basic,
		Ready:          rate(ready, len(trials)),
		Failed:         rate(len(trials)-ready, len(trials)),
		CleanRuns:      clean,
		SetupTime:      times(setups(trials)),
		RestrictedMean: restrictedMean(trials, tau, s.times.prior(setups(trials))),
		RunningTime:    runningTime(trials, s.assumedLosses(basic.Cell, Priorities{}), s.times),
		Contention:     s.contention(basic.Cell),
		Warnings:       s.cellWarnings(basic, trials),
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

// setups are the set-up times of the successful trials of which it is known.
func setups(trials []Observation) (values []float64) {
	for _, o := range trials {
		if o.Ready && !math.IsNaN(o.Setup) {
			values = append(values, o.Setup)
		}
	}
	return values
}

// losses are what each failure cost, recovery included, where it is known.
func losses(trials []Observation, p Priorities) (values []float64) {
	for _, o := range trials {
		if cost := p.cost(o); !o.Ready && !math.IsNaN(cost) {
			values = append(values, cost)
		}
	}
	return values
}

// watched are the times to ready of trials, +Inf for failures and for those
// that a limit ended, which is never before the common cap.
func watched(trials []Observation) (values []float64) {
	for _, o := range trials {
		if o.known() {
			values = append(values, o.WorstRank())
		}
	}
	return values
}

// restrictedMean is the mean of times cut at tau: all trials are watched to the
// common cap, so that nothing is censored before it.
func restrictedMean(trials []Observation, tau float64, spread stats.SpreadPrior) RestrictedMean {
	m := RestrictedMean{Cap: Value(tau), Mean: none, Interval: unknown()}
	values := watched(trials)
	if len(values) == 0 || !(tau > 0) {
		return m
	}
	mean, i, err := stats.CappedMean(values, tau, Confidence, spread, draws(len(values)), Seed)
	if err != nil {
		m.Mean = Value(cappedAverage(values, tau))
		return m
	}
	m.Mean = Value(mean)
	if len(values) >= fewest {
		m.Interval = interval(i)
	}
	return m
}

func cappedAverage(values []float64, limit float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += min(v, limit)
	}
	return sum / float64(len(values))
}

// fewest trials for which an interval of a mean is shown.
const fewest = 4

// commonCap is the longest time to which every cell was watched.
func (s Study) commonCap() float64 {
	last := 0.0
	for _, o := range s.Trials {
		if o.Ready && !math.IsNaN(o.Setup) {
			last = max(last, o.Setup)
		}
	}
	for _, o := range s.Trials {
		if o.CutOff && o.Lost > 0 {
			last = min(last, o.Lost)
		}
	}
	return last
}

// assumedLosses are what a failure of a cell is taken to cost where none was
// seen: what others with its runtime and memory limit cost, else others of the
// study, and without any as much as a whole set-up.
func (s Study) assumedLosses(cell trial.Cell, p Priorities) []float64 {
	var near, all []float64
	group := pick(cell, groupFactors).Key()
	for _, c := range s.Cells {
		lost := losses(s.Of(c), p)
		all = append(all, lost...)
		if pick(c, groupFactors).Key() == group {
			near = append(near, lost...)
		}
	}
	switch {
	case len(near) > 0:
		return near
	case len(all) > 0:
		return all
	}
	return setups(s.Of(cell))
}

// draws is how many of the posterior are taken: fewer of many trials, whose
// posterior is narrow.
func draws(trials int) int { return min(4000, max(1000, 2_000_000/max(1, trials))) }

func runningTime(trials []Observation, assumed []float64, spread spread) RunningTime {
	a := stats.Attempts{Ready: setups(trials), Lost: losses(trials, Priorities{})}
	t := RunningTime{Mean: none, Interval: unknown(), Floor: none}
	if len(trials) == 0 || len(a.Ready)+len(a.Lost) < len(trials) {
		return t
	}
	if len(a.Ready) == 0 {
		t.Infinite = true
		if floor, err := stats.ExpectedRunningTimeFloor(a.Lost, Confidence); err == nil {
			t.Floor = Value(floor)
		}
		return t
	}
	if m, err := stats.ExpectedRunningTime(a); err == nil {
		t.Mean = Value(m)
	}
	if len(a.Ready) > 1 {
		t.Interval = posteriorInterval(a, assumed, spread)
	}
	return t
}

func posteriorInterval(a stats.Attempts, otherLost []float64, spread spread) Interval {
	all := len(a.Ready) + len(a.Lost) + len(otherLost)
	i, err := stats.RunningTimeInterval(a, otherLost, spread.belief(a.Ready, stats.JeffreysPrior), Confidence, draws(all), Seed)
	if err != nil {
		return unknown()
	}
	return interval(i)
}
