package analyse

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Explanation says which factors go with failures and with time, and what the
// trials cannot tell.
type Explanation struct {
	Schema   string         `json:"schema"`
	Trials   int            `json:"trials"`
	Failed   int            `json:"failed"`
	Effects  []FactorEffect `json:"effects"`
	Together []Interaction  `json:"interactions"`
	Times    []TimeEffect   `json:"time_effects"`
	// Missing are combinations of levels without a trial.
	Missing []trial.Cell `json:"missing"`
	// Aliased are pairs of factors of which one cannot be told from the other.
	Aliased  []Alias   `json:"aliased"`
	Outcomes []ByLevel `json:"by_level"`
	Warnings []Warning `json:"warnings"`
}

// FactorEffect is the association of one level of a factor with failing,
// against the factor's first level, all other factors held equal.
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
	P        Value `json:"p"`
	Adjusted Value `json:"p_holm"`
	Exact    bool  `json:"exact"`
}

// Interaction is how much more two levels together do than each alone.
type Interaction struct {
	First     trial.Assignment `json:"first"`
	Second    trial.Assignment `json:"second"`
	OddsRatio Value            `json:"odds_ratio"`
	Interval  Interval         `json:"interval"`
	P         Value            `json:"p"`
}

// TimeEffect is the ratio of set-up times of a level to those of the factor's
// first one, in successful trials with all else equal.
type TimeEffect struct {
	Factor    string    `json:"factor"`
	Level     string    `json:"level"`
	Reference string    `json:"reference"`
	Ratio     TimeRatio `json:"ratio"`
	N         [2]int    `json:"n"`
}

// Alias is two factors whose levels never varied apart.
type Alias struct {
	First  string `json:"first"`
	Second string `json:"second"`
}

// ByLevel counts the failures of one level, in all and within each level of
// another factor.
type ByLevel struct {
	Factor string `json:"factor"`
	Level  string `json:"level"`
	Failed Rate   `json:"failed"`
}

