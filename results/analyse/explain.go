package analyse

import (
	"errors"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Explanation says which factors go with failures and with time, and what the
// trials cannot tell.
type Explanation struct {
	Schema  string         `json:"schema"`
	Trials  int            `json:"trials"`
	Failed  int            `json:"failed"`
	Factors []FactorTest   `json:"factors"`
	Effects []FactorEffect `json:"effects"`
	// Together are pairs of factors; Products the levels they have them in.
	Together []PairTest    `json:"interactions"`
	Products []Interaction `json:"interaction_levels"`
	Times    []TimeEffect  `json:"time_effects"`
	// Missing are combinations of levels without a trial.
	Missing []trial.Cell `json:"missing"`
	// Aliased are pairs of factors of which one cannot be told from the other.
	Aliased []Alias `json:"aliased"`
	// Untold are factors some level of which was not run apart from levels of
	// others.
	Untold   []string  `json:"untold"`
	Outcomes []ByLevel `json:"by_level"`
	Warnings []Warning `json:"warnings"`
}

// FailureRate is that of all trials together.
func (e Explanation) FailureRate() Rate { return rate(e.Failed, e.Trials) }

// FactorTest is whether a factor, all its levels together, goes with failures
// and with the times of ready trials, all other factors held equal.
type FactorTest struct {
	Factor   string      `json:"factor"`
	Levels   int         `json:"levels"`
	Failures OverallTest `json:"failures"`
	Times    OverallTest `json:"times"`
}

// OverallTest is one test of all levels of a factor.
type OverallTest struct {
	P Value `json:"p"`
	// Adjusted is after Holm over the factors.
	Adjusted Value `json:"p_holm"`
	// Exact says that P is from all permutations inside blocks or the
	// conditional distribution, and else from drawn permutations, the penalised
	// likelihood ratio or the χ² limit.
	Exact bool `json:"exact"`
}

// Shown says that the test was passed, after Holm.
func (t OverallTest) Shown() bool { return float64(t.Adjusted) < Alpha }

// FactorEffect is the association of one level of a factor with failing,
// against another level of it, all other factors held equal. Of a pair the one
// that failed less is the reference.
type FactorEffect struct {
	Factor    string `json:"factor"`
	Level     string `json:"level"`
	Reference string `json:"reference"`
	// OddsRatio is by Firth's penalised likelihood, adjusted for the other
	// factors.
	OddsRatio Value    `json:"odds_ratio"`
	Interval  Interval `json:"interval" jsonschema:"description=profile of the penalised likelihood"`
	// P is exact and conditional on everything else,
	// and else that of the penalised likelihood ratio.
	P Value `json:"p"`
	// Adjusted is after Holm over the factor's pairs, and never under the
	// factor's own.
	Adjusted Value `json:"p_holm"`
	Exact    bool  `json:"exact"`
}

// TimeEffect is the ratio of set-up times of a level to those of another one
// of the factor, in successful trials with all else equal.
type TimeEffect struct {
	Factor    string    `json:"factor"`
	Level     string    `json:"level"`
	Reference string    `json:"reference"`
	Ratio     TimeRatio `json:"ratio"`
	N         [2]int    `json:"n"`
}

// ByLevel counts the failures of one level, over all levels of the others.
type ByLevel struct {
	Factor string `json:"factor"`
	Level  string `json:"level"`
	Failed Rate   `json:"failed"`
}

// Explain relates failures and times to the factors; together asks for pairs
// of factors as well, which takes a model each.
func (s Study) Explain(together bool) (Explanation, error) {
	if len(s.Trials) == 0 {
		return Explanation{}, errors.New("there is no measured trial to explain")
	}
	e := Explanation{Schema: "stratbench.explanation/v1", Trials: len(s.Trials), Factors: []FactorTest{}, Effects: []FactorEffect{},
		Together: []PairTest{}, Products: []Interaction{}, Times: []TimeEffect{}, Missing: []trial.Cell{}, Aliased: []Alias{}, Untold: []string{},
		Outcomes: []ByLevel{}, Warnings: append([]Warning{}, s.warnings()...)}
	e.Failed = count(s.Trials, func(o Observation) bool { return !o.Ready })
	some := e.Failed > 0 && e.Failed < e.Trials
	factors := s.runFactors()
	e.Aliased = append(e.Aliased, s.aliases(factors)...)
	e.Missing = append(e.Missing, s.missing(factors)...)
	for i, a := range sideBySide(factors, func(f trial.Factor) answer { return s.answer(f, factors, some) }) {
		e.Outcomes, e.Times = append(e.Outcomes, a.outcomes...), append(e.Times, a.times...)
		e.Factors, e.Effects = append(e.Factors, a.test), append(e.Effects, a.effects...)
		if !a.told {
			e.Untold = append(e.Untold, factors[i].Name)
		}
	}
	if some && together {
		e.Together, e.Products = s.interactions(factors)
	}
	e.adjust()
	return e, nil
}

// answer is what there is to say of one factor.
type answer struct {
	outcomes []ByLevel
	times    []TimeEffect
	test     FactorTest
	effects  []FactorEffect
	told     bool
}

// answer compares failures where some trials failed and some did not.
func (s Study) answer(f trial.Factor, factors []trial.Factor, some bool) answer {
	parts := s.perLevel(f.Name)
	a := answer{outcomes: byLevel(f, parts), times: timeEffects(f, parts), told: s.estimable(f, factors),
		test: FactorTest{f.Name, len(f.Levels), OverallTest{P: none}, s.overallTimes(f)}}
	if !some {
		return a
	}
	a.effects = s.failureEffects(f, factors)
	if len(a.effects) == 1 {
		a.test.Failures = OverallTest{P: a.effects[0].P, Exact: a.effects[0].Exact}
	} else {
		a.test.Failures = s.overallFailures(f, factors)
	}
	return a
}

// adjust applies Holm over the factors, and inside each over its pairs.
func (e *Explanation) adjust() {
	adjustTests(e.Factors, func(f *FactorTest) *OverallTest { return &f.Failures })
	adjustTests(e.Factors, func(f *FactorTest) *OverallTest { return &f.Times })
	for _, f := range e.Factors {
		var p []float64
		var at []*FactorEffect
		for i := range e.Effects {
			if e.Effects[i].Factor == f.Factor {
				p, at = append(p, float64(e.Effects[i].P)), append(at, &e.Effects[i])
			}
		}
		adjusted, err := stats.Holm(p)
		for i := range at {
			at[i].Adjusted = none
			if err == nil {
				at[i].Adjusted = max(Value(adjusted[i]), f.Failures.Adjusted)
			}
		}
	}
}

func adjustTests(factors []FactorTest, of func(*FactorTest) *OverallTest) {
	var p []float64
	var at []*OverallTest
	for i := range factors {
		t := of(&factors[i])
		t.Adjusted = none
		if t.P.Finite() {
			p, at = append(p, float64(t.P)), append(at, t)
		}
	}
	adjusted, err := stats.Holm(p)
	for i := range at {
		if err == nil {
			at[i].Adjusted = Value(adjusted[i])
		}
	}
}

// runFactors are the factors with more than one level among measured trials,
// with those levels.
func (s Study) runFactors() (factors []trial.Factor) {
	for i, f := range s.Factors {
		var levels []trial.Level
		for _, l := range f.Levels {
			if slices.ContainsFunc(s.Trials, func(o Observation) bool { return o.Cell[i].Level == l.Name }) {
				levels = append(levels, l)
			}
		}
		if len(levels) > 1 {
			factors = append(factors, trial.Factor{Name: f.Name, Levels: levels})
		}
	}
	return factors
}
