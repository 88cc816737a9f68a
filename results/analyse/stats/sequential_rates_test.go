package stats

import (
	"errors"
	"math"
	"testing"
)

func courseOf(k int, first, second func(i int) bool) (blocks []EBlock) {
	for i := range k {
		blocks = append(blocks, pairedBlock(index(first(i)), index(second(i))))
	}
	return blocks
}

func inAll(int) bool  { return true }
func inNone(int) bool { return false }

// By hand for one planned block: of the four outcomes (0,1) and (1,0) have
// together at most 1/2 under equal rates, at a rate of 1/2; of two blocks the
// pair (0,2), (2,0) has 2/16.
func TestSequentialRatesByHand(t *testing.T) {
	for _, c := range []struct {
		blocks int
		alpha  float64
		at     int
	}{{1, 0.49, 0}, {1, 0.51, 1}, {2, 0.12, 0}, {2, 0.13, 2}} {
		s := SequentialRates{courseOf(c.blocks, inNone, inAll), c.blocks}
		at, err := s.RejectedAt(0, c.alpha)
		if err != nil || at != c.at {
			t.Errorf("%+v: rejected at %d, %v", c, at, err)
		}
	}
}

// At equal rates that are not on the grid the probability of ever rejecting
// stays under alpha, for any planned number of blocks.
func TestSequentialRatesKeepTheirError(t *testing.T) {
	for _, most := range []int{4, 7, 12, 25} {
		for _, p := range []float64{0.003, 0.013, 0.05, 0.117, 0.2, 0.333, 0.4444, 0.499, 0.71, 0.987} {
			power, _, err := SequentialPower(p, p, most, 0.05)
			if err != nil || power > 0.05*1.005 {
				t.Errorf("%d blocks, rate %v: error %v, %v", most, p, power, err)
			}
		}
	}
}

// The interval covers the true difference in at least 95 % of courses, when
// each is stopped as soon as equal rates are rejected: all courses of four
// blocks counted out.
func TestSequentialIntervalCovers(t *testing.T) {
	const most = 4
	type ended struct{ probability, low, high float64 }
	for _, rates := range [][2]float64{{0.1, 0.1}, {0.05, 0.8}, {0.5, 0.3}, {0.9, 0.02}} {
		var all []ended
		var walk func(blocks []EBlock, probability float64)
		walk = func(blocks []EBlock, probability float64) {
			s := SequentialRates{blocks, most}
			if len(blocks) > 0 {
				at, err := s.RejectedAt(0, 0.05)
				if err != nil {
					t.Fatal(err)
				}
				if at > 0 || len(blocks) == most {
					i := cachedInterval(t, s)
					all = append(all, ended{probability, i.Lower, i.Upper})
					return
				}
			}
			for outcome := range 4 {
				x, y := outcome&1, outcome>>1
				p := probability
				for arm, v := range []int{x, y} {
					p *= rates[arm]*float64(v) + (1-rates[arm])*float64(1-v)
				}
				walk(append(blocks[:len(blocks):len(blocks)], pairedBlock(x, y)), p)
			}
		}
		walk(nil, 1)
		covered := 0.0
		for _, e := range all {
			if d := rates[0] - rates[1]; e.low <= d && d <= e.high {
				covered += e.probability
			}
		}
		if covered < 0.95-1e-9 {
			t.Errorf("%v: covered %v", rates, covered)
		}
	}
}

var intervals = map[string]Interval{}

// cachedInterval works each course out once: the rates do not matter to it.
func cachedInterval(t *testing.T, s SequentialRates) Interval {
	t.Helper()
	key := ""
	for _, b := range s.Blocks {
		key += string(rune('0' + b.First.Events + 2*b.Second.Events))
	}
	if i, ok := intervals[key]; ok {
		return i
	}
	i, err := s.Interval(0.95)
	if err != nil {
		t.Fatal(err)
	}
	intervals[key] = i
	return i
}

