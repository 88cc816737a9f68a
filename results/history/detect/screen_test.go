package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// load makes a screen of series of one value a night, none of them of
// interest before from.
func load(threshold float64, series ...[]float64) *screen {
	var measures []*measure
	n := len(series[0])
	for i, s := range series {
		values := make([][]float64, n)
		for t, v := range s {
			if v > 0 {
				values[t] = []float64{v}
			}
		}
		measures = append(measures, newMeasure(i, Series{Values: values}, 1))
	}
	nights := make([]int, n)
	for t := range nights {
		nights[t] = t
	}
	return newScreen(measures, nights, make([]float64, n), threshold)
}

// statistic is the definition: difference of means of the last k and the rest
// over its standard error, of logs cut around their median.
func statistic(c *screen, logs []float64, last []int) float64 {
	k := float64(len(last))
	in := map[int]bool{}
	for _, i := range last {
		in[i] = true
	}
	var a, b float64
	for i, v := range logs {
		if in[i] {
			a += v / k
		} else {
			b += v / (float64(len(logs)) - k)
		}
	}
	return (a - b) / (c.scale[0] * math.Sqrt(1/k+1/(float64(len(logs))-k)))
}

// The p-value against all ordered ways to choose the last nights, enumerated.
func TestScreenAgainstEnumeration(t *testing.T) {
	values := []float64{100, 101, 99, 102, 100, 98, 107, 101, 106}
	c := load(1e-6, values)
	bound := max(mostScale*c.scale[0], mostThreshold*c.threshold)
	middle, logs := math.Log(101), make([]float64, len(values))
	for i, v := range values {
		logs[i] = cut(math.Log(v)-middle, bound)
	}
	extreme := func(order []int) (most float64) {
		for _, k := range windows {
			if k > len(order) || len(values)-k < fewestReference {
				break
			}
			most = max(most, statistic(c, logs, order[:k]))
		}
		return most
	}
	observed := extreme([]int{8, 7, 6, 5, 4, 3, 2, 1})
	var all, atLeast float64
	var visit func(order []int)
	visit = func(order []int) {
		if len(order) == 3 { // of 9 nights no more can be compared with 5
			all++
			atLeast += float64(index(extreme(order) >= observed-1e-12))
			return
		}
		for i := range values {
			used := false
			for _, o := range order {
				used = used || o == i
			}
			if !used {
				visit(append(order[:len(order):len(order)], i))
			}
		}
	}
	visit(nil)
	e := newExtremes(1)
	c.arrange([]int{8, 7, 6}, &c.wider, e)
	if !near(e.rise[0], observed, 1e-9) {
		t.Fatalf("statistic %v, by its definition %v", e.rise[0], observed)
	}
	rise, _ := c.test([]bool{false}, rand.New(rand.NewPCG(1, 1)))
	var sum float64
	for seed := range uint64(400) {
		p, _ := c.test([]bool{false}, rand.New(rand.NewPCG(seed, 2)))
		sum += p[0] / 400
	}
	if want := atLeast / all; !near(sum, want, 0.15*want) || rise[0] <= 0 {
		t.Errorf("p %v on average, by enumeration %v", sum, want)
	}
}

// In series that share their noise and have heavy tails, something is found in
// no more nights than stated: 600 matrices, three standard errors of room.
func TestScreenKeepsItsLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	w := world{random: random}
	const matrices, level = 600, 0.1
	found := 0
	for range matrices {
		series := make([][]float64, 6)
		shared := make([]float64, 30)
		for i := range shared {
			shared[i] = 0.02 * w.noise()
		}
		for s := range series {
			series[s] = make([]float64, 30)
			for i := range shared {
				series[s][i] = math.Exp(shared[i] + 0.03*w.noise())
			}
		}
		rise, _ := load(0.01, series...).test([]bool{true, true, false, false, false, false}, random)
		for _, p := range rise {
			if p <= level {
				found++
				break
			}
		}
	}
	if most := matrices*level + 3*math.Sqrt(matrices*level*(1-level)); float64(found) > most || found < 20 {
		t.Errorf("%d of %d quiet matrices have something at %v", found, matrices, level)
	}
}

// One night far off cannot be told from a change: its p-value is that of any
// night being the last.
func TestOneNightIsNoChange(t *testing.T) {
	values := make([]float64, 40)
	random := rand.New(rand.NewPCG(6, 6))
	for i := range values {
		values[i] = 100 * math.Exp(0.01*random.NormFloat64())
	}
	values[39] = 300
	rise, fall := load(0.05, values).test([]bool{false}, random)
	if rise[0] < 0.02 || fall[0] != 1 {
		t.Errorf("p %v and %v after a single night", rise[0], fall[0])
	}
	values[38], values[37] = 300, 300
	if rise, _ = load(0.05, values).test([]bool{false}, random); rise[0] > 0.002 {
		t.Errorf("p %v after three nights", rise[0])
	}
}

// Missing nights and a series without any stay out.
func TestScreenWithoutValues(t *testing.T) {
	some, none := make([]float64, 20), make([]float64, 20)
	for i := range some {
		some[i] = float64(100 + i%3)
	}
	some[4], some[19] = 0, 0
	rise, fall := load(0.05, some, none).test([]bool{false, true}, rand.New(rand.NewPCG(1, 1)))
	for _, p := range append(rise, fall...) {
		if p != 1 {
			t.Errorf("p-values %v and %v", rise, fall)
		}
	}
}

// Step-down by hand: three measures, the second of which is only significant
// once the first is out of the way.
func TestTallyStepsDown(t *testing.T) {
	all := newTallies([]float64{5, 3, 0}, []bool{false, false, false})
	for _, drawn := range [][]float64{{4, 0, 1}, {1, 3.5, 0}, {0, 0, 6}, {2, 1, 1}} {
		all[0].count(drawn)
	}
	// First: only the third draw reaches 5. Second, over itself and the third
	// measure: draws two and three reach 3; draw one does not.
	p := adjusted(all, 3)
	if !near(p[0], 2.0/5, 1e-12) || !near(p[1], 3.0/5, 1e-12) || p[2] != 1 {
		t.Errorf("p-values %v", p)
	}
}

// Enough draws as extreme as the observed one end the drawing.
func TestTallyStops(t *testing.T) {
	all := newTallies([]float64{1}, []bool{true})
	draws := 0
	for ; all[0].open(); draws++ {
		all[0].count([]float64{float64(draws % 2)})
	}
	if p := adjusted(all, 1); draws != 2*enough || p[0] != 0.5 {
		t.Errorf("p %v after %d draws", p, draws)
	}
}
