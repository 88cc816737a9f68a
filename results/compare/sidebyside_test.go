package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stratbench/stratbench/results/stats"
)

func logs(values ...float64) (blocks [][]float64) {
	for _, v := range values {
		blocks = append(blocks, []float64{math.Exp(v)})
	}
	return blocks
}

// Depression scores before and after a drug (Hollander, Wolfe and Chicken 2014,
// table 3.1). R: wilcox.test(x, y, paired = TRUE, alternative = "greater",
// conf.int = TRUE) has V = 40, p = 0.01953, pseudomedian 0.46, bound 0.175.
func TestSignedRankAgainstR(t *testing.T) {
	before := logs(1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
	after := logs(0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
	d := Change(after, before, 0.05)
	near(t, "p", d.P, 10.0/512, 1e-12)
	near(t, "change", math.Log1p(d.Change), 0.46, 1e-9)
	near(t, "lower", math.Log1p(d.Lower), 0.175, 1e-9)
	near(t, "least", d.Least, 1.0/512, 1e-15)
	// The other way round is the mirror image.
	back := Change(before, after, 0.05)
	near(t, "upper of the mirror image", math.Log1p(back.Upper), -0.175, 1e-9)
	near(t, "p of the mirror image", back.P, 1-7.0/512, 1e-12) // V < 5 in seven ways
}

// With a pair in each of five blocks there are 2^5 arrangements; of those only
// the one observed has every difference positive.
func TestFewPairs(t *testing.T) {
	d := Change(logs(1, 1, 1, 1, 1), logs(2, 2.1, 2.2, 2.3, 2.4), 0.05)
	if near(t, "p", d.P, 1.0/32, 1e-12); d.TooFew(0.05) || !(d.Lower > 0) {
		t.Errorf("five of five: %+v", d)
	}
	d = Change(logs(1, 1, 1, 1), logs(2, 2.1, 2.2, 2.3), 0.05)
	if near(t, "p", d.P, 1.0/16, 1e-12); !d.TooFew(0.05) || d.Lower != -1 || !math.IsInf(d.Upper, 1) {
		t.Errorf("four of four: %+v", d)
	}
	if d := Change(logs(1), nil, 0.05); !d.TooFew(0.05) || !math.IsNaN(d.Change) {
		t.Errorf("nothing in pairs: %+v", d)
	}
	same := Change(logs(1, 2, 3, 4, 5, 6), logs(1, 2, 3, 4, 5, 6), 0.05)
	if near(t, "p of no difference", same.P, 1, 0); same.Change != 0 || same.Lower != 0 || same.Upper != 0 {
		t.Errorf("no difference: %+v", same)
	}
	// 2^-7 is the first under 0.05/5.
	if n := BlocksToTell(5, 0.05); n != 7 {
		t.Errorf("%d blocks for five comparisons", n)
	}
}

// What never got ready took longer than anything that did.
func TestNeverIsLongerThanAnyTime(t *testing.T) {
	never := [][]float64{{math.Inf(1)}, {math.Inf(1)}, {math.Inf(1)}, {math.Inf(1)}, {math.Inf(1)}, {120}}
	d := Change(logs(4, 4, 4, 4, 4, 4), never, 0.05)
	if near(t, "p", d.P, 1.0/64, 1e-12); !math.IsInf(d.Change, 1) || !(d.Lower > 0) {
		t.Errorf("five of six never ready: %+v", d)
	}
	d = Change(never, logs(4, 4, 4, 4, 4, 4), 0.05)
	if d.Change != -1 {
		t.Errorf("five of six ready now: %+v", d)
	}
	if d := Change(never, never, 0.05); d.P != 1 || d.Change != 0 {
		t.Errorf("never before and never now: %+v", d)
	}
}

// Without a change it is said in at most 5 %, and a change of 10 % is found in
// six blocks where trials differ by 4 %, whatever the nights do.
func TestHowOftenAChangeIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const runs = 2000
	for _, c := range []struct {
		change      float64
		least, most float64
	}{{0, 0, 0.062}, {0.1, 0.8, 1}} {
		found, covered := 0, 0
		for range runs {
			var first, second [][]float64
			for range 6 {
				night := 0.3 * r.NormFloat64()
				first = append(first, []float64{math.Exp(night + 0.04*r.NormFloat64())})
				second = append(second, []float64{(1 + c.change) * math.Exp(night+0.04*r.NormFloat64())})
			}
			d := Change(first, second, 0.05)
			if d.P <= 0.05 {
				found++
			}
			if d.Lower <= c.change && c.change <= d.Upper {
				covered++
			}
		}
		if rate := float64(found) / runs; rate < c.least || rate > c.most {
			t.Errorf("a change of %v is found in %.3f of runs", c.change, rate)
		}
		if rate := float64(covered) / runs; rate < 0.89 {
			t.Errorf("the interval holds a change of %v in %.3f of runs", c.change, rate)
		}
	}
}

// R: fisher.test(matrix(c(5,0,0,5),2), alternative = "greater") has p = 1/252.
func TestRise(t *testing.T) {
	d := Rise(stats.Arm{Events: 0, Trials: 5}, stats.Arm{Events: 5, Trials: 5}, 0.05)
	near(t, "p", d.P, 1.0/252, 1e-12)
	near(t, "least", d.Least, 1.0/252, 1e-12)
	near(t, "change", d.Change, 1, 0)
	if !(d.Lower > 0) || d.Upper != 1 {
		t.Errorf("none and all: %+v", d)
	}
	if d := Rise(stats.Arm{Events: 0, Trials: 2}, stats.Arm{Events: 2, Trials: 2}, 0.05); !d.TooFew(0.05) {
		t.Errorf("two of each: %+v", d)
	}
	if d := Rise(stats.Arm{}, stats.Arm{Events: 1, Trials: 2}, 0.05); !d.TooFew(0.05) || !math.IsNaN(d.P) {
		t.Errorf("no trial: %+v", d)
	}
}

// One-sided exact bounds: of 2 in 12 the lower one at 5 % is 3.05 %, of 0 in n
// the upper one is 1 - 0.05^(1/n): 28.3 % at 9, 31.2 % at 8.
func TestRaised(t *testing.T) {
	for _, c := range []struct {
		bad, n              int
		confirmed, excluded bool
	}{{2, 12, true, false}, {1, 12, false, false}, {0, 9, false, true}, {0, 8, false, false}} {
		confirmed, excluded := Raised(c.bad, c.n, 0.02, 0.3, 0.05, 0.05)
		if confirmed != c.confirmed || excluded != c.excluded {
			t.Errorf("%d of %d: confirmed %v, excluded %v", c.bad, c.n, confirmed, excluded)
		}
	}
}
