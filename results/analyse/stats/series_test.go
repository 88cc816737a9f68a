package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
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
		"gesd": func(v []float64) (out []float64, err error) {
			steps, err := GESD(v[2:], int(v[0]), v[1])
			for _, s := range steps {
				out = append(out, float64(s.Index), s.Statistic, s.Lambda)
			}
			return out, err
		},
		"run_length": func(v []float64) ([]float64, error) {
			return one(BernoulliCUSUM{int(v[0]), int(v[1])}.RunLength(v[2]))
		},
		"energy_split": func(v []float64) ([]float64, error) {
			index, q := energySplit(v[1:], int(v[0]))
			return []float64{float64(index), q}, nil
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

// Rosner (1983) and NIST's e-Handbook §1.3.5.17.3: three outliers in the 54
// values, the largest three.
func TestRosnerOutliers(t *testing.T) {
	values := firstCase(t, "series", "gesd").Args[2:]
	steps, err := GESD(values, 10, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	var found []float64
	for _, s := range steps {
		if s.Outlier {
			found = append(found, values[s.Index])
		}
	}
	if !slices.Equal(found, []float64{6.01, 5.42, 5.34}) {
		t.Errorf("outliers %v", found)
	}
	checkClose(t, "NIST's table", 1e-3, []float64{steps[0].Statistic, steps[0].Lambda, steps[1].Statistic, steps[1].Lambda, steps[2].Statistic, steps[2].Lambda},
		[]float64{3.118, 3.158, 2.942, 3.151, 3.179, 3.143})
}

func indices(points []ChangePoint) (at []int) {
	for _, p := range points {
		at = append(at, p.Index)
	}
	return at
}

func steps(levels []float64, each int) (values []float64) {
	for _, l := range levels {
		for range each {
			values = append(values, l)
		}
	}
	return values
}

// MongoDB's signal-processing-algorithms and Apache Otava's
// tests/analysis_test.py.
func TestChangePoints(t *testing.T) {
	otava := []float64{1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96,
		0.50, 0.51, 0.48, 0.48, 0.55, 0.50, 0.49, 0.51, 0.50, 0.49}
	for name, c := range map[string]struct {
		values []float64
		want   []int
	}{
		"one step":  {steps([]float64{0, 1}, 1000), []int{1000}},
		"two steps": {steps([]float64{0, 1, 2}, 100), []int{100, 200}},
		"Otava":     {otava, []int{10}},
		"constant":  {steps([]float64{3}, 40), nil},
		"too short": {[]float64{1, 9, 9}, nil},
		"nothing":   {nil, nil},
	} {
		got, err := ChangePoints(c.values, 0.05, 3, 99, 1)
		if err != nil || !slices.Equal(indices(got), c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
		for _, p := range got {
			if p.P < 0.01 || p.P > 0.05 {
				t.Errorf("%s: p %v", name, p.P)
			}
		}
	}
}

// No change in independent values: found in at most α of the series, here
// with 3 standard errors of room for 200 of them.
func TestChangePointsKeepTheirLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	var found int
	for i := range 200 {
		values := make([]float64, 20)
		for j := range values {
			values[j] = math.Exp(random.NormFloat64())
		}
		points, err := ChangePoints(values, 0.05, 3, 39, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		found += index(len(points) > 0)
	}
	if float64(found) > 200*0.05+3*math.Sqrt(200*0.05*0.95) {
		t.Errorf("%d of 200 constant series changed", found)
	}
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
	sums, alarms, err := BernoulliCUSUM{3, 5}.Run([]bool{true, false, true, false, false, true})
	if err != nil || !slices.Equal(sums, []int{3, 2, 5, 0, 0, 3}) || !slices.Equal(alarms, []int{2}) {
		t.Errorf("%v %v %v", sums, alarms, err)
	}
}

func TestSeriesRefuse(t *testing.T) {
	nan := math.NaN()
	_, _, run := BernoulliCUSUM{0, 1}.Run(nil)
	for name, err := range map[string]error{
		"one point":      second(TheilSen([]float64{1}, []float64{1}, 0.95)),
		"same x":         second(TheilSen([]float64{1, 1}, []float64{1, 2}, 0.95)),
		"NaN":            second(TheilSen([]float64{1, 2}, []float64{1, nan}, 0.95)),
		"two values":     second(MannKendall([]float64{1, 2})),
		"infinite":       second(MannKendall([]float64{1, 2, math.Inf(1)})),
		"single segment": second(ChangePoints([]float64{1, 2}, 0.05, 1, 99, 1)),
		"few draws":      second(ChangePoints([]float64{1, 2}, 0.001, 2, 99, 1)),
		"change of NaN":  second(ChangePoints([]float64{1, nan}, 0.05, 2, 99, 1)),
		"all outliers":   second(GESD([]float64{1, 2, 3}, 2, 0.05)),
		"outlier of Inf": second(GESD([]float64{1, 2, 3, math.Inf(1)}, 1, 0.05)),
		"rates":          second(NewBernoulliCUSUM(0.3, 0.1, 100)),
		"no crash":       second(BernoulliCUSUM{3, 5}.RunLength(0)),
		"no step":        run,
		"never alarms":   second(NewBernoulliCUSUM(0.4, 0.41, 1e300)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
