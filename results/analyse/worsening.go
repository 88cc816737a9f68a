package analyse

import (
	"math"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// The least that a worsening must be to matter, beside its test: of times and
// memory as a share, of failure rates as a difference.
const (
	leastWorsening = 0.05
	leastRateRise  = 0.10
)

// Worsening is whether the second level of a factor is worse than the first:
// by any metric that was asked, in any combination of the other factors.
type Worsening struct {
	Factor  string           `json:"factor"`
	First   string           `json:"first"`
	Second  string           `json:"second"`
	Verdict WorseningVerdict `json:"verdict"`
	// Blocks is how many blocks this many tests need at least.
	Blocks int         `json:"blocks_needed"`
	Tests  []WorseTest `json:"tests"`
}

// WorseningVerdict is the answer.
type WorseningVerdict string

// The verdicts. TooFew: no outcome of so few trials could have confirmed it.
const (
	Confirmed    WorseningVerdict = "confirmed"
	NotConfirmed WorseningVerdict = "not-confirmed"
	TooFew       WorseningVerdict = "too-few-trials"
)

// WorseTest is a one-sided test, exact unless there are very many trials: the
// stratified worst-rank permutation test inside blocks, and of failures
// Boschloo's.
type WorseTest struct {
	Cell   trial.Cell `json:"cell"`
	Metric Metric     `json:"metric"`
	// Asked tests decide; the others are there to be seen.
	Asked bool   `json:"asked"`
	N     [2]int `json:"n"`
	// Typical are the medians, and of failures and failed tests the means per
	// trial. Null is never ready in half of the trials, or not measured.
	Typical [2]Value `json:"typical"`
	// Change is second over first less one, or the difference of means; null
	// is an endless one, or not measured.
	Change   Value `json:"change"`
	P        Value `json:"p"`
	Adjusted Value `json:"p_holm"`
	// Smallest is the least p-value that these blocks could have given.
	Smallest Value `json:"p_smallest"`
	// Worse says that both the test and the size of the change are passed.
	Worse bool `json:"worse"`
}

// BlocksToConfirm is the least number of blocks, with a trial of each side,
// in which one of so many tests can be passed.
func BlocksToConfirm(tests int) int {
	return int(math.Ceil(math.Log2(float64(max(1, tests)) / Alpha)))
}

// Worsening tests, in each cell, whether the second level is worse than the
// first: by Holm's method over the tests that are asked, all without any.
func (s Study) Worsening(factor, first, second string, asked []Metric) (Worsening, error) {
	w := Worsening{Factor: factor, First: first, Second: second, Tests: []WorseTest{}}
	question := Question{Factor: factor, First: first, Second: second}
	if err := s.answerable(question); err != nil {
		return w, err
	}
	decides := map[Metric]bool{}
	for _, m := range asked {
		decides[m] = true
	}
	missing := false
	for _, pair := range s.pairs(question) {
		missing = missing || len(pair.trials[0]) == 0 || len(pair.trials[1]) == 0
		for _, m := range Metrics() {
			w.Tests = append(w.Tests, pair.worse(m, len(asked) == 0 || decides[m]))
		}
	}
	w.conclude(missing)
	return w, nil
}

func (a arms) worse(m Metric, asked bool) WorseTest {
	t := WorseTest{Cell: append(trial.Cell{}, a.within...), Metric: m, Asked: asked, Typical: [2]Value{none, none},
		Change: none, P: none, Adjusted: none, Smallest: none}
	values, first, block := a.measured(m)
	var sides [2][]float64
	for i, v := range values {
		side := 1
		if first[i] {
			side = 0
		}
		sides[side] = append(sides[side], v)
	}
	for i, side := range sides {
		t.N[i] = len(side)
		t.Typical[i] = m.typical(side)
	}
	if t.N[0] == 0 || t.N[1] == 0 {
		return t
	}
	t.Change = m.change(t.Typical)
	if m == MetricFailures {
		t.compareRates(sides)
	} else if p, err := stats.WorstRankTest(values, first, block, simulatedArrangements, Seed); err == nil {
		t.P, t.Smallest = Value(p.Less), Value(max(1/p.Arrangements, least(p)))
	}
	t.Adjusted = t.P
	return t
}

// least is the least p-value of a test that draws arrangements.
func least(p stats.Permutation) float64 {
	if p.Exact {
		return 0
	}
	return 1 / float64(p.Draws+1)
}

// measured gives the trials of both arms that have the metric as values, arm
// and stratum.
func (a arms) measured(m Metric) (values []float64, first []bool, block []int) {
	place := map[sharing]int{}
	for i, trials := range a.trials {
		for _, o := range trials {
			v, ok := m.of(o)
			if !ok {
				continue
			}
			key := stratum(o, a.factor)
			if _, seen := place[key]; !seen {
				place[key] = len(place)
			}
			values, first, block = append(values, v), append(first, i == 0), append(block, place[key])
		}
	}
	return values, first, block
}

func (t *WorseTest) compareRates(sides [2][]float64) {
	var arm, extreme [2]stats.Arm
	for i, side := range sides {
		for _, v := range side {
			arm[i].Events += int(v)
		}
		arm[i].Trials = len(side)
		extreme[i] = stats.Arm{Events: i * len(side), Trials: len(side)}
	}
	if u, err := stats.Boschloo(arm[0], arm[1], stats.Less); err == nil {
		t.P = Value(u.P)
	}
	if u, err := stats.Boschloo(extreme[0], extreme[1], stats.Less); err == nil {
		t.Smallest = Value(u.P)
	}
}

func (m Metric) isCount() bool { return m == MetricFailures || m == MetricFailedTests }

func (m Metric) typical(values []float64) Value {
	switch {
	case len(values) == 0:
		return none
	case m.isCount():
		return Value(average(values))
	}
	middle, err := stats.Quantile(values, 0.5)
	if err != nil {
		return none
	}
	return Value(middle)
}

func (m Metric) change(typical [2]Value) Value {
	if m.isCount() {
		return typical[1] - typical[0]
	}
	return typical[1]/typical[0] - 1
}

// matters says whether a change is large enough to count.
func (m Metric) matters(change Value) bool {
	switch m {
	case MetricFailures:
		return change >= leastRateRise
	case MetricFailedTests:
		return change > 0
	}
	return change >= leastWorsening
}

// conclude adjusts the tests that are asked for each other, and answers.
func (w *Worsening) conclude(missing bool) {
	var family []*WorseTest
	var p []float64
	for i := range w.Tests {
		if t := &w.Tests[i]; t.Asked && t.P.Finite() {
			family, p = append(family, t), append(p, float64(t.P))
		}
	}
	w.Blocks = BlocksToConfirm(len(family))
	w.Verdict = NotConfirmed
	if missing || len(family) == 0 {
		w.Verdict = TooFew
	}
	adjusted, err := stats.Holm(p)
	for i, t := range family {
		if err == nil {
			t.Adjusted = Value(adjusted[i])
		}
		if float64(t.Smallest)*float64(len(family)) > Alpha {
			w.Verdict = TooFew
		}
	}
	for _, t := range family {
		if t.Worse = float64(t.Adjusted) <= Alpha && t.Metric.matters(t.Change); t.Worse {
			w.Verdict = Confirmed
		}
	}
}
