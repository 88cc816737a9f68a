package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func pairedBlock(first, second int) EBlock { return EBlock{Arm{first, 1}, Arm{second, 1}} }

// The figures of the design's statistics chapter, from the formula of
// safestats' safe2x2Test with its default plug-in.
func TestTwoProportionEProcess(t *testing.T) {
	blocks := []EBlock{}
	for range 5 {
		blocks = append(blocks, pairedBlock(0, 1))
	}
	e, err := TwoProportionEProcess(blocks)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "all (0, 1)", 1e-3, e, []float64{1, 3.01, 10.28, 36.82, 135.38})
	// The second block by hand: rates 0.18/1.36 and 1.18/1.36 against ½.
	checkClose(t, "second block", 1e-12, e[1:2], []float64{4 * (1.18 / 1.36) * (1.18 / 1.36)})
	p, err := AnytimeP(e)
	if err != nil || p[0] != 1 || !near(p[3], 1/e[3], 1e-12) {
		t.Errorf("%v, %v", p, err)
	}
}

// Under equal rates the mean is at most 1: every course of six blocks, with
// its probability; equality would be a martingale.
func TestEProcessIsFair(t *testing.T) {
	for _, rate := range []float64{0.01, 0.1, 0.3, 0.5, 0.8, 0.99} {
		means := make([]float64, 6)
		for course := range 1 << 12 {
			probability, blocks := 1.0, []EBlock{}
			for b := range 6 {
				x, y := course>>(2*b)&1, course>>(2*b+1)&1
				blocks = append(blocks, pairedBlock(x, y))
				for _, v := range []int{x, y} {
					probability *= rate*float64(v) + (1-rate)*float64(1-v)
				}
			}
			e, err := TwoProportionEProcess(blocks)
			if err != nil {
				t.Fatal(err)
			}
			for b, v := range e {
				means[b] += probability * v
			}
		}
		for b, m := range means {
			if m > 1+1e-9 {
				t.Errorf("rate %v: mean %v after %d blocks", rate, m, b+1)
			}
		}
	}
}

// safestats' vignette: 80 % power at α = 0.05 for rates 0.3 apart takes 95 ± 5
// blocks in the worst case over the rates; by simulation.
func TestEProcessPlannedBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	var worst float64
	for _, low := range []float64{0.05, 0.2, 0.35, 0.5, 0.65} {
		var stops []float64
		for range 1500 {
			var e eProcess
			n := 0
			for ; e.log < math.Log(20) && n < 1000; n++ {
				e.observe(pairedBlock(index(random.Float64() < low), index(random.Float64() < low+0.3)))
			}
			stops = append(stops, float64(n))
		}
		planned, err := Quantile(stops, 0.8)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, planned)
	}
	if math.Abs(worst-95) > 8 {
		t.Errorf("%v blocks", worst)
	}
}

func TestEProcessSkipsRetiredArm(t *testing.T) {
	e, err := TwoProportionEProcess([]EBlock{pairedBlock(0, 1), pairedBlock(0, 1), {Arm{0, 1}, Arm{}}})
	if err != nil || e[1] != e[2] {
		t.Errorf("%v, %v", e, err)
	}
}

// p0 .02, p1 .3, α .05, β .1 of the design's statistics chapter: two crashes
// reject, seven clean runs accept.
func TestSPRT(t *testing.T) {
	s := SPRT{0.02, 0.3, 0.05, 0.1}
	verdict, n, err := s.Decide([]bool{true, true, false})
	if err != nil || verdict != AcceptHigh || n != 2 {
		t.Errorf("%v after %d, %v", verdict, n, err)
	}
	if verdict, n, _ = s.Decide(make([]bool, 20)); verdict != AcceptLow || n != 7 {
		t.Errorf("%v after %d", verdict, n)
	}
	if verdict, n, _ = s.Decide([]bool{false, true}); verdict != Undecided || n != 2 {
		t.Errorf("%v after %d", verdict, n)
	}
}

// Wald's errors hold for the truncation-free test; by simulation.
func TestSPRTKeepsItsErrors(t *testing.T) {
	s := SPRT{0.02, 0.3, 0.05, 0.1}
	random := rand.New(rand.NewPCG(1, 1))
	wrong := func(rate float64, bad Verdict) (share float64) {
		for range 4000 {
			events := make([]bool, 300)
			for i := range events {
				events[i] = random.Float64() < rate
			}
			if v, _, _ := s.Decide(events); v == bad {
				share += 1.0 / 4000
			}
		}
		return share
	}
	if a, b := wrong(0.02, AcceptHigh), wrong(0.3, AcceptLow); a > 0.055 || b > 0.11 {
		t.Errorf("errors %v and %v", a, b)
	}
}

