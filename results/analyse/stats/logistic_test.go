package stats

import (
	"errors"
	"math"
	"math/rand/v2"
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
// 2 of 2 has p = 1/21.
func TestLevelPermutation(t *testing.T) {
	scores, level := []float64{0, 0, 0, 0, 0, 1, 1}, []int{0, 0, 0, 0, 0, 1, 1}
	l, err := LevelPermutation(scores, level, 2, nil, 100_000, 1)
	if err != nil || !l.Exact || !near(l.P, 1.0/21, 1e-9) || l.Freedom != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	// Scores that are no multiples of ½ are drawn, and agree.
	for i := range scores {
		scores[i] *= 0.3
	}
	drawn, err := LevelPermutation(scores, level, 2, nil, 100_000, 1)
	if err != nil || drawn.Exact || math.Abs(drawn.P-l.P) > 0.002 {
		t.Errorf("%+v, %v", drawn, err)
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

// Friedman, Journal of the American Statistical Association 32 (1937) 675,
// table V: three levels ranked in four blocks have χ² = 8 or more with p =
// 0.0046 and 6.5 or more with 0.042; in three blocks, 6 or more with 0.028.
func TestFriedmanIsCountedOut(t *testing.T) {
	for _, c := range []struct {
		ranks        [][3]float64
		statistic, p float64
	}{
		{[][3]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, 8, 0.0046},
		{[][3]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 3, 2}}, 6.5, 0.042},
		{[][3]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, 6, 0.028},
	} {
		var scores []float64
		var level, block []int
		for b, ranks := range c.ranks {
			for l, rank := range ranks {
				scores, level, block = append(scores, rank), append(level, l), append(block, b)
			}
		}
		l, err := LevelPermutation(scores, level, 3, block, 10, 1)
		if err != nil || !l.Exact || !near(l.Statistic, c.statistic, 1e-9) || math.Abs(l.P-c.p) > 0.0005 {
			t.Errorf("%+v, %v; want χ² %v and p %v", l, err, c.statistic, c.p)
		}
	}
}

// Two levels are the two arms of StratifiedPermutation, ties and uneven blocks
// included.
func TestTwoLevelsAreTwoArms(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		var scores []float64
		var level, block []int
		var first []bool
		for i := range 24 {
			l := random.IntN(2)
			scores, level, block, first = append(scores, float64(random.IntN(5))/2), append(level, l), append(block, i%4), append(first, l == 0)
		}
		l, err := LevelPermutation(scores, level, 2, block, 10, 1)
		p, errP := StratifiedPermutation(scores, first, block, 10, 1)
		if err != nil || errP != nil || !l.Exact || !p.Exact || !near(l.P, p.TwoSided, 1e-9) {
			t.Errorf("%+v, %v; %+v, %v", l, err, p, errP)
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
