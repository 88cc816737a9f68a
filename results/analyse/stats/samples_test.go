package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// twoSamples takes a reference case's arguments apart; see testdata/samples.py.
func twoSamples(v []float64) (first, second, rest []float64) {
	v = append([]float64{}, v...)
	for i, x := range v {
		if x == 1e300 {
			v[i] = math.Inf(1)
		}
	}
	n1, n2 := int(v[0]), int(v[1])
	return v[2 : 2+n1], v[2+n1 : 2+n1+n2], v[2+n1+n2:]
}

func joined(first, second []float64) (values []float64, inFirst []bool) {
	values = append(append([]float64{}, first...), second...)
	inFirst = make([]bool, len(values))
	for i := range first {
		inFirst[i] = true
	}
	return values, inFirst
}

func blocked(v []float64) (values []float64, first []bool, block []int) {
	n := int(v[0])
	for i := range n {
		x := v[1+i]
		if x == 1e300 {
			x = math.Inf(1)
		}
		values = append(values, x)
		first = append(first, v[1+n+i] == 1)
		block = append(block, int(v[1+2*n+i]))
	}
	return values, first, block
}

func pValues(p Permutation, err error) ([]float64, error) {
	if err == nil && !p.Exact {
		err = errors.New("simulated")
	}
	return []float64{p.Less, p.Greater, p.TwoSided}, err
}

func worstRankCase(v []float64) ([]float64, error) {
	a, b, _ := twoSamples(v)
	values, first := joined(a, b)
	return pValues(WorstRankTest(values, first, nil, 0, 0))
}

func quantileCase(v []float64) ([]float64, error) {
	n := int(v[0])
	return one(Quantile(v[1:1+n], v[1+n]))
}

func TestSamplesAgainstSciPy(t *testing.T) {
	checkReferences(t, "samples", 1e-6, map[string]func([]float64) ([]float64, error){
		"worst_rank": worstRankCase,
		"other_scores": func(v []float64) ([]float64, error) {
			a, b, _ := twoSamples(v)
			values, first := joined(a, b)
			ranks, err := Midranks(values)
			for i := range ranks {
				ranks[i] = math.Sqrt(ranks[i])
			}
			if err != nil {
				return nil, err
			}
			return pValues(StratifiedPermutation(ranks, first, nil, 0, 0))
		},
		"worst_rank_blocks": func(v []float64) ([]float64, error) {
			values, first, block := blocked(v)
			return pValues(WorstRankTest(values, first, block, 0, 0))
		},
		"within_blocks": func(v []float64) ([]float64, error) {
			values, first, block := blocked(v)
			ranks, err := BlockMidranks(values, block)
			if err != nil {
				return nil, err
			}
			return pValues(StratifiedPermutation(ranks, first, block, 0, 0))
		},
		"brunner_munzel": func(v []float64) ([]float64, error) {
			a, b, rest := twoSamples(v)
			r, err := BrunnerMunzelTest(a, b, Alternative(rest[0]))
			return []float64{r.Statistic, r.P}, err
		},
		"superiority": func(v []float64) ([]float64, error) {
			a, b, rest := twoSamples(v)
			s, err := CompareSuperiority(a, b, rest[0])
			out := []float64{s.Wins, s.Losses, s.Probability, s.ProbabilityCI.Lower, s.ProbabilityCI.Upper}
			if s.Wins > 0 && s.Losses > 0 {
				out = append(out, s.WinRatioCI.Lower, s.WinRatioCI.Upper, s.P)
			}
			return out, err
		},
		"quantile": quantileCase,
		"capped": func(v []float64) ([]float64, error) {
			a, b, rest := twoSamples(v)
			c, err := CompareCapped(a, b, rest[0], 0.95)
			return []float64{c.Difference, c.CI.Lower, c.CI.Upper, c.P}, err
		},
	})
}

func TestSamplesAgainstR(t *testing.T) {
	// R's exact interval is made of the same order statistics; the logs cost
	// some digits only.
	checkReferences(t, "samples_r", 1e-9, map[string]func([]float64) ([]float64, error){
		"worst_rank": worstRankCase,
		"quantile":   quantileCase,
		"hodges_lehmann": func(v []float64) ([]float64, error) {
			a, b, rest := twoSamples(v)
			r, err := HodgesLehmannRatio(a, b, nil, nil, rest[0])
			return []float64{r.Estimate, r.CI.Lower, r.CI.Upper}, err
		},
	})
}

// scipy/stats/tests/test_stats.py, TestBrunnerMunzel.
func TestBrunnerMunzelOfSciPyTests(t *testing.T) {
	x := []float64{1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1}
	y := []float64{3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4}
	r, err := BrunnerMunzelTest(x, y, Less)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "Lumley", 1e-9, []float64{r.Statistic, r.P}, []float64{3.1374674823029505, 0.0028931043330757342})
}

