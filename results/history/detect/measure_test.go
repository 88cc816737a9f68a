package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func TestMedianIsThatOfSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		values := make([]float64, 1+random.IntN(30))
		for i := range values {
			values[i] = float64(random.IntN(12)) // many ties
		}
		sorted := slices.Sorted(slices.Values(values))
		n := len(sorted)
		if got, want := medianOf(values), (sorted[(n-1)/2]+sorted[n/2])/2; got != want {
			t.Fatalf("median of %v is %v, not %v", sorted, got, want)
		}
	}
	if !math.IsNaN(medianOf(nil)) {
		t.Error("no values have a median")
	}
}

// One trial ten times as long moves a night of three by a third of the bound;
// usual ones count in full.
func TestLocation(t *testing.T) {
	bound := 0.1
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{100}, math.Log(100)},
		{[]float64{100, 104}, (math.Log(100) + math.Log(104)) / 2},
		{[]float64{100, 102, 104}, (math.Log(100) + math.Log(102) + math.Log(104)) / 3},
		{[]float64{100, 1000, 100}, math.Log(100) + bound/3},
	} {
		if got := location(c.values, bound); !near(got, c.want, 1e-12) {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
	if !math.IsNaN(location(nil, bound)) {
		t.Error("a night without trials has a location")
	}
}

func TestSpread(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	normal := make([]float64, 200_000)
	for i := range normal {
		normal[i] = 0.03 * random.NormFloat64()
	}
	if s := spread(slices.Clone(normal)); !near(s, 0.03, 0.0003) {
		t.Errorf("standard deviation 0.03 has spread %v", s)
	}
	for i := range len(normal) / 20 {
		normal[i] = 50
	}
	if s := spread(normal); s > 0.038 {
		t.Errorf("one value in twenty far off makes the spread %v", s)
	}
}

// A series that follows the reference loses its part, one that does not keeps
// its own.
func TestHostIsTakenOut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	const n = 60
	nights := make([]Night, n)
	with, without := Series{Values: make([][]float64, n)}, Series{Values: make([][]float64, n)}
	for i := range nights {
		host := 0.04 * random.NormFloat64()
		nights[i] = Night{Reference: 10 * math.Exp(host)}
		with.Values[i] = []float64{100 * math.Exp(host+0.01*random.NormFloat64())}
		without.Values[i] = []float64{100 * math.Exp(0.01*random.NormFloat64())}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	host := newHost(nights).in(all)
	for _, c := range []struct {
		series Series
		name   string
	}{{with, "with the host"}, {without, "without"}} {
		m := newMeasure(0, c.series, 0.1)
		m.look(all, host, math.Log1p(0.05))
		if !near(m.scale, 0.01, 0.003) {
			t.Errorf("%s: spread %v, not the series' own 0.01", c.name, m.scale)
		}
	}
}

// The spread around a young regime is that of the nights before it too.
func TestLevelOfRegimes(t *testing.T) {
	values := [][]float64{{100}, {103}, {97}, {100}, {102}, {98}, {200}, {200}}
	m := newMeasure(0, Series{Values: values}, 0.1)
	nights := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for _, n := range nights {
		m.take(n)
	}
	m.restart(6)
	m.look(nights, make([]float64, 8), math.Log1p(0.05))
	if !near(m.center, math.Log(200), 1e-12) || m.residual[6] != 0 || m.scale < 0.01 || m.scale > 0.03 {
		t.Errorf("center %v, residuals %v, scale %v", math.Exp(m.center), m.residual, m.scale)
	}
	if before, after := m.sides(7); len(before) != 1 || len(after) != 1 {
		t.Errorf("sides %v and %v reach over the restart", before, after)
	}
}
