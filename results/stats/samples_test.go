package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func medianCase(v []float64) []float64 { return []float64{Median(v[1:])} }

func TestSamplesAgainstSciPy(t *testing.T) {
	checkReferences(t, "samples", 1e-6, map[string]func([]float64) []float64{"median": medianCase})
}

func TestSamplesAgainstR(t *testing.T) {
	// R's exact interval is made of the same order statistics; the logs cost
	// some digits only.
	checkReferences(t, "samples_r", 1e-9, map[string]func([]float64) []float64{
		"median": medianCase,
		"hodges_lehmann": func(v []float64) []float64 { // both sizes, both samples, the level
			n1, n2 := int(v[0]), int(v[1])
			ratio, ci := HodgesLehmannRatio(v[2:2+n1], v[2+n1:2+n1+n2], v[2+n1+n2])
			return []float64{ratio, ci.Lower, ci.Upper}
		},
	})
}

// Of three and two values there are ten arrangements; R: dwilcox(0:6, 3, 2).
func TestMannWhitneyByCounting(t *testing.T) {
	checkClose(t, "3 and 2", 1e-12, mannWhitney(3, 2), []float64{0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1})
	checkClose(t, "1 and 1", 1e-12, mannWhitney(1, 1), []float64{0.5, 0.5})
}

func TestHodgesLehmannOfFew(t *testing.T) {
	ratio, ci := HodgesLehmannRatio([]float64{2, 4, 20}, []float64{1, 2, 10}, 0.95)
	if !near(ratio, 2, 1e-12) || ci.Lower != 0 || !math.IsInf(ci.Upper, 1) {
		t.Errorf("three times of each bound nothing at 95 %%: %v in %v", ratio, ci)
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
	if ratio, ci := HodgesLehmannRatio(first, second, 0.95); !ci.Contains(3) || ci.Upper-ci.Lower > 0.5 {
		t.Errorf("%v in %v", ratio, ci)
	}
}

func TestMedianInterval(t *testing.T) {
	if five := MedianInterval([]float64{1, 2, 3, 4, 5}, 0.95); !math.IsInf(five.Lower, -1) || !math.IsInf(five.Upper, 1) {
		t.Errorf("n = 5 has no 95 %% bound: %+v", five)
	}
	if six := MedianInterval([]float64{6, 5, 4, 3, 2, 1}, 0.95); six != (Interval{1, 6}) {
		t.Errorf("%+v", six)
	}
	if crashed := MedianInterval([]float64{1, 2, 3, 4, 5, math.Inf(1)}, 0.95); crashed != (Interval{1, math.Inf(1)}) {
		t.Errorf("a crash is the bound: %+v", crashed)
	}
	if v := Median([]float64{1, math.Inf(1)}); !math.IsInf(v, 1) {
		t.Errorf("between 1 and never: %v", v)
	}
}

// By enumeration of the binomial, for every n: the interval covers at the level,
// and no narrower one does.
func TestMedianIntervalCovers(t *testing.T) {
	for n := 1; n <= 60; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(i + 1)
		}
		law, rank := distuv.Binomial{N: float64(n), P: 0.5}, 0
		if i := MedianInterval(values, 0.95); !math.IsInf(i.Upper-i.Lower, 1) {
			rank = int(i.Lower)
			if i.Upper != float64(n+1-rank) {
				t.Errorf("n %d: ranks %v", n, i)
			}
		}
		if miss := law.CDF(float64(rank - 1)); miss > 0.025+1e-9 {
			t.Errorf("n %d: each side misses with %v", n, miss)
		}
		if miss := law.CDF(float64(rank)); miss <= 0.025 {
			t.Errorf("n %d: one rank more misses with %v only", n, miss)
		}
	}
}

func TestSamplesOfNothing(t *testing.T) {
	ratio := func(first, second []float64) float64 {
		ratio, ci := HodgesLehmannRatio(first, second, 0.95)
		return ratio + ci.Lower + ci.Upper
	}
	for name, v := range map[string]float64{
		"zero time":      ratio([]float64{0}, []float64{1}),
		"negative time":  ratio([]float64{2, -1}, []float64{1}),
		"crash in ratio": ratio([]float64{math.Inf(1)}, []float64{1}),
		"no pair":        ratio([]float64{1}, nil),
		"no median":      Median(nil),
		"median of NaN":  Median([]float64{1, math.NaN()}),
		"no interval":    MedianInterval(nil, 0.95).Lower,
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
