package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func stepsOf(levels []float64, each int) (values []float64) {
	for _, l := range levels {
		values = append(values, slices.Repeat([]float64{l}, each)...)
	}
	return values
}

// Published examples: MongoDB's signal-processing-algorithms (0×1000 and
// 1×1000; three steps of 100) and Apache Otava's tests/analysis_test.py.
func TestCutsOfPublishedSeries(t *testing.T) {
	otava := []float64{1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96,
		0.50, 0.51, 0.48, 0.48, 0.55, 0.50, 0.49, 0.51, 0.50, 0.49}
	for name, c := range map[string]struct {
		values []float64
		want   []int
	}{
		"one step":  {stepsOf([]float64{0, 1}, 1000), []int{1000}},
		"two steps": {stepsOf([]float64{0, 1, 2}, 100), []int{100, 200}},
		"Otava":     {otava, []int{10}},
		"constant":  {stepsOf([]float64{3}, 40), nil},
		"too short": {[]float64{1, 1, 9, 9, 9}, nil},
		"nothing":   {nil, nil},
	} {
		found, _ := cuts(c.values, 0.05, 199, rand.New(rand.NewPCG(1, 1)))
		var at []int
		for _, f := range found {
			at = append(at, f.at)
			if f.p < 1.0/200 || f.p > 0.05 {
				t.Errorf("%s: p %v", name, f.p)
			}
		}
		if !slices.Equal(at, c.want) {
			t.Errorf("%s: %v, want %v", name, at, c.want)
		}
	}
}

// The statistic against its definition by all pairs.
func TestEnergyAgainstDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		values := make([]float64, 8+random.IntN(20))
		for i := range values {
			values[i] = math.Round(20*random.NormFloat64()) / 10
		}
		bestAt, best := 0, math.Inf(-1)
		for k := 3; k <= len(values)-3; k++ {
			x, y := values[:k], values[k:]
			m, n := float64(len(x)), float64(len(y))
			q := m * n / (m + n) * (2*pairs(x, y)/(m*n) - pairs(x, x)/(m*(m-1)) - pairs(y, y)/(n*(n-1)))
			if q > best+1e-12 {
				bestAt, best = k, q
			}
		}
		if at, q := newEnergy(values).split(3); at != bestAt || !near(q, best, 1e-9) {
			t.Fatalf("%v: %d with %v, by the definition %d with %v", values, at, q, bestAt, best)
		}
	}
}

func pairs(x, y []float64) (sum float64) {
	for _, a := range x {
		for _, b := range y {
			sum += math.Abs(a - b)
		}
	}
	return sum
}

// Constant series are cut in at most 5 %: 300 of them, with three standard
// errors of room.
func TestCutsKeepTheirLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	found := 0
	for range 300 {
		values := make([]float64, 80) // more than are kept apart
		for i := range values {
			values[i] = math.Exp(random.NormFloat64())
		}
		c, _ := cuts(smoothed(values), 0.05, 99, random)
		found += index(len(c) > 0)
	}
	if most := 300*0.05 + 3*math.Sqrt(300*0.05*0.95); float64(found) > most {
		t.Errorf("%d of 300 quiet series are cut", found)
	}
}
