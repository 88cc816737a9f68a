package analyse

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// model is a design matrix with a row a cell: an indicator for each level but
// the reference of each factor that can be told apart from those before.
type model struct {
	columns        []column
	rows           [][]float64
	failed, trials []int
}

type column struct{ factor, level, reference string }

// model has the named factor first, with its level number reference left out,
// and of all others the first level.
func (s Study) model(factors []trial.Factor, first string, reference int) (m model) {
	var cells []trial.Cell
	for _, c := range s.Cells {
		if trials := s.Of(c); len(trials) > 0 {
			cells = append(cells, c)
			m.rows = append(m.rows, nil)
			m.trials = append(m.trials, len(trials))
			m.failed = append(m.failed, count(trials, func(o Observation) bool { return !o.Ready }))
		}
	}
	ordered := slices.Clone(factors)
	slices.SortStableFunc(ordered, func(a, b trial.Factor) int { return isFirst(b, first) - isFirst(a, first) })
	for _, f := range ordered {
		left := 0
		if f.Name == first {
			left = reference
		}
		for i, l := range f.Levels {
			if i != left {
				m.add(column{f.Name, l.Name, f.Levels[left].Name}, indicator(cells, f.Name, l.Name))
			}
		}
	}
	return m
}

func isFirst(f trial.Factor, name string) int {
	if f.Name == name {
		return 1
	}
	return 0
}

func indicator(cells []trial.Cell, factor, level string) []float64 {
	values := make([]float64, len(cells))
	for i, c := range cells {
		if l, _ := c.Level(factor); l == level {
			values[i] = 1
		}
	}
	return values
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

// of lists the columns of a factor.
func (m model) of(factor string) (columns []int) {
	for i, c := range m.columns {
		if c.factor == factor {
			columns = append(columns, i)
		}
	}
	return columns
}

// failureEffects compares pairs of levels of a factor. A factor that others
// before it already tell everything about has none: it is put last for that.
func (s Study) failureEffects(f trial.Factor, factors []trial.Factor) (effects []FactorEffect) {
	if !s.estimable(f, factors) {
		return nil
	}
	parts := s.perLevel(f.Name)
	for reference := range f.Levels {
		var levels []string
		for _, pair := range pairsOfLevels(f) {
			if low, high := oriented(f, parts, pair); low == reference {
				levels = append(levels, f.Levels[high].Name)
			}
		}
		if len(levels) > 0 {
			effects = append(effects, s.effectsAgainst(f, factors, reference, levels)...)
		}
	}
	return effects
}

// estimable reports whether a factor keeps a column when all before it in the
// study have theirs: of two that never varied apart only the first does.
func (s Study) estimable(f trial.Factor, factors []trial.Factor) bool {
	m := s.model(factors, "", 0)
	return len(m.of(f.Name)) == len(f.Levels)-1
}

// oriented puts the level first that failed less, and of equals the first.
func oriented(f trial.Factor, parts map[string][]Observation, pair [2]int) (low, high int) {
	share := func(level int) float64 {
		trials := parts[f.Levels[level].Name]
		return float64(count(trials, func(o Observation) bool { return !o.Ready })) / float64(len(trials))
	}
	if share(pair[1]) < share(pair[0]) {
		return pair[1], pair[0]
	}
	return pair[0], pair[1]
}

func (s Study) effectsAgainst(f trial.Factor, factors []trial.Factor, reference int, levels []string) (effects []FactorEffect) {
	m := s.model(factors, f.Name, reference)
	for _, i := range m.of(f.Name) {
		c := m.columns[i]
		if !slices.Contains(levels, c.level) {
			continue
		}
		effect, err := stats.FirthEffect(m.rows, m.failed, m.trials, i, Confidence)
		if err != nil {
			continue
		}
		e := FactorEffect{Factor: c.factor, Level: c.level, Reference: c.reference}
		e.OddsRatio, e.Interval, e.P = odds(effect)
		if p, ok := s.exactEffect(m, i); ok {
			e.P, e.Exact = p, true
		}
		effects = append(effects, e)
	}
	return effects
}

func odds(e stats.LogisticEffect) (ratio Value, ci Interval, p Value) {
	return Value(math.Exp(e.Estimate)), Interval{Value(math.Exp(e.CI.Lower)), Value(math.Exp(e.CI.Upper))}, Value(e.P)
}

// mostForExact is the number of trials up to which the exact conditional
// distribution of the model is counted.
const mostForExact = 30

// exactEffect is a p-value that rests on no approximation: of the conditional
// model where that can be counted, and else of the permutation of failures
// between the two levels inside blocks and combinations of the other factors.
func (s Study) exactEffect(m model, i int) (Value, bool) {
	if len(s.Trials) <= mostForExact {
		rows, failed := m.expanded()
		e, err := stats.ExactLogistic(rows, failed, i, Confidence)
		return Value(e.P), err == nil
	}
	c := m.columns[i]
	var scores []float64
	var first []bool
	var block []int
	place := map[sharing]int{}
	for _, o := range s.Trials {
		level, _ := o.Cell.Level(c.factor)
		if level != c.level && level != c.reference {
			continue
		}
		key := stratum(o, c.factor)
		if _, seen := place[key]; !seen {
			place[key] = len(place)
		}
		score := 0.0
		if !o.Ready {
			score = 1
		}
		scores, first, block = append(scores, score), append(first, level == c.level), append(block, place[key])
	}
	p, err := permute(scores, first, block)
	return Value(p.twoSided), err == nil && p.exact
}

// expanded has a row a trial.
func (m model) expanded() (rows [][]float64, failed []bool) {
	for i, r := range m.rows {
		for k := range m.trials[i] {
			rows, failed = append(rows, r), append(failed, k < m.failed[i])
		}
	}
	return rows, failed
}
