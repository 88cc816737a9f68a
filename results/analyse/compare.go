package analyse

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Comparison is two levels of a factor against each other.
type Comparison struct {
	Factor string `json:"factor"`
	First  string `json:"first"`
	Second string `json:"second"`
	// Within are the levels of the other factors that were kept fixed.
	Within trial.Cell `json:"within"`
	N      [2]int     `json:"n"`
	Failed [2]int     `json:"failed"`
	// NotRun says that a side has no trial: nothing is compared then.
	NotRun bool `json:"not_run,omitempty"`

	Time       TimeTest       `json:"time_test"`
	Rates      RateTest       `json:"failure_test"`
	Faster     Superiority    `json:"superiority"`
	Restricted RestrictedDiff `json:"restricted_mean"`
	Ratio      TimeRatio      `json:"setup_ratio"`
	Warnings   []Warning      `json:"warnings"`
}

// TimeTest is the worst-rank permutation test: failures tie behind every time,
// and trials change places only inside their block.
type TimeTest struct {
	P        Value `json:"p"`
	Adjusted Value `json:"p_holm"`
	// Smallest is the least p-value that these blocks could have given.
	Smallest Value `json:"p_smallest"`
	Exact    bool  `json:"exact"`
}

// RateTest is a test of equal failure rates, with the difference
// first − second and its interval.
type RateTest struct {
	// Method of P and Interval: Boschloo's test and the Miettinen–Nurminen
	// interval in a run of fixed length, and those that stay valid after a look
	// at the trials decided how long the run was.
	Method   RateMethod `json:"method"`
	P        Value      `json:"p"`
	Adjusted Value      `json:"p_holm"`
	// Anytime is valid however often one looked before stopping, without a
	// plan for that.
	Anytime    Value    `json:"p_anytime"`
	Difference Value    `json:"difference"`
	Interval   Interval `json:"interval"`
}

// Superiority is how probable it is that a trial of the first level is ready
// before one of the second; a failure loses, two failures tie.
type Superiority struct {
	Probability Value    `json:"probability"`
	Interval    Interval `json:"interval" jsonschema:"description=Newcombe; null with fewer than 2 trials in an arm"`
	WinRatio    Value    `json:"win_ratio" jsonschema:"description=null where nothing was lost"`
}

// RestrictedDiff is the difference first − second of restricted means.
type RestrictedDiff struct {
	Cap        Value    `json:"cap_seconds"`
	Difference Value    `json:"difference_seconds"`
	Interval   Interval `json:"interval_seconds" jsonschema:"description=from those of both means; null where one has none"`
}

// TimeRatio is first over second of the successful trials' set-up times, by
// Hodges and Lehmann inside blocks: conditional on success.
type TimeRatio struct {
	Estimate Value    `json:"estimate"`
	Interval Interval `json:"interval"`
	Coverage Value    `json:"coverage" jsonschema:"description=exact level of the interval; null without one"`
}

func (s Study) compare(a arms, tau float64) Comparison {
	c := Comparison{Factor: a.factor, First: a.first, Second: a.second, Within: append(trial.Cell{}, a.within...), Warnings: []Warning{}}
	for i, trials := range a.trials {
		c.N[i] = len(trials)
		c.Failed[i] = count(trials, func(o Observation) bool { return !o.Ready })
	}
	c.NotRun = c.N[0] == 0 || c.N[1] == 0
	c.Time = timeTest(a)
	c.Rates = rateTest(c.N, c.Failed)
	if !c.NotRun {
		c.Rates.Anytime = anytime(a)
		if s.sequential() {
			c.Rates = s.afterStopping(a, c.Rates)
		}
	}
	c.Faster = superiority(a)
	c.Restricted = s.restrictedDiff(a, tau)
	c.Ratio = timeRatio(a)
	if !c.NotRun {
		c.Warnings = comparisonWarnings(a, c)
	}
	return c
}

// pooled gives the trials of both arms as values, arm and stratum; trials of
// which no time is known are left out.
func (a arms) pooled() (values []float64, first []bool, block []int) {
	place := map[sharing]int{}
	for i, trials := range a.trials {
		for _, o := range trials {
			if !o.known() {
				continue
			}
			key := stratum(o, a.factor)
			if _, seen := place[key]; !seen {
				place[key] = len(place)
			}
			values, first, block = append(values, o.WorstRank()), append(first, i == 0), append(block, place[key])
		}
	}
	return values, first, block
}

func timeTest(a arms) TimeTest {
	t := TimeTest{P: none, Adjusted: none, Smallest: none}
	values, first, block := a.pooled()
	p, err := permuteRanks(values, first, block)
	if err != nil {
		return t
	}
	return TimeTest{P: Value(p.twoSided), Adjusted: Value(p.twoSided), Smallest: Value(p.smallest), Exact: p.exact}
}

