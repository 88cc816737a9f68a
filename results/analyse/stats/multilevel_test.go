package stats

import (
	"errors"
	"math"
	"testing"
)

// The worked example of Kalibera & Jones and the further cases, from
// softdevteam/libkalibera, python/tests/test_data.py.
func TestNestedVariance(t *testing.T) {
	l, err := NestedVariance([]float64{9, 5, 8, 3, 10, 6, 7, 11, 1, 12, 2, 4}, []int{3, 2, 2})
	if err != nil || l.Mean != 6.5 {
		t.Fatal(l, err)
	}
	checkClose(t, "S²", 0.02, l.Biased, []float64{16.5, 2.6, 3.6})
	checkClose(t, "T²", 0.02, l.Unbiased, []float64{16.5, -5.7, 2.3})

	l, _ = NestedVariance([]float64{3, 4, 3, 1.2, 3.1, 3, 0.2, 1, 1.5, 1, 2, 3}, []int{2, 2, 3})
	checkClose(t, "T²", 1e-4, l.Unbiased, []float64{0.7266667, 0.262777778, 0.7747})
	best, err := l.BestRepetitions([]float64{3, 20, 100})
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "repetitions", 1e-4, best, []float64{4.2937, 1.3023})
}

func TestNestedVarianceRefuses(t *testing.T) {
	l, _ := NestedVariance([]float64{9, 5, 8, 3}, []int{2, 2})
	for name, err := range map[string]error{
		"shape": second(NestedVariance([]float64{1, 2, 3}, []int{2, 2})),
		"once":  second(NestedVariance([]float64{1, 2}, []int{1, 2})),
		"NaN":   second(NestedVariance([]float64{1, math.NaN()}, []int{2})),
		"none":  second(NestedVariance(nil, nil)),
		"costs": second(l.BestRepetitions([]float64{1})),
		"free":  second(l.BestRepetitions([]float64{0, 1})),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
