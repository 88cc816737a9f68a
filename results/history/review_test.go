package history

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stratbench/stratbench/results/history/detect"
)

// With as many trials each night the components are those of the analysis of
// variance: trials vary by 1.25 in a night, nights of two by 53/6, of which half
// of 1.25 is their trials'.
func TestNoiseIsThatOfABalancedExperiment(t *testing.T) {
	logs := []float64{9, 8, 3, 5, 10, 12, 7, 6}
	var s Series
	for i := 0; i < len(logs); i += 2 {
		s.Values = append(s.Values, []float64{math.Exp(logs[i]), math.Exp(logs[i+1])})
	}
	n := Nights{Fitness: make([]Night, len(s.Values))}
	got := n.noise(s, []Segment{{Start: 0, End: 4}})
	near(t, "in a night", float64(got.InNight), math.Sqrt(1.25), 1e-12)
	near(t, "by night", float64(got.ByNight), math.Sqrt(53.0/6-1.25/2), 1e-12)
}

// Unequal nights, three levels, a drift and a night that was not fit: what was
// put in comes out.
func TestNoiseIsWhatWasPutIn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s Series
	var n Nights
	segments := []Segment{{Start: 0, End: 1500}, {Start: 1500, End: 3000}, {Start: 3000, End: 3100, Drift: true}, {Start: 3100, End: 4500}}
	for night := range 4500 {
		level := 3 + 0.5*math.Floor(float64(night)/1500) + 0.02*random.NormFloat64()
		var values []float64
		for range 1 + random.IntN(5) {
			values = append(values, math.Exp(level+0.04*random.NormFloat64()))
		}
		fitness := Night{}
		if night%10 == 3 {
			values[0], fitness.NotFit = 1e6, []string{"busy"}
		}
		if segments[2].Start <= night && night < segments[2].End {
			values[0] *= float64(night)
		}
		s.Values, n.Fitness = append(s.Values, values), append(n.Fitness, fitness)
	}
	got := n.noise(s, segments)
	near(t, "in a night", float64(got.InNight), 0.04, 0.03)
	near(t, "by night", float64(got.ByNight), 0.02, 0.08)
}

func TestNoiseOfTooFewNightsIsUndefined(t *testing.T) {
	n := Nights{Fitness: make([]Night, 2)}
	got := n.noise(Series{Series: detect.Series{Values: [][]float64{{2}, {3}}}}, []Segment{{Start: 0, End: 2}})
	if got.InNight.Finite() || got.ByNight.Finite() {
		t.Errorf("one trial a night gives %v", got)
	}
	got = n.noise(Series{Series: detect.Series{Values: [][]float64{{2, 2.1}, nil}}}, []Segment{{Start: 0, End: 2}})
	if !got.InNight.Finite() || got.ByNight.Finite() {
		t.Errorf("a single night gives %v", got)
	}
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