func rateTest(n, failed [2]int) RateTest {
	t := RateTest{Method: FixedLength, P: none, Adjusted: none, Anytime: none, Difference: none, Interval: unknown()}
	if n[0] == 0 || n[1] == 0 {
		return t
	}
	a, b := stats.Arm{Events: failed[0], Trials: n[0]}, stats.Arm{Events: failed[1], Trials: n[1]}
	t.Difference = Value(float64(failed[0])/float64(n[0]) - float64(failed[1])/float64(n[1]))
	if i, err := stats.MiettinenNurminen(a, b, Confidence); err == nil {
		t.Interval = interval(i)
	}
	if p, ok := equalRates(a, b); ok {
		t.P, t.Adjusted = Value(p), Value(p)
	}
	return t
}

// tablesBoschloo is the number of tables up to which Boschloo's test is done;
// beyond, Fisher's is as good and quick.
const tablesBoschloo = 40_000

func equalRates(a, b stats.Arm) (float64, bool) {
	if (a.Trials+1)*(b.Trials+1) > tablesBoschloo {
		p, err := stats.Fisher(a, b, stats.TwoSided)
		return p, err == nil
	}
	u, err := stats.Boschloo(a, b, stats.TwoSided)
	return u.P, err == nil
}

func superiority(a arms) Superiority {
	s := Superiority{Probability: none, Interval: unknown(), WinRatio: none}
	first, second := watched(a.trials[0]), watched(a.trials[1])
	if len(first) == 1 && len(second) >= 1 || len(second) == 1 && len(first) >= 1 {
		s.Probability = Value(probabilityFaster(first, second))
		return s
	}
	c, err := stats.CompareSuperiority(first, second, Confidence)
	if err != nil {
		return s
	}
	return Superiority{Probability: Value(c.Probability), Interval: interval(c.ProbabilityCI), WinRatio: Value(c.WinRatio)}
}

func probabilityFaster(first, second []float64) float64 {
	var wins float64
	for _, x := range first {
		for _, y := range second {
			switch {
			case x < y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(first)*len(second))
}

func (s Study) restrictedDiff(a arms, tau float64) RestrictedDiff {
	var m [2]RestrictedMean
	for i, trials := range a.trials {
		m[i] = restrictedMean(trials, tau, s.times.prior(setups(trials)))
	}
	d := RestrictedDiff{Cap: Value(tau), Difference: none, Interval: unknown()}
	if m[0].Mean.Finite() && m[1].Mean.Finite() {
		d.Difference = m[0].Mean - m[1].Mean
	}
	if m[0].Interval.Bounded() && m[1].Interval.Bounded() {
		d.Interval = interval(stats.DifferenceInterval(float64(m[0].Mean), m[0].Interval.ends(), float64(m[1].Mean), m[1].Interval.ends()))
	}
	return d
}

func timeRatio(a arms) TimeRatio {
	r := TimeRatio{Estimate: none, Interval: unknown(), Coverage: none}
	var values [2][]float64
	var blocks [2][]int
	place := map[sharing]int{}
	for i, trials := range a.trials {
		for _, o := range trials {
			if !o.Ready || !(o.Setup > 0) {
				continue
			}
			key := stratum(o, a.factor)
			if _, seen := place[key]; !seen {
				place[key] = len(place)
			}
			values[i], blocks[i] = append(values[i], o.Setup), append(blocks[i], place[key])
		}
	}
	h, err := stats.HodgesLehmannRatio(values[0], values[1], blocks[0], blocks[1], Confidence)
	if err != nil {
		return r
	}
	r.Estimate = Value(h.Estimate)
	if h.CI.Bounded() {
		r.Interval, r.Coverage = interval(h.CI), Value(h.Coverage)
	}
	return r
}

// holm adjusts the p-values of all comparisons together, each test's family
// on its own.
func holm(comparisons []Comparison) {
	adjust(comparisons, func(c *Comparison) (*Value, *Value) { return &c.Time.P, &c.Time.Adjusted })
	adjust(comparisons, func(c *Comparison) (*Value, *Value) { return &c.Rates.P, &c.Rates.Adjusted })
}

func adjust(comparisons []Comparison, of func(*Comparison) (p, adjusted *Value)) {
	var p []float64
	var at []*Value
	for i := range comparisons {
		raw, adjusted := of(&comparisons[i])
		if raw.Finite() {
			p, at = append(p, float64(*raw)), append(at, adjusted)
		}
	}
	adjusted, err := stats.Holm(p)
	if err != nil {
		return
	}
	for i, v := range adjusted {
		*at[i] = Value(v)
	}
}