// With 5 against 2 trials no outcome reaches 0.05; four against four do.
func TestPermutationSaysWhatItCanReach(t *testing.T) {
	inf := math.Inf(1)
	values, first := joined([]float64{1, 2, 3, 4, 5}, []float64{inf, inf})
	p, err := WorstRankTest(values, first, nil, 0, 0)
	if err != nil || !near(p.Less, 1.0/21, 1e-12) || !near(p.Doubled, 2.0/21, 1e-12) {
		t.Errorf("%+v, %v", p, err)
	}
	values, first = joined([]float64{1, 2, 3, 4, 5}, []float64{6, 7})
	p, _ = WorstRankTest(values, first, nil, 0, 0)
	if !near(p.Smallest, 2.0/21, 1e-12) || p.Arrangements != 21 {
		t.Errorf("%+v", p)
	}
}

func TestPermutationInRange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 2 + random.IntN(10)
		values, first, block := make([]float64, n), make([]bool, n), make([]int, n)
		for i := range n {
			values[i] = float64(random.IntN(4))
			if random.IntN(3) == 0 {
				values[i] = math.Inf(1)
			}
			first[i], block[i] = random.IntN(2) == 0, random.IntN(3)
		}
		p, err := WorstRankTest(values, first, block, 0, 0)
		if err != nil {
			continue
		}
		least := 1/p.Arrangements - 1e-12
		for _, v := range []float64{p.Less, p.Greater, p.TwoSided, p.Doubled} {
			if v < least || v > 1 || math.IsNaN(v) {
				t.Fatalf("p %v of %+v", v, p)
			}
		}
		if p.Less+p.Greater < 1-1e-12 || p.Smallest > p.TwoSided+1e-12 {
			t.Fatalf("%+v", p)
		}
	}
}

func TestSimulatedPermutationIsRepeatableAndClose(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	scores, first := make([]float64, 24), make([]bool, 24)
	for i := range scores {
		scores[i], first[i] = random.NormFloat64(), i < 12
		if i < 12 {
			scores[i] += 0.7
		}
	}
	exact, err := StratifiedPermutation(midranks(scores), first, nil, 0, 0)
	if err != nil || !exact.Exact {
		t.Fatal(exact, err)
	}
	p, err := newPermutation(midranks(scores), first, nil)
	if err != nil {
		t.Fatal(err)
	}
	drawn := p.simulated(20000, 7)
	if math.Abs(drawn.TwoSided-exact.TwoSided) > 0.01 || drawn.Less <= 0 {
		t.Errorf("drawn %v, exact %v", drawn.TwoSided, exact.TwoSided)
	}
	again, _ := newPermutation(midranks(scores), first, nil)
	if got := again.simulated(20000, 7); got != drawn {
		t.Error("the same seed drew other arrangements")
	}
	// 24 real scores have 2.7 million arrangements: beyond enumeration.
	if _, err := StratifiedPermutation(scores, first, nil, 0, 0); !errors.Is(err, ErrInput) {
		t.Errorf("no draws: %v", err)
	}
}

