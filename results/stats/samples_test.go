package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// twoSamples takes a reference case's arguments apart; see testdata/samples.py.
func twoSamples(v []float64) (first, second, rest []float64) {
	n1, n2 := int(v[0]), int(v[1])
	return v[2 : 2+n1], v[2+n1 : 2+n1+n2], v[2+n1+n2:]
}

func quantileCase(v []float64) ([]float64, error) {
	n := int(v[0])
	return one(Quantile(v[1:1+n], v[1+n]))
}

func TestSamplesAgainstSciPy(t *testing.T) {
	checkReferences(t, "samples", 1e-6, map[string]func([]float64) ([]float64, error){"quantile": quantileCase})
}

func TestSamplesAgainstR(t *testing.T) {
	// R's exact interval is made of the same order statistics; the logs cost
	// some digits only.
	checkReferences(t, "samples_r", 1e-9, map[string]func([]float64) ([]float64, error){
		"quantile": quantileCase,
		"hodges_lehmann": func(v []float64) ([]float64, error) {
			a, b, rest := twoSamples(v)
			r, err := HodgesLehmannRatio(a, b, rest[0])
			return []float64{r.Estimate, r.CI.Lower, r.CI.Upper}, err
		},
	})
}

// Of three and two values there are ten arrangements; R: dwilcox(0:6, 3, 2).
func TestMannWhitneyByCounting(t *testing.T) {
	checkClose(t, "3 and 2", 1e-12, mannWhitney(3, 2), []float64{0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1})
	checkClose(t, "1 and 1", 1e-12, mannWhitney(1, 1), []float64{0.5, 0.5})
}

func TestHodgesLehmannOfFew(t *testing.T) {
	r, err := HodgesLehmannRatio([]float64{2, 4, 20}, []float64{1, 2, 10}, 0.95)
	if err != nil || !near(r.Estimate, 2, 1e-12) || r.CI.Lower != 0 || !math.IsInf(r.CI.Upper, 1) {
		t.Errorf("three times of each bound nothing at 95 %%: %+v, %v", r, err)
	}
}

func TestHodgesLehmannLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	first, second := make([]float64, 3000), make([]float64, 4000)
	for i := range first {
		first[i] = 3 * math.Exp(random.NormFloat64())
	}
	for i := range second {
		second[i] = math.Exp(random.NormFloat64())
	}
	r, err := HodgesLehmannRatio(first, second, 0.95)
	if err != nil || r.Exact || !r.CI.Contains(3) || r.CI.Upper-r.CI.Lower > 0.5 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMedianInterval(t *testing.T) {
	five, _ := QuantileBounds([]float64{1, 2, 3, 4, 5}, 0.5, 0.95)
	if five.Bounded() || five.LowerRank != 0 || five.UpperRank != 0 || five.Coverage != 1 {
		t.Errorf("n = 5 has no 95 %% bound: %+v", five)
	}
	six, err := QuantileBounds([]float64{6, 5, 4, 3, 2, 1}, 0.5, 0.95)
	if err != nil || six.Interval != (Interval{1, 6}) || !near(six.Coverage, 1-2.0/64, 1e-12) {
		t.Errorf("%+v, %v", six, err)
	}
	crashed, _ := QuantileBounds([]float64{1, 2, 3, 4, 5, math.Inf(1)}, 0.5, 0.95)
	if !math.IsInf(crashed.Upper, 1) || crashed.UpperRank != 6 {
		t.Errorf("a crash is the bound: %+v", crashed)
	}
	if v, _ := Quantile([]float64{1, math.Inf(1), math.Inf(1)}, 0.25); !math.IsInf(v, 1) {
		t.Errorf("between 1 and never: %v", v)
	}
}

// By enumeration of the binomial: never below the level, for every n.
func TestQuantileIntervalCovers(t *testing.T) {
	for n := 1; n <= 60; n++ {
		values := make([]float64, n)
		for _, p := range []float64{0.1, 0.5, 0.9} {
			q, err := QuantileBounds(values, p, 0.95)
			if err != nil || q.Coverage < 0.95-1e-9 {
				t.Errorf("n %d p %v: %v, %v", n, p, q.Coverage, err)
			}
		}
	}
}

func TestSamplesRefuse(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, err := range map[string]error{
		"zero time":         second(HodgesLehmannRatio([]float64{0}, []float64{1}, 0.95)),
		"crash in ratio":    second(HodgesLehmannRatio([]float64{inf}, []float64{1}, 0.95)),
		"no pair":           second(HodgesLehmannRatio([]float64{1}, nil, 0.95)),
		"no quantile":       second(Quantile(nil, 0.5)),
		"quantile above 1":  second(Quantile([]float64{1}, 1.5)),
		"quantile of NaN":   second(Quantile([]float64{nan}, 0.5)),
		"bounds of minimum": second(QuantileBounds([]float64{1, 2}, 0, 0.95)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
