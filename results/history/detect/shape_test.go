package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

func noisy(n int, random *rand.Rand, f func(i int) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = f(i) + 0.02*random.NormFloat64()
	}
	return values
}

func step(at int, by float64) func(int) float64 {
	return func(i int) float64 { return by * float64(index(i >= at)) }
}

func ramp(at int, by float64) func(int) float64 {
	return func(i int) float64 { return by * float64(max(0, i-at+1)) }
}

func TestFitsWithoutNoise(t *testing.T) {
	line := make([]float64, 30)
	for i := range line {
		line[i] = 5 + ramp(20, 0.5)(i)
	}
	if f := bestRamp(line); f.at != 20 || !near(f.before, 5, 1e-9) || !near(f.last, 10, 1e-9) || !near(f.loss, 0, 1e-9) {
		t.Errorf("ramp %+v", f)
	}
	if f := bestStep([]float64{1, 1, 1, 4, 4}, 1); f.at != 3 || f.before != 1 || f.last != 4 || !near(f.loss, 0, 1e-12) {
		t.Errorf("step %+v", f)
	}
}

func TestRampsAndStepsAreToldApart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	wrong := 0
	for range 100 {
		if _, is := isRamp(noisy(60, random, step(50, 0.1))); is {
			wrong++
		}
		if _, is := isRamp(noisy(60, random, ramp(35, 0.008))); !is {
			wrong++
		}
		if _, is := oneRamp(noisy(60, random, ramp(30, 0.008)), 42, 52); !is {
			wrong++
		}
		two := noisy(60, random, func(i int) float64 { return step(20, 0.12)(i) + step(45, 0.12)(i) })
		if _, is := oneRamp(two, 20, 45); is {
			wrong++
		}
	}
	if wrong > 20 {
		t.Errorf("%d of 400 shapes are taken for the other one", wrong)
	}
}

// A regime that creeps by 0.3 % a night is found over every horizon it fills;
// a slow one over the whole of it; one that ends under the threshold never.
func TestCreeps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 10))
	level := 1e-5
	for _, c := range []struct {
		name   string
		n      int
		night  float64
		creeps bool
	}{
		{"0.3 % over 60 nights", 60, 0.003, true},
		{"0.03 % over 400 nights", 400, 0.0003, true},
		{"-0.5 % over 40 nights", 40, -0.005, true},
		{"0.03 % over 60 nights", 60, 0.0003, false},
		{"nothing", 300, 0, false},
		{"five nights", 5, 0.1, false},
	} {
		m := newMeasure(0, Series{Values: make([][]float64, c.n)}, 0.1)
		for i, v := range noisy(c.n, random, ramp(0, c.night)) {
			m.at[i] = v
			m.take(i)
		}
		p, rises := m.creeps(math.Log1p(0.05), level)
		if (p <= level) != c.creeps || c.creeps && rises != (c.night > 0) {
			t.Errorf("%s: p %v, rises %v", c.name, p, rises)
		}
	}
}