func TestSuperiorityAtItsEnds(t *testing.T) {
	s, err := CompareSuperiority([]float64{1, 2, 3}, []float64{4, math.Inf(1)}, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if s.Probability != 1 || !math.IsInf(s.WinRatio, 1) || !math.IsNaN(s.P) || s.WinRatioCI != (Interval{0, math.Inf(1)}) {
		t.Errorf("%+v", s)
	}
	if s.ProbabilityCI.Lower < 0.3 || s.ProbabilityCI.Lower > 0.9 {
		t.Errorf("interval %+v should be neither certain nor empty", s.ProbabilityCI)
	}
	if s, _ = CompareSuperiority([]float64{7, 7}, []float64{7, 7}, 0.95); s.Probability != 0.5 || s.WinRatio != 1 || s.Ties != 4 {
		t.Errorf("all ties: %+v", s)
	}
}

func TestHodgesLehmannInBlocks(t *testing.T) {
	// The second block is ten times as slow; inside blocks the ratio is 2.
	first, second := []float64{2, 20, 4}, []float64{1, 10, 2}
	r, err := HodgesLehmannRatio(first, second, []int{1, 2, 3}, []int{1, 2, 3}, 0.95)
	if err != nil || !near(r.Estimate, 2, 1e-12) {
		t.Errorf("%+v, %v", r, err)
	}
	if r.CI.Lower != 0 || !math.IsInf(r.CI.Upper, 1) {
		t.Errorf("three pairs bound nothing at 95 %%: %+v", r.CI)
	}
	// One a block and arm is the sign test: six pairs are needed at 95 %.
	six := []int{1, 2, 3, 4, 5, 6}
	r, _ = HodgesLehmannRatio([]float64{2, 4, 6, 8, 10, 12}, []float64{1, 1, 1, 1, 1, 1}, six, six, 0.95)
	if !near(r.CI.Lower, 2, 1e-12) || !near(r.CI.Upper, 12, 1e-12) || !near(r.Coverage, 1-2.0/64, 1e-12) {
		t.Errorf("%+v", r)
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
	r, err := HodgesLehmannRatio(first, second, nil, nil, 0.95)
	if err != nil || r.Exact || !r.CI.Contains(3) || r.CI.Upper-r.CI.Lower > 0.5 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMedianInterval(t *testing.T) {
	five, _ := QuantileBounds([]float64{1, 2, 3, 4, 5}, 0.5, 0.95)
	if five.Bounded() || five.LowerRank != 0 || five.UpperRank != 0 || five.Coverage != 1 {
		t.Errorf("n = 5 has no 95 %% bound: %+v", five)
	}
	six, err := QuantileBounds([]float64{6, 5, 4, 3, 2, 1}, 0.5, 0.95)
	if err != nil || six.Interval != (Interval{1, 6}) || !near(six.Coverage, 1-2.0/64, 1e-12) {
		t.Errorf("%+v, %v", six, err)
	}
	crashed, _ := QuantileBounds([]float64{1, 2, 3, 4, 5, math.Inf(1)}, 0.5, 0.95)
	if !math.IsInf(crashed.Upper, 1) || crashed.UpperRank != 6 {
		t.Errorf("a crash is the bound: %+v", crashed)
	}
	if v, _ := Quantile([]float64{1, math.Inf(1), math.Inf(1)}, 0.25); !math.IsInf(v, 1) {
		t.Errorf("between 1 and never: %v", v)
	}
}

// By enumeration of the binomial: never below the level, for every n.
func TestQuantileIntervalCovers(t *testing.T) {
	for n := 1; n <= 60; n++ {
		values := make([]float64, n)
		for _, p := range []float64{0.1, 0.5, 0.9} {
			q, err := QuantileBounds(values, p, 0.95)
			if err != nil || q.Coverage < 0.95-1e-9 {
				t.Errorf("n %d p %v: %v, %v", n, p, q.Coverage, err)
			}
		}
	}
}

func TestSamplesRefuse(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, err := range map[string]error{
		"one arm":           second(WorstRankTest([]float64{1, 2}, []bool{true, true}, nil, 0, 0)),
		"nothing":           second(WorstRankTest(nil, nil, nil, 0, 0)),
		"NaN value":         second(WorstRankTest([]float64{1, nan}, []bool{true, false}, nil, 0, 0)),
		"infinite score":    second(StratifiedPermutation([]float64{1, inf}, []bool{true, false}, nil, 0, 0)),
		"lengths":           second(StratifiedPermutation([]float64{1, 2}, []bool{true}, nil, 0, 0)),
		"arms apart":        second(StratifiedPermutation([]float64{1, 2}, []bool{true, false}, []int{1, 2}, 0, 0)),
		"negative time":     second(WorstRank([]float64{-1}, []bool{false})),
		"one trial":         second(CompareSuperiority([]float64{1}, []float64{1, 2}, 0.95)),
		"NaN time":          second(CompareSuperiority([]float64{1, nan}, []float64{1, 2}, 0.95)),
		"zero time":         second(HodgesLehmannRatio([]float64{0}, []float64{1}, nil, nil, 0.95)),
		"crash in ratio":    second(HodgesLehmannRatio([]float64{inf}, []float64{1}, nil, nil, 0.95)),
		"no pair":           second(HodgesLehmannRatio([]float64{1}, []float64{1}, []int{1}, []int{2}, 0.95)),
		"half the blocks":   second(HodgesLehmannRatio([]float64{1}, []float64{1}, []int{1}, nil, 0.95)),
		"no overlap":        second(BrunnerMunzelTest([]float64{1, 2}, []float64{3, 4}, TwoSided)),
		"all equal":         second(BrunnerMunzelTest([]float64{1, 1}, []float64{1, 1}, TwoSided)),
		"cap 0":             second(CompareCapped([]float64{1, 2}, []float64{1, 2}, 0, 0.95)),
		"all at the cap":    second(CompareCapped([]float64{9, inf}, []float64{7, 8}, 5, 0.95)),
		"one under the cap": second(CompareCapped([]float64{1}, []float64{1, 2}, 5, 0.95)),
		"no quantile":       second(Quantile(nil, 0.5)),
		"quantile above 1":  second(Quantile([]float64{1}, 1.5)),
		"quantile of NaN":   second(Quantile([]float64{nan}, 0.5)),
		"bounds of minimum": second(QuantileBounds([]float64{1, 2}, 0, 0.95)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