// Explain relates failures and times to the factors; together asks for pairs
// of levels as well, which takes a model each.
func (s Study) Explain(together bool) (Explanation, error) {
	if len(s.Trials) == 0 {
		return Explanation{}, errors.New("there is no measured trial to explain")
	}
	e := Explanation{Schema: "stratbench.explanation/v1", Trials: len(s.Trials), Effects: []FactorEffect{}, Together: []Interaction{},
		Times: []TimeEffect{}, Missing: []trial.Cell{}, Aliased: []Alias{}, Outcomes: []ByLevel{}, Warnings: append([]Warning{}, s.warnings()...)}
	e.Failed = count(s.Trials, func(o Observation) bool { return !o.Ready })
	factors := s.runFactors()
	for _, f := range factors {
		parts := s.perLevel(f.Name)
		e.Outcomes = append(e.Outcomes, byLevel(f, parts)...)
		e.Times = append(e.Times, timeEffects(f, parts)...)
	}
	e.Aliased = append(e.Aliased, s.aliases(factors)...)
	e.Missing = append(e.Missing, s.missing(factors)...)
	if e.Failed > 0 && e.Failed < e.Trials {
		model := s.model(factors)
		e.Effects = append(e.Effects, model.effects()...)
		if together {
			e.Together = append(e.Together, model.interactions()...)
		}
	}
	return e, nil
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

// perLevel parts the measured trials by their level of a factor.
func (s Study) perLevel(factor string) map[string][]Observation {
	parts := map[string][]Observation{}
	for _, c := range s.Cells {
		level, _ := c.Level(factor)
		parts[level] = append(parts[level], s.Of(c)...)
	}
	return parts
}

func byLevel(f trial.Factor, parts map[string][]Observation) (counts []ByLevel) {
	for _, l := range f.Levels {
		trials := parts[l.Name]
		counts = append(counts, ByLevel{f.Name, l.Name, rate(count(trials, func(o Observation) bool { return !o.Ready }), len(trials))})
	}
	return counts
}

func timeEffects(f trial.Factor, parts map[string][]Observation) (effects []TimeEffect) {
	reference := f.Levels[0].Name
	for _, l := range f.Levels[1:] {
		a := arms{factor: f.Name, first: l.Name, second: reference,
			trials: [2][]Observation{parts[l.Name], parts[reference]}}
		effects = append(effects, TimeEffect{Factor: f.Name, Level: l.Name, Reference: reference, Ratio: timeRatio(a),
			N: [2]int{len(setups(a.trials[0])), len(setups(a.trials[1]))}})
	}
	return effects
}

// aliases finds factors that never varied apart: to each level of one there
// belonged one level of the other, and the other way round.
func (s Study) aliases(factors []trial.Factor) (found []Alias) {
	for i, a := range factors {
		for _, b := range factors[i+1:] {
			if s.determines(a.Name, b.Name) && s.determines(b.Name, a.Name) {
				found = append(found, Alias{a.Name, b.Name})
			}
		}
	}
	return found
}

func (s Study) determines(a, b string) bool {
	of := map[string]string{}
	for _, o := range s.Trials {
		la, _ := o.Cell.Level(a)
		lb, _ := o.Cell.Level(b)
		if seen, ok := of[la]; ok && seen != lb {
			return false
		}
		of[la] = lb
	}
	return true
}

// missing lists combinations of the levels that were run which were not run
// themselves.
func (s Study) missing(factors []trial.Factor) (cells []trial.Cell) {
	run := map[string]bool{}
	names := make([]string, len(factors))
	combinations := []trial.Cell{{}}
	for i, f := range factors {
		names[i] = f.Name
		var longer []trial.Cell
		for _, c := range combinations {
			for _, l := range f.Levels {
				longer = append(longer, append(slices.Clone(c), trial.Assignment{Factor: f.Name, Level: l.Name}))
			}
		}
		combinations = longer
	}
	for _, o := range s.Trials {
		run[pick(o.Cell, names).Key()] = true
	}
	for _, c := range combinations {
		if !run[c.Key()] {
			cells = append(cells, c)
		}
	}
	return cells
}

// model is a design matrix: an indicator for each level but the first of each
// factor that can be told apart from those before.
type model struct {
	columns []column
	rows    [][]float64
	failed  []bool
	trials  []Observation
}

// mostForModel is the number of trials that the model takes: of more, every
// so manieth, which leaves intervals far narrower than anybody needs.
const mostForModel = 1000

func (s Study) modelled() []Observation {
	step := (len(s.Trials) + mostForModel - 1) / mostForModel
	var kept []Observation
	for i := 0; i < len(s.Trials); i += max(1, step) {
		kept = append(kept, s.Trials[i])
	}
	return kept
}

type column struct{ factor, level, reference string }

func (s Study) model(factors []trial.Factor) model {
	m := model{trials: s.modelled()}
	for _, o := range m.trials {
		m.failed = append(m.failed, !o.Ready)
		m.rows = append(m.rows, nil)
	}
	for _, f := range factors {
		for _, l := range f.Levels[1:] {
			values := make([]float64, len(m.trials))
			for i, o := range m.trials {
				if level, _ := o.Cell.Level(f.Name); level == l.Name {
					values[i] = 1
				}
			}
			m.add(column{f.Name, l.Name, f.Levels[0].Name}, values)
		}
	}
	return m
}

// add takes a column in, unless those before say the same.
func (m *model) add(c column, values []float64) {
	rows := withColumn(m.rows, values)
	if !independent(rows) {
		return
	}
	m.rows, m.columns = rows, append(m.columns, c)
}

// independent reports whether the columns, with a constant, say different
// things.
func independent(rows [][]float64) bool {
	width := len(rows[0]) + 1
	gram := mat.NewSymDense(width, nil)
	for _, r := range rows {
		full := append([]float64{1}, r...)
		gram.SymRankOne(gram, 1, mat.NewVecDense(width, full))
	}
	var c mat.Cholesky
	return c.Factorize(gram) && c.Cond() < 1e10
}

func withColumn(rows [][]float64, values []float64) [][]float64 {
	longer := make([][]float64, len(rows))
	for i, r := range rows {
		longer[i] = append(slices.Clone(r), values[i])
	}
	return longer
}

func (m model) effects() (effects []FactorEffect) {
	fit, err := stats.FirthLogistic(m.rows, m.failed, Confidence)
	if err != nil || len(m.columns) == 0 {
		return nil
	}
	var p []float64
	for i, c := range m.columns {
		e := FactorEffect{Factor: c.factor, Level: c.level, Reference: c.reference}
		e.OddsRatio, e.Interval, e.P = odds(fit.Effect[i+1])
		if p, ok := m.exact(i); ok {
			e.P, e.Exact = p, true
		}
		effects, p = append(effects, e), append(p, float64(e.P))
	}
	if adjusted, err := stats.Holm(p); err == nil {
		for i := range effects {
			effects[i].Adjusted = Value(adjusted[i])
		}
	}
	return effects
}

// mostForExact is the number of trials up to which the exact conditional
// distribution of the model is counted.
const mostForExact = 30

// exact is a p-value that rests on no approximation: of the conditional model
// where that can be counted, and else of the permutation of failures between
// the two levels inside blocks and combinations of the other factors.
func (m model) exact(i int) (Value, bool) {
	if len(m.rows) <= mostForExact {
		e, err := stats.ExactLogistic(m.rows, m.failed, i, Confidence)
		return Value(e.P), err == nil
	}
	c := m.columns[i]
	var scores []float64
	var first []bool
	var block []int
	place := map[string]int{}
	for r, o := range m.trials {
		level, _ := o.Cell.Level(c.factor)
		if level != c.level && level != c.reference {
			continue
		}
		key := stratum(o, c.factor)
		if _, seen := place[key]; !seen {
			place[key] = len(place)
		}
		score := 0.0
		if m.failed[r] {
			score = 1
		}
		scores, first, block = append(scores, score), append(first, level == c.level), append(block, place[key])
	}
	p, err := permute(scores, first, block)
	return Value(p.twoSided), err == nil && p.exact
}

func odds(e stats.LogisticEffect) (ratio Value, ci Interval, p Value) {
	return Value(math.Exp(e.Estimate)), Interval{Value(math.Exp(e.CI.Lower)), Value(math.Exp(e.CI.Upper))}, Value(e.P)
}

// interactions adds each product of two levels of different factors to the
// model, one at a time.
func (m model) interactions() (found []Interaction) {
	for i, a := range m.columns {
		for j, b := range m.columns[i+1:] {
			if a.factor == b.factor {
				continue
			}
			product := make([]float64, len(m.rows))
			for r, row := range m.rows {
				product[r] = row[i] * row[i+1+j]
			}
			fit, err := stats.FirthLogistic(withColumn(m.rows, product), m.failed, Confidence)
			if err != nil {
				continue
			}
			x := Interaction{First: trial.Assignment{Factor: a.factor, Level: a.level}, Second: trial.Assignment{Factor: b.factor, Level: b.level}}
			x.OddsRatio, x.Interval, x.P = odds(fit.Effect[len(fit.Effect)-1])
			found = append(found, x)
		}
	}
	return found
}
