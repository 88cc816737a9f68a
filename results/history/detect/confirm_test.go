package detect

import (
	"testing"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// With three blocks of one trial a side there are 2^3 arrangements, with two a
// side 6^3; only one of them has all longer times on the present side.
func TestConfirmAgainstCounting(t *testing.T) {
	one, two := [][]float64{{100}, {101}, {99}}, [][]float64{{100, 101}, {99, 102}, {98, 103}}
	for _, c := range []struct {
		good, present [][]float64
		better        bool
		p             float64
		confirmed     bool
	}{
		{one, scaled(one, 1.2), false, 1.0 / 8, false},
		{two, scaled(two, 1.2), false, 1.0 / 216, true},
		{scaled(two, 1.2), two, true, 1.0 / 216, true},
		{two, scaled(two, 1.2), true, 1, false},
	} {
		r, err := Confirm(c.good, c.present, c.better, 0.05, 0.05)
		if err != nil || r.Confirmed != c.confirmed || r.TooFew != (len(c.good[0]) == 1) {
			t.Errorf("%v, %v: %+v, %v", c.good, c.present, r, err)
		}
		if !near(r.P, c.p, 1e-9) {
			t.Errorf("%v, %v: p %v, counted %v", c.good, c.present, r.P, c.p)
		}
	}
	if r, err := Confirm(two, two, false, 0.05, 0.05); err != nil || r.Confirmed || r.P < 0.5 {
		t.Errorf("a state against itself: %+v, %v", r, err)
	}
	if r, _ := Confirm(two, scaled(two, 1.2), false, 0.05, 0.05); !near(r.Ratio, 1.2, 1e-9) || !r.CI.Contains(1.2) {
		t.Errorf("ratio %v %v", r.Ratio, r.CI)
	}
}

func scaled(blocks [][]float64, by float64) (out [][]float64) {
	for _, b := range blocks {
		var values []float64
		for _, v := range b {
			values = append(values, v*by)
		}
		out = append(out, values)
	}
	return out
}

// A change that is sure and too small to matter is not confirmed.
func TestConfirmNeedsTheThreshold(t *testing.T) {
	two := [][]float64{{100, 100.1}, {100, 100.2}, {100, 100.3}, {100, 100.1}}
	if r, err := Confirm(two, scaled(two, 1.03), false, 0.05, 0.05); err != nil || r.Confirmed || r.P > 0.05 {
		t.Errorf("3 %% more is %+v, %v", r, err)
	}
}

func TestConfirmRefuses(t *testing.T) {
	for _, c := range []struct{ good, present [][]float64 }{
		{nil, nil}, {[][]float64{{1}}, [][]float64{{1}, {2}}}, {[][]float64{{1}, nil}, [][]float64{nil, {1}}},
	} {
		if _, err := Confirm(c.good, c.present, false, 0.05, 0.05); err == nil {
			t.Errorf("%v and %v were compared", c.good, c.present)
		}
	}
}

// Wald's limits by hand for 2 % against 30 %: a failure adds ln 15, a success
// ln(0.7/0.98); at levels 0.05 and 0.05 the limits are ±ln 19.
func TestConfirmRateAgainstWald(t *testing.T) {
	test := ConfirmRate(0, 0.05)
	for _, c := range []struct {
		events []bool
		want   stats.Verdict
		after  int
	}{
		{[]bool{true, true}, stats.AcceptHigh, 2},
		{[]bool{false, false, false, false, false, false, false, false, false}, stats.AcceptLow, 9},
		{[]bool{false, false, false, false, false, false, false, false}, stats.Undecided, 8},
		{[]bool{true}, stats.Undecided, 1},
	} {
		if got, n, err := test.Decide(c.events); err != nil || got != c.want || n != c.after {
			t.Errorf("%v: %v after %d, %v", c.events, got, n, err)
		}
	}
}
