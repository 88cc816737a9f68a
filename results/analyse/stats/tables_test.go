package stats

import (
	"fmt"
	"math"
	"testing"
)

// What must hold for every 2×2 table, checked on all with up to four trials
// an arm.
func TestEveryTable(t *testing.T) {
	for n1 := 1; n1 <= 4; n1++ {
		for n2 := 1; n2 <= 4; n2++ {
			for x1 := range n1 + 1 {
				for x2 := range n2 + 1 {
					a, b := Arm{x1, n1}, Arm{x2, n2}
					checkTestsOf(t, a, b)
					checkDifferencesOf(t, a, b)
					checkBeliefsOf(t, a, b)
				}
			}
		}
	}
}

func checkTestsOf(t *testing.T, a, b Arm) {
	t.Helper()
	for _, alt := range []Alternative{Less, Greater} {
		fisher, err1 := Fisher(a, b, alt)
		boschloo, err2 := Boschloo(a, b, alt)
		barnard, err3 := Barnard(a, b, alt)
		swapped, err4 := Boschloo(b, a, Less+Greater-alt)
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Fatal(a, b, err1, err2, err3, err4)
		}
		if boschloo.P > fisher+1e-12 {
			t.Errorf("%v %v: Boschloo %v over Fisher %v", a, b, boschloo.P, fisher)
		}
		if math.Abs(boschloo.P-swapped.P) > 1e-9 {
			t.Errorf("%v %v: arms swapped %v and %v", a, b, boschloo.P, swapped.P)
		}
		for _, p := range []float64{fisher, boschloo.P, barnard.P} {
			if !(p > 0 && p <= 1) {
				t.Errorf("%v %v: p %v", a, b, p)
			}
		}
	}
}

func checkDifferencesOf(t *testing.T, a, b Arm) {
	t.Helper()
	for name, f := range map[string]func(a, b Arm, conf float64) (Interval, error){
		"Newcombe": Newcombe, "Agresti–Caffo": AgrestiCaffo, "Miettinen–Nurminen": MiettinenNurminen, "Mee": Mee,
	} {
		there, err1 := f(a, b, 0.95)
		back, err2 := f(b, a, 0.95)
		wider, err3 := f(a, b, 0.99)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(name, a, b, err1, err2, err3)
		}
		what := fmt.Sprint(name, a, b, there)
		if math.Abs(there.Lower+back.Upper) > 1e-9 || math.Abs(there.Upper+back.Lower) > 1e-9 {
			t.Errorf("%s: arms swapped %v", what, back)
		}
		// Agresti and Caffo's is centred on shrunken rates.
		d := a.rate() - b.rate()
		if name != "Agresti–Caffo" && (there.Lower > d+1e-9 || there.Upper < d-1e-9) {
			t.Errorf("%s: without its estimate %v", what, d)
		}
		if wider.Lower > there.Lower+1e-9 || wider.Upper < there.Upper-1e-9 || there.Lower < -1-1e-12 || there.Upper > 1+1e-12 {
			t.Errorf("%s: against %v at 99 %%", what, wider)
		}
	}
}

func checkBeliefsOf(t *testing.T, a, b Arm) {
	t.Helper()
	for _, prior := range []Prior{UniformPrior, JeffreysPrior, {0.3, 2}} {
		less, err1 := ProbabilityLess(a, b, prior)
		more, err2 := ProbabilityLess(b, a, prior)
		if err1 != nil || err2 != nil || math.Abs(less+more-1) > 1e-12 {
			t.Errorf("%v %v %v: %v + %v, %v, %v", a, b, prior, less, more, err1, err2)
		}
	}
}
