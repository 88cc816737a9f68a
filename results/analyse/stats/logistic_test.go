package stats

import (
	"errors"
	"math"
	"testing"
)

func design(v []float64) (rows [][]float64, event []bool, rest []float64) {
	n, k := int(v[0]), int(v[1])
	for i := range n {
		rows = append(rows, v[2+i*k:2+(i+1)*k])
		event = append(event, v[2+n*k+i] == 1)
	}
	return rows, event, v[2+n*k+n:]
}

func TestLogisticAgainstR(t *testing.T) {
	checkReferences(t, "logistic", 1e-6, map[string]func([]float64) ([]float64, error){
		"firth": func(v []float64) (out []float64, err error) {
			rows, event, _ := design(v)
			l, err := FirthLogistic(rows, event, 0.95)
			for _, e := range l.Effect {
				out = append(out, e.Estimate, e.StdErr, e.CI.Lower, e.CI.Upper, e.P)
			}
			return out, err
		},
		"dropped": func(v []float64) ([]float64, error) {
			rows, event, rest := design(v)
			events, trials := make([]int, len(rows)), make([]int, len(rows))
			for i := range rows {
				events[i], trials[i] = index(event[i]), 1
			}
			p, err := FirthDropped(rows, events, trials, integers(rest[1:1+int(rest[0])]))
			return []float64{p}, err
		},
		"levels": func(v []float64) ([]float64, error) {
			n, levels := int(v[0]), int(v[1])
			t, err := LevelPermutation(v[2:2+n], integers(v[2+n:2+2*n]), levels, integers(v[2+2*n:2+3*n]), 0, 1)
			return []float64{t.Statistic, float64(t.Freedom), t.Limit}, err
		},
		"exact_p_ci": func(v []float64) ([]float64, error) {
			rows, event, rest := design(v)
			e, err := ExactLogistic(rows, event, int(rest[0]), 0.95)
			return []float64{e.P, -never(-e.CI.Lower), never(e.CI.Upper)}, err
		},
		"exact_estimate": func(v []float64) ([]float64, error) {
			rows, event, rest := design(v)
			e, err := ExactLogistic(rows, event, int(rest[0]), 0.95)
			return []float64{e.Estimate}, err
		},
	})
}

func integers(values []float64) (out []int) {
	for _, v := range values {
		out = append(out, int(v))
	}
	return out
}

// Of two levels in one block the permutation is Fisher's test: 0 of 5 against
// 2 of 2 has p = 1/21, to the precision of the draws.
func TestLevelPermutation(t *testing.T) {
	scores, level := []float64{0, 0, 0, 0, 0, 1, 1}, []int{0, 0, 0, 0, 0, 1, 1}
	l, err := LevelPermutation(scores, level, 2, nil, 100_000, 1)
	if err != nil || math.Abs(l.P-1.0/21) > 0.002 || l.Freedom != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	// A level that no trial has, and one alone in its block, take no part.
	more, err := LevelPermutation(append(scores, 1), append(level, 3), 4, []int{0, 0, 0, 0, 0, 0, 0, 1}, 0, 1)
	if err != nil || !near(more.Statistic, l.Statistic, 1e-9) || more.Freedom != 1 {
		t.Errorf("%+v, %v", more, err)
	}
	for name, err := range map[string]error{
		"no scores":  second(LevelPermutation(nil, nil, 2, nil, 10, 1)),
		"one level":  second(LevelPermutation(scores, level, 1, nil, 10, 1)),
		"alike":      second(LevelPermutation(make([]float64, 7), level, 2, nil, 10, 1)),
		"no overlap": second(LevelPermutation(scores, level, 2, level, 10, 1)),
		"NaN":        second(LevelPermutation([]float64{math.NaN(), 1}, []int{0, 1}, 2, nil, 10, 1)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// In a saturated 2×2 table Firth's estimate is the log odds ratio after ½ was
// added to every cell (Firth 1993 §3.3): here 2/2 against 0/5.
func TestFirthOfTwoByTwo(t *testing.T) {
	rows := [][]float64{{0}, {0}, {0}, {0}, {0}, {1}, {1}}
	event := []bool{false, false, false, false, false, true, true}
	l, err := FirthLogistic(rows, event, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "log odds", 1e-9, []float64{l.Effect[0].Estimate, l.Effect[1].Estimate},
		[]float64{math.Log(0.5 / 5.5), math.Log(2.5 / 0.5 * 5.5 / 0.5)})
	alone, err := FirthEffect(rows, []int{0, 0, 0, 0, 0, 1, 1}, []int{1, 1, 1, 1, 1, 1, 1}, 0, 0.95)
	if err != nil || alone != l.Effect[1] {
		t.Errorf("%+v, %v; in the whole model %+v", alone, err, l.Effect[1])
	}
	e, err := ExactLogistic(rows, event, 0, 0.95)
	if err != nil || !e.MedianUnbiased || !math.IsInf(e.CI.Upper, 1) || !near(e.P, 1.0/21, 1e-9) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestLogisticWithoutCrashes(t *testing.T) {
	rows := [][]float64{{0}, {0}, {1}, {1}}
	l, err := FirthLogistic(rows, make([]bool, 4), 0.95)
	if err != nil || math.Abs(l.Effect[1].Estimate) > 1e-6 || l.Effect[1].P < 0.99 {
		t.Errorf("no crash anywhere says nothing of the covariate: %+v, %v", l, err)
	}
	if _, err := ExactLogistic(rows, make([]bool, 4), 0, 0.95); !errors.Is(err, ErrInput) {
		t.Errorf("exact: %v", err)
	}
}

func TestLogisticRefuses(t *testing.T) {
	rows, event := [][]float64{{0}, {1}, {1}}, []bool{true, false, true}
	for name, err := range map[string]error{
		"no such effect": second(FirthEffect(rows, []int{1, 0, 1}, []int{1, 1, 1}, 1, 0.95)),
		"nothing":        second(FirthLogistic(nil, nil, 0.95)),
		"lengths":        second(FirthLogistic(rows, event[:2], 0.95)),
		"constant":       second(FirthLogistic([][]float64{{1}, {1}, {1}}, event, 0.95)),
		"collinear":      second(FirthLogistic([][]float64{{0, 0}, {1, 2}, {1, 2}, {0, 0}}, []bool{true, false, true, true}, 0.95)),
		"NaN":            second(FirthLogistic([][]float64{{0}, {math.NaN()}, {1}}, event, 0.95)),
		"uneven":         second(FirthLogistic([][]float64{{0}, {1, 2}, {1}}, event, 0.95)),
		"fraction":       second(ExactLogistic([][]float64{{0.5}, {1}, {1}}, event, 0, 0.95)),
		"no covariate":   second(ExactLogistic(rows, event, 1, 0.95)),
		"nothing exact":  second(ExactLogistic(nil, nil, 0, 0.95)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
