package stats

import (
	"errors"
	"math"
	"testing"
)

func TestSeriesAgainstSciPy(t *testing.T) {
	checkReferences(t, "series", 1e-6, map[string]func([]float64) ([]float64, error){
		"theil_sen": func(v []float64) ([]float64, error) {
			n := int(v[0])
			s, err := TheilSen(v[1:1+n], v[1+n:], 0.95)
			return []float64{s.PerUnit, s.Intercept, s.CI.Lower, s.CI.Upper}, err
		},
		"mann_kendall": mannKendallCase,
		"run_length": func(v []float64) ([]float64, error) {
			return one(BernoulliCUSUM{int(v[0]), int(v[1])}.RunLength(v[2]))
		},
	})
}

func mannKendallCase(v []float64) ([]float64, error) {
	r, err := MannKendall(v[1:])
	return []float64{r.Tau, r.P}, err
}

func TestSeriesAgainstR(t *testing.T) {
	checkReferences(t, "series_r", 1e-6, map[string]func([]float64) ([]float64, error){"mann_kendall": mannKendallCase})
}

// Theil–Sen of four points: six slopes, whose 95 % interval is none.
func TestTrendOfFewPoints(t *testing.T) {
	s, err := TheilSen([]float64{0, 1, 2, 3}, []float64{1, 3, 5, 7}, 0.95)
	if err != nil || s.PerUnit != 2 || s.Intercept != 1 || s.CI.Bounded() {
		t.Errorf("%+v, %v", s, err)
	}
	flat, err := MannKendall([]float64{4, 4, 4, 4})
	if err != nil || flat.S != 0 || flat.P != 1 || !math.IsNaN(flat.Tau) {
		t.Errorf("%+v, %v", flat, err)
	}
	// All orders of three values: 3! of them, one rising throughout.
	three, _ := MannKendall([]float64{1, 2, 3})
	if !near(three.P, 2.0/6, 1e-12) {
		t.Errorf("%+v", three)
	}
}

func TestBernoulliCUSUM(t *testing.T) {
	// Where one crash suffices the wait is geometric: 1/p by hand.
	c := BernoulliCUSUM{Crash: 5, Limit: 4}
	if arl, err := c.RunLength(0.1); err != nil || !near(arl, 10, 1e-12) {
		t.Errorf("%v, %v", arl, err)
	}
	c, err := NewBernoulliCUSUM(0.05, 0.25, 200)
	if err != nil {
		t.Fatal(err)
	}
	usual, _ := c.RunLength(0.05)
	raised, _ := c.RunLength(0.25)
	shorter, _ := BernoulliCUSUM{c.Crash, c.Limit - 1}.RunLength(0.05)
	if usual < 200 || shorter >= 200 || raised > 40 {
		t.Errorf("%+v: %v and %v, one step less %v", c, usual, raised, shorter)
	}
}

func TestSeriesRefuse(t *testing.T) {
	nan := math.NaN()
	for name, err := range map[string]error{
		"one point":    second(TheilSen([]float64{1}, []float64{1}, 0.95)),
		"same x":       second(TheilSen([]float64{1, 1}, []float64{1, 2}, 0.95)),
		"NaN":          second(TheilSen([]float64{1, 2}, []float64{1, nan}, 0.95)),
		"two values":   second(MannKendall([]float64{1, 2})),
		"infinite":     second(MannKendall([]float64{1, 2, math.Inf(1)})),
		"rates":        second(NewBernoulliCUSUM(0.3, 0.1, 100)),
		"no crash":     second(BernoulliCUSUM{3, 5}.RunLength(0)),
		"never alarms": second(NewBernoulliCUSUM(0.4, 0.41, 1e300)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