// A difference is in the interval exactly when it is not rejected, and p is
// under alpha exactly when equal rates are.
func TestSequentialFiguresAgree(t *testing.T) {
	for _, s := range []SequentialRates{
		{courseOf(4, inNone, inAll), 10},
		{courseOf(9, func(i int) bool { return i%4 == 0 }, func(i int) bool { return i%4 != 1 }), 20},
		{courseOf(6, inNone, inNone), 6},
	} {
		i, err1 := s.Interval(0.95)
		p, err2 := s.P()
		at, err3 := s.RejectedAt(0, 0.05)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		if (at > 0) != (p <= 0.05) || (at > 0) == i.Contains(0) {
			t.Errorf("rejected at %d, p %v, interval %v", at, p, i)
		}
	}
}

// It saves at least 40 % of the blocks of the exact fixed test that finds as
// often, Boschloo's, when twice the blocks are planned that the fixed test
// needs to find 80 %.
func TestSequentialRatesSave(t *testing.T) {
	for _, p := range [][2]float64{{0.02, 0.9}, {0.02, 0.5}, {0.05, 0.4}} {
		fixed := func(wanted float64) int {
			for n := 1; ; n++ {
				if power, err := BoschlooPower(p[0], n, p[1], n, 0.05); err != nil || power >= wanted {
					return n
				}
			}
		}
		power, mean, err := SequentialPower(p[0], p[1], 2*fixed(0.8), 0.05)
		if err != nil {
			t.Fatal(err)
		}
		if saved := 1 - mean/float64(fixed(power)); saved < 0.4 {
			t.Errorf("%v: power %.4f in %.1f of %d blocks, fixed %d: saved %.0f %%", p, power, mean, 2*fixed(0.8), fixed(power), 100*saved)
		}
	}
}

func TestSequentialRatesRefuse(t *testing.T) {
	s := SequentialRates{courseOf(3, inNone, inAll), 2}
	for name, err := range map[string]error{
		"more than planned": second(s.RejectedAt(0, 0.05)),
		"difference":        second(SequentialRates{nil, 2}.RejectedAt(1, 0.05)),
		"alpha":             second(SequentialRates{nil, 2}.RejectedAt(0, 0)),
		"too many":          second(SequentialRates{nil, MostSequentialBlocks + 1}.P()),
		"confidence":        second(SequentialRates{nil, 2}.Interval(math.NaN())),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Under rates that do differ by the hypothesised amount the bet's mean is at
// most 1, so that the interval may be looked at after every block: every
// course of three blocks, with its probability.
func TestTwoProportionSequenceIsFair(t *testing.T) {
	for _, delta := range []float64{-0.7, -0.2, 0.05, 0.5, 0.95} {
		for _, share := range []float64{0.02, 0.3, 0.7, 0.98} {
			low, high := max(0, -delta), min(1, 1-delta)
			second := low + share*(high-low)
			first, mean := second+delta, 0.0
			for course := range 1 << 6 {
				e, probability := eProcess{delta: delta}, 1.0
				for b := range 3 {
					x, y := course>>(2*b)&1, course>>(2*b+1)&1
					probability *= (first*float64(x) + (1-first)*float64(1-x)) * (second*float64(y) + (1-second)*float64(1-y))
					e.observe(pairedBlock(x, y))
				}
				mean += probability * math.Exp(e.log)
			}
			if mean > 1+1e-9 {
				t.Errorf("difference %v at %v: mean %v", delta, second, mean)
			}
		}
	}
}

func TestTwoProportionSequenceAgreesWithP(t *testing.T) {
	for k := 1; k < 7; k++ {
		blocks := courseOf(k, inNone, inAll)
		i, err1 := TwoProportionSequence(blocks, 0.95)
		e, err2 := TwoProportionEProcess(blocks)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if (e[k-1] >= 20) == i.Contains(0) || i.Lower != -1 {
			t.Errorf("%d blocks: e %v, interval %v", k, e[k-1], i)
		}
	}
	if i, err := TwoProportionSequence(nil, 0.95); err != nil || i != (Interval{-1, 1}) {
		t.Errorf("nothing seen: %v, %v", i, err)
	}
}
