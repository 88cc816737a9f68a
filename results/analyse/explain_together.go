package analyse

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// PairTest is whether two factors act together on failures: whether what one
// does depends on the other's level. Penalised likelihood ratio of all
// products of their levels.
type PairTest struct {
	First    string `json:"first"`
	Second   string `json:"second"`
	P        Value  `json:"p"`
	Adjusted Value  `json:"p_holm"`
}

// Interaction is how much more two levels together do than each alone, against
// the first levels of their factors.
type Interaction struct {
	First     trial.Assignment `json:"first"`
	Second    trial.Assignment `json:"second"`
	OddsRatio Value            `json:"odds_ratio"`
	Interval  Interval         `json:"interval"`
	P         Value            `json:"p"`
}

// interactions tests each pair of factors with all products of their levels in
// the model, and has each product on its own for its size.
func (s Study) interactions(factors []trial.Factor) (tests []PairTest, products []Interaction) {
	tests, products = []PairTest{}, []Interaction{}
	m := s.model(factors, "", 0)
	var p []float64
	for i, a := range factors {
		for _, b := range factors[i+1:] {
			with, added := m.withProducts(a.Name, b.Name)
			dropped, err := stats.FirthDropped(with.rows, with.failed, with.trials, added)
			if len(added) == 0 || err != nil {
				continue
			}
			tests, p = append(tests, PairTest{First: a.Name, Second: b.Name, P: Value(dropped)}), append(p, dropped)
			products = append(products, m.products(a.Name, b.Name)...)
		}
	}
	adjusted, err := stats.Holm(p)
	for i := range tests {
		tests[i].Adjusted = none
		if err == nil {
			tests[i].Adjusted = Value(adjusted[i])
		}
	}
	return tests, products
}

// withProducts adds those products of the two factors' columns that say
// something new.
func (m model) withProducts(a, b string) (with model, added []int) {
	with = m
	for _, i := range m.of(a) {
		for _, j := range m.of(b) {
			before := len(with.columns)
			with.add(column{}, m.product(i, j))
			if len(with.columns) > before {
				added = append(added, before)
			}
		}
	}
	return with, added
}

func (m model) product(i, j int) []float64 {
	values := make([]float64, len(m.rows))
	for r, row := range m.rows {
		values[r] = row[i] * row[j]
	}
	return values
}

func (m model) products(a, b string) (found []Interaction) {
	for _, i := range m.of(a) {
		for _, j := range m.of(b) {
			product, err := stats.FirthEffect(withColumn(m.rows, m.product(i, j)), m.failed, m.trials, len(m.columns), Confidence)
			if err != nil {
				continue
			}
			x := Interaction{First: trial.Assignment{Factor: a, Level: m.columns[i].level}, Second: trial.Assignment{Factor: b, Level: m.columns[j].level}}
			x.OddsRatio, x.Interval, x.P = odds(product)
			found = append(found, x)
		}
	}
	return found
}
