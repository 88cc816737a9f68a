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
				}
			}
		}
	}
}

func checkTestsOf(t *testing.T, a, b Arm) {
	t.Helper()
	for _, alt := range []Alternative{Less, Greater} {
		p, swapped := Fisher(a, b, alt), Fisher(b, a, Less+Greater-alt)
		if !(math.Abs(p-swapped) <= 1e-9) || !(p > 0 && p <= 1) {
			t.Errorf("%v %v: p %v, arms swapped %v", a, b, p, swapped)
		}
	}
}

func checkDifferencesOf(t *testing.T, a, b Arm) {
	t.Helper()
	there, back, wider := MiettinenNurminen(a, b, 0.95), MiettinenNurminen(b, a, 0.95), MiettinenNurminen(a, b, 0.99)
	what := fmt.Sprint(a, b, there)
	if !(math.Abs(there.Lower+back.Upper) <= 1e-9) || !(math.Abs(there.Upper+back.Lower) <= 1e-9) {
		t.Errorf("%s: arms swapped %v", what, back)
	}
	if d := a.Rate() - b.Rate(); there.Lower > d+1e-9 || there.Upper < d-1e-9 {
		t.Errorf("%s: without its estimate %v", what, d)
	}
	if wider.Lower > there.Lower+1e-9 || wider.Upper < there.Upper-1e-9 || there.Lower < -1-1e-12 || there.Upper > 1+1e-12 {
		t.Errorf("%s: against %v at 99 %%", what, wider)
	}
}