// confseq's uniform_boundaries_unittest.cpp, there from an implementation in
// R and stated to 1e-5.
func TestSequencesOfConfseqTests(t *testing.T) {
	for _, c := range []struct {
		k, n         int
		tightest     float64
		lower, upper float64
	}{
		{700, 1000, 100, 0.651629, 0.745949},
		{15, 50, 50, 0.129556, 0.511896},
		{5, 50, 50, 0.013021, 0.269264},
		{1, 50, 50, 0, 0.13489},
		{1, 2, 50, 0, 1},
		{100, 200, 1, 0.328923, 0.671076},
		{0, 1, 50, 0, 1},
		{1, 1, 50, 0, 1},
	} {
		got, err := BernoulliSequence(c.k, c.n, 0.95, c.tightest)
		if err != nil || math.Abs(got.Lower-c.lower) > 1e-5 || math.Abs(got.Upper-c.upper) > 1e-5 {
			t.Errorf("%d/%d: %v, %v; want %v, %v", c.k, c.n, got, err, c.lower, c.upper)
		}
	}
	bound, err := NormalMixtureBound(100, 0.05, 100)
	if err != nil || math.Abs(bound-30.35209) > 1e-5 {
		t.Errorf("%v, %v", bound, err)
	}
	for _, c := range []struct {
		p      float64
		offset int
		want   float64
	}{{0.5, 70, 0.814704}, {0.5, 85, 0.0838055}, {0.5, 100, 0.0054947}, {0.9, 55, 0.0340463}} {
		first, second := make([]float64, 1000), make([]float64, 1000)
		for i := range first {
			first[i], second[i] = float64(i+1), float64(i+1+c.offset)
		}
		got, err := QuantileSequenceP(first, second, c.p, 0.05, 100)
		if err != nil || math.Abs(got-c.want) > 1e-5 {
			t.Errorf("quantile %v, offset %d: %v, %v; want %v", c.p, c.offset, got, err, c.want)
		}
	}
}

// The share of simulated courses that ever leave the sequence, looked at
// after every trial, against 5 %; 300 courses allow three standard errors.
func TestSequencesCoverAtEveryLook(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	const courses, trials = 300, 40
	for _, rate := range []float64{0.05, 0.3} {
		table := map[Arm]Interval{}
		var missed, missedMean int
		for range courses {
			k, out := 0, false
			values := make([]float64, trials)
			for i := range trials {
				crash := random.Float64() < rate
				k += index(crash)
				values[i] = float64(index(crash))
				arm := Arm{k, i + 1}
				if _, seen := table[arm]; !seen {
					table[arm], _ = BernoulliSequence(k, i+1, 0.95, 20)
				}
				out = out || !table[arm].Contains(rate)
			}
			missed += index(out)
			all, err := BettingSequence(values[:25], 0.95)
			if err != nil {
				t.Fatal(err)
			}
			missedMean += index(!all[24].Contains(rate))
		}
		most := courses*0.05 + 3*math.Sqrt(courses*0.05*0.95)
		if float64(missed) > most || float64(missedMean) > most {
			t.Errorf("rate %v: %d and %d of %d courses missed", rate, missed, missedMean, courses)
		}
	}
}

// Waudby-Smith & Ramdas' capital, multiplied out step by step at the ends.
func TestBettingSequenceIsItsCapital(t *testing.T) {
	values := []float64{0.2, 0.3, 0.25, 0.3, 0.2, 0.1, 0.35, 0.2, 0.25, 0.3, 0.3, 0.2, 0.15}
	all, err := BettingSequence(values, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1]
	if !last.Contains(0.24) || last.Upper > 0.7 || last.Lower < 0.01 {
		t.Fatalf("%+v", last)
	}
	capital, sum, squares, variance := 0.5, 0.5, 0.25, 0.25
	for i, x := range values {
		n := float64(i + 1)
		bet := min(math.Sqrt(2*math.Log(40)/(variance*n*math.Log(n+1))), 0.5/last.Lower)
		capital *= 1 + bet*(x-last.Lower)
		sum += x
		squares += math.Pow(x-sum/(n+1), 2)
		variance = squares / (n + 1)
	}
	checkClose(t, "capital at the lower end", 1e-9, []float64{capital}, []float64{20})
}

// gsDesign's test-base.R: O'Brien–Fleming at four looks, and the cost of
// peeking at 1.96 for 2, 4, 10 and 20 looks.
func TestGroupSequential(t *testing.T) {
	b, err := OBrienFleming(4, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "O'Brien–Fleming", 3e-3, b, []float64{4.05, 2.86, 2.34, 2.02})
	size, _ := RepeatedLooks(b)
	checkClose(t, "its error", 1e-9, []float64{size}, []float64{0.05})
	for looks, want := range map[int]float64{1: 0.05, 2: 0.083, 4: 0.126, 10: 0.193, 20: 0.248} {
		bounds := make([]float64, looks)
		for i := range bounds {
			bounds[i] = twoSidedZ(0.95)
		}
		got, err := RepeatedLooks(bounds)
		if err != nil || math.Abs(got-want) > 6e-4 {
			t.Errorf("%d looks: %v, %v; want %v", looks, got, err, want)
		}
	}
}

func TestSequentialRefuses(t *testing.T) {
	nan := math.NaN()
	_, _, sprt := SPRT{0.3, 0.02, 0.05, 0.1}.Decide(nil)
	for name, err := range map[string]error{
		"rates in disorder": sprt,
		"block":             second(TwoProportionEProcess([]EBlock{pairedBlock(2, 0)})),
		"e-value":           second(AnytimeP([]float64{nan})),
		"no trials":         second(BernoulliSequence(0, 0, 0.95, 10)),
		"tuning":            second(BernoulliSequence(0, 1, 0.95, 0)),
		"cost above 1":      second(BettingSequence([]float64{1.5}, 0.95)),
		"cost NaN":          second(BettingSequence([]float64{nan}, 0.95)),
		"time":              second(NormalMixtureBound(-1, 0.05, 100)),
		"no looks":          second(RepeatedLooks(nil)),
		"none of looks":     second(OBrienFleming(0, 0.05)),
		"empty arm":         second(QuantileSequenceP(nil, []float64{1}, 0.5, 0.05, 10)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
