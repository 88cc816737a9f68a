package stats

import (
	"math"
	"testing"
)

func TestSeriesAgainstSciPy(t *testing.T) {
	checkReferences(t, "series", 1e-6, map[string]func([]float64) []float64{
		"theil_sen": func(v []float64) []float64 {
			slope, ci := TheilSen(v[1:], 0.95)
			return []float64{slope, ci.Lower, ci.Upper}
		},
		"mann_kendall": mannKendallCase,
		"run_length": func(v []float64) []float64 {
			return []float64{BernoulliCUSUM{int(v[0]), int(v[1])}.RunLength(v[2])}
		},
	})
}

func mannKendallCase(v []float64) []float64 {
	_, p := MannKendall(v[1:])
	return []float64{p}
}

func TestSeriesAgainstR(t *testing.T) {
	checkReferences(t, "series_r", 1e-6, map[string]func([]float64) []float64{"mann_kendall": mannKendallCase})
}

// Theil–Sen of four points: six slopes, whose 95 % interval is none.
func TestTrendOfFewPoints(t *testing.T) {
	if slope, ci := TheilSen([]float64{1, 3, 5, 7}, 0.95); slope != 2 || !math.IsInf(ci.Upper-ci.Lower, 1) {
		t.Errorf("%v in %v", slope, ci)
	}
	if s, p := MannKendall([]float64{4, 4, 4, 4}); s != 0 || p != 1 {
		t.Errorf("no change: %d, %v", s, p)
	}
	// All orders of three values: 3! of them, one rising throughout.
	if s, p := MannKendall([]float64{1, 2, 3}); s != 3 || !near(p, 2.0/6, 1e-12) {
		t.Errorf("rising: %d, %v", s, p)
	}
	if s, _ := MannKendall([]float64{3, 2, 2, 1}); s != -5 {
		t.Errorf("falling, with a tie: %d", s)
	}
}

func TestBernoulliCUSUM(t *testing.T) {
	// Where one crash suffices the wait is geometric: 1/p by hand.
	c := BernoulliCUSUM{Crash: 5, Limit: 4}
	if arl := c.RunLength(0.1); !near(arl, 10, 1e-12) {
		t.Errorf("%v", arl)
	}
	c, err := NewBernoulliCUSUM(0.05, 0.25, 200)
	if err != nil {
		t.Fatal(err)
	}
	usual, raised := c.RunLength(0.05), c.RunLength(0.25)
	shorter := BernoulliCUSUM{c.Crash, c.Limit - 1}.RunLength(0.05)
	if !(usual >= 200) || !(shorter < 200) || !(raised <= 40) {
		t.Errorf("%+v: %v and %v, one step less %v", c, usual, raised, shorter)
	}
	for name, rates := range map[string][3]float64{"rates": {0.3, 0.1, 100}, "never alarms": {0.4, 0.41, 1e300}} {
		if c, err := NewBernoulliCUSUM(rates[0], rates[1], rates[2]); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestSeriesOfNothing(t *testing.T) {
	p := func(values ...float64) float64 {
		_, p := MannKendall(values)
		return p
	}
	slope := func(values ...float64) float64 {
		slope, ci := TheilSen(values, 0.95)
		return slope + ci.Lower
	}
	for name, v := range map[string]float64{
		"one point":  slope(1),
		"NaN":        slope(1, math.NaN()),
		"two values": p(1, 2),
		"infinite":   p(1, 2, math.Inf(1)),
		"no crash":   BernoulliCUSUM{3, 5}.RunLength(0),
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
