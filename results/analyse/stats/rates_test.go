package stats

import (
	"errors"
	"math"
	"testing"
)

func ends(i Interval, err error) ([]float64, error) { return []float64{i.Lower, i.Upper}, err }
func one(v float64, err error) ([]float64, error)   { return []float64{v}, err }

func onRate(f func(k, n int, conf float64) (Interval, error)) func([]float64) ([]float64, error) {
	return func(a []float64) ([]float64, error) { return ends(f(int(a[0]), int(a[1]), a[2])) }
}

func onDifference(f func(a, b Arm, conf float64) (Interval, error)) func([]float64) ([]float64, error) {
	return func(v []float64) ([]float64, error) { a, b := arms(v); return ends(f(a, b, v[4])) }
}

func arms(v []float64) (Arm, Arm) {
	return Arm{int(v[0]), int(v[1])}, Arm{int(v[2]), int(v[3])}
}

func TestRatesAgainstSciPy(t *testing.T) {
	checkReferences(t, "rates", 1e-6, map[string]func([]float64) ([]float64, error){
		"clopper_pearson":   onRate(ClopperPearson),
		"wilson":            onRate(Wilson),
		"wilson_continuity": onRate(WilsonContinuity),
		"jeffreys":          onRate(Jeffreys),
		"upper": func(a []float64) ([]float64, error) {
			return one(ClopperPearsonUpper(int(a[0]), int(a[1]), a[2]))
		},
		"fisher": func(v []float64) ([]float64, error) {
			a, b := arms(v)
			return one(Fisher(a, b, Alternative(v[4])))
		},
		"barnard": func(v []float64) ([]float64, error) {
			a, b := arms(v)
			r, err := Barnard(a, b, Alternative(v[4]))
			return []float64{r.Statistic, r.P}, err
		},
		"boschloo": func(v []float64) ([]float64, error) {
			a, b := arms(v)
			r, err := Boschloo(a, b, Alternative(v[4]))
			return []float64{r.P}, err
		},
		"newcombe":           onDifference(Newcombe),
		"agresti_caffo":      onDifference(AgrestiCaffo),
		"miettinen_nurminen": onDifference(MiettinenNurminen),
		"mee":                onDifference(Mee),
		"probability_less": func(v []float64) ([]float64, error) {
			a, b := arms(v)
			return one(ProbabilityLess(a, b, Prior{v[4], v[4]}))
		},
		"rate_below": func(v []float64) ([]float64, error) {
			return one(ProbabilityRateBelow(Arm{int(v[0]), int(v[1])}, v[2], Prior{v[3], v[3]}))
		},
		"holm":               Holm,
		"benjamini_hochberg": BenjaminiHochberg,
		"fisher_power": func(v []float64) ([]float64, error) {
			return one(FisherPower(v[0], int(v[1]), v[2], int(v[3]), v[4]))
		},
	})
}

// The values of scipy/stats/tests/test_morestats.py, there from R's
// binom.test and prop.test.
func TestBinomialIntervalsOfSciPyTests(t *testing.T) {
	for _, c := range []struct {
		what string
		f    func(k, n int, conf float64) (Interval, error)
		k, n int
		conf float64
		want []float64
	}{
		{"Clopper–Pearson", ClopperPearson, 20, 100, 0.95, []float64{0.1266555521, 0.2918426891}},
		{"Clopper–Pearson", ClopperPearson, 3, 50, 0.99, []float64{0.006872485, 0.202706269}},
		{"Clopper–Pearson", ClopperPearson, 0, 10, 0.95, []float64{0, 0.3084971}},
		{"Clopper–Pearson", ClopperPearson, 10, 10, 0.95, []float64{0.6915029, 1}},
		{"Wilson", Wilson, 3, 10, 0.95, []float64{0.1077913, 0.6032219}},
		{"Wilson", Wilson, 0, 10, 0.95, []float64{0, 0.2775328}},
		{"Wilson with continuity", WilsonContinuity, 3, 10, 0.95, []float64{0.08094782, 0.64632928}},
	} {
		got, err := ends(c.f(c.k, c.n, c.conf))
		if err != nil {
			t.Fatal(err)
		}
		checkClose(t, c.what, 1e-6, got, c.want)
	}
}

// scipy/stats/tests/test_hypotests.py, there from R's Barnard and Exact.
func TestUnconditionalOfSciPyTests(t *testing.T) {
	b, err := Barnard(Arm{43, 53}, Arm{40, 79}, TwoSided)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "Barnard", 1e-6, []float64{b.Statistic, b.P}, []float64{3.555406779643, 0.000362832367})
	b, _ = Barnard(Arm{5, 6}, Arm{0, 4}, TwoSided)
	checkClose(t, "Barnard", 1e-6, []float64{b.Statistic, b.P}, []float64{2.581988897472, 0.013671875})
	b, _ = Barnard(Arm{0, 5}, Arm{2, 2}, TwoSided)
	checkClose(t, "Barnard", 1e-4, []float64{b.P}, []float64{0.016461})

	x, _ := Boschloo(Arm{2, 10}, Arm{7, 9}, Less)
	checkClose(t, "Boschloo", 1e-6, []float64{x.Statistic, x.P}, []float64{0.01852173, 0.009886142})
	x, _ = Boschloo(Arm{2, 10}, Arm{7, 9}, TwoSided)
	checkClose(t, "Boschloo", 1e-6, []float64{x.P}, []float64{0.01977228})
	x, _ = Boschloo(Arm{5, 15}, Arm{1, 11}, TwoSided)
	checkClose(t, "Boschloo", 1e-6, []float64{x.P}, []float64{0.1801707})
}

// statsmodels test_proportion.py: Fagerland, Lydersen & Laake (2015) to the
// digits of their tables, and R's PropCIs (whose diffscoreci has the N/(N−1)
// of Miettinen & Nurminen; the tables' 0.028–0.34 is that to two digits).
func TestDifferenceOfStatsmodelsTests(t *testing.T) {
	a, b := Arm{7, 34}, Arm{1, 34}
	for _, c := range []struct {
		what      string
		f         func(a, b Arm, conf float64) (Interval, error)
		tolerance float64
		want      []float64
	}{
		{"Newcombe", Newcombe, 0.03, []float64{0.019, 0.34}},
		{"Agresti–Caffo", AgrestiCaffo, 1e-6, []float64{0.01161167, 0.32172166}},
		{"Miettinen–Nurminen", MiettinenNurminen, 1e-5, []float64{0.0270416, 0.3452912}},
	} {
		got, err := ends(c.f(a, b, 0.95))
		if err != nil {
			t.Fatal(err)
		}
		checkClose(t, c.what, c.tolerance, got, c.want)
	}
}

// The worked example of the design's statistics chapter: serial 0 of 5
// crashed, parallel 2 of 2. Its 0.990 under Jeffreys' prior is a slip: SciPy's
// quadrature (testdata/rates.py) and simulation give 0.99615.
func TestSerialAgainstParallel(t *testing.T) {
	serial, parallel := Arm{0, 5}, Arm{2, 2}
	fisher, _ := Fisher(serial, parallel, TwoSided)
	less, _ := Boschloo(serial, parallel, Less)
	central, _ := Boschloo(serial, parallel, TwoSided)
	barnard, _ := Barnard(serial, parallel, TwoSided)
	uniform, _ := ProbabilityLess(serial, parallel, UniformPrior)
	jeffreys, _ := ProbabilityLess(serial, parallel, JeffreysPrior)
	checkClose(t, "serial against parallel", 5e-3,
		[]float64{fisher, less.P, central.P, barnard.P, uniform, jeffreys},
		[]float64{1.0 / 21, 0.0152, 0.03036, 0.0165, 0.988, 0.99615})
	sceptic, err := CompareSceptically(serial, parallel, UniformPrior, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	// By hand: marginal likelihoods 1/6 · 1/3 and 2! 5!/8! = 1/168.
	checkClose(t, "Bayes factor", 1e-12, []float64{sceptic.BayesFactor, sceptic.Equal}, []float64{168.0 / 18, 18.0 / 186})
	checkClose(t, "sum", 1e-12, []float64{sceptic.Less + sceptic.Equal + sceptic.Greater}, []float64{1})
}

func TestCleanRuns(t *testing.T) {
	for rate, want := range map[float64]int{0.30: 9, 0.20: 14, 0.10: 29, 0.05: 59} {
		n, err := CleanRuns(rate, 0.95)
		if err != nil || n != want {
			t.Errorf("under %v: %d, %v; want %d", rate, n, err, want)
		}
		after, _ := ClopperPearsonUpper(0, n, 0.95)
		before, _ := ClopperPearsonUpper(0, n-1, 0.95)
		if !(after < rate && before >= rate) {
			t.Errorf("under %v: %d clean runs give %v, one less %v", rate, n, after, before)
		}
	}
}

// One-sided upper bounds for no event, from the design's statistics chapter.
func TestUpperBoundAfterCleanRuns(t *testing.T) {
	for n, want := range map[int]float64{5: 0.451, 10: 0.259, 20: 0.139, 30: 0.095} {
		got, _ := ClopperPearsonUpper(0, n, 0.95)
		checkClose(t, "upper bound", 3e-3, []float64{got}, []float64{want})
	}
}

// Coverage by enumeration of every outcome; the worst rates are next to the
// ends of the intervals themselves.
func TestClopperPearsonCovers(t *testing.T) {
	for n := 1; n <= 30; n++ {
		all, rates := make([]Interval, n+1), []float64{}
		for k := range all {
			all[k], _ = ClopperPearson(k, n, 0.95)
			rates = append(rates, all[k].Lower+1e-9, all[k].Lower-1e-9, all[k].Upper+1e-9, all[k].Upper-1e-9, (float64(k)+0.3)/float64(n+1))
		}
		for _, p := range rates {
			if p <= 0 || p >= 1 {
				continue
			}
			if c := coverage(all, p); c < 0.95-1e-7 {
				t.Errorf("n %d, rate %v: coverage %v", n, p, c)
			}
		}
	}
}

func coverage(all []Interval, p float64) (sum float64) {
	for k, w := range binomialPMF(len(all)-1, p) {
		if all[k].Contains(p) {
			sum += w
		}
	}
	return sum
}

// The rows of an extreme region are prefixes and suffixes: compared with
// adding up every table for itself.
func TestExtremeRegionIsConvex(t *testing.T) {
	for n1 := 1; n1 <= 5; n1++ {
		for n2 := 1; n2 <= 5; n2++ {
			for x1 := range n1 + 1 {
				for x2 := range n2 + 1 {
					checkRegion(t, Arm{x1, n1}, Arm{x2, n2})
				}
			}
		}
	}
}

func checkRegion(t *testing.T, a, b Arm) {
	t.Helper()
	r, err := Barnard(a, b, TwoSided)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	first, second := binomialPMF(a.Trials, r.Nuisance), binomialPMF(b.Trials, r.Nuisance)
	for i := range first {
		for j := range second {
			if math.Abs(pooledZ(i, a.Trials, j, b.Trials)) >= math.Abs(r.Statistic)-1e-9 {
				sum += first[i] * second[j]
			}
		}
	}
	checkClose(t, "region", 1e-9, []float64{r.P}, []float64{sum})
}

// Boschloo is never less powerful than Fisher, and both are tests: under
// equal rates they reject at most at alpha.
func TestExactTestsKeepTheirLevel(t *testing.T) {
	for _, n := range [][2]int{{3, 3}, {5, 2}, {6, 9}, {10, 10}} {
		for p := 0.02; p < 1; p += 0.07 {
			fisher, _ := FisherPower(p, n[0], p, n[1], 0.05)
			boschloo, _ := BoschlooPower(p, n[0], p, n[1], 0.05)
			if fisher > 0.05 || boschloo > 0.05+1e-9 {
				t.Errorf("%v at %v: size %v and %v", n, p, fisher, boschloo)
			}
		}
	}
	fisher, _ := FisherPower(0.05, 12, 0.6, 12, 0.05)
	boschloo, err := BoschlooPower(0.05, 12, 0.6, 12, 0.05)
	if err != nil || boschloo < fisher {
		t.Errorf("power %v under Fisher's %v, %v", boschloo, fisher, err)
	}
}

func TestFisherTrials(t *testing.T) {
	for _, c := range []struct {
		p1, p2 float64
		want   int
	}{{0.02, 0.9, 5}, {0.02, 0.4, 18}, {0.05, 0.4, 24}} {
		n, err := FisherTrials(c.p1, c.p2, 0.05, 0.8, 60)
		if err != nil || n != c.want {
			t.Errorf("%v against %v: %d, %v; want %d", c.p1, c.p2, n, err, c.want)
		}
	}
	if n, err := BoschlooTrials(0.02, 0.4, 0.05, 0.8, 30); err != nil || n > 18 {
		t.Errorf("Boschloo needs no more than Fisher's 18: %d, %v", n, err)
	}
	if _, err := FisherTrials(0.02, 0.03, 0.05, 0.8, 20); !errors.Is(err, ErrInput) {
		t.Errorf("out of reach: %v", err)
	}
}

func TestRatesRefuse(t *testing.T) {
	nan := math.NaN()
	for name, err := range map[string]error{
		"no trials":        second(ClopperPearson(0, 0, 0.95)),
		"more events":      second(Wilson(3, 2, 0.95)),
		"negative":         second(Jeffreys(-1, 2, 0.95)),
		"confidence 1":     second(ClopperPearson(1, 2, 1)),
		"confidence NaN":   second(WilsonContinuity(1, 2, nan)),
		"empty arm":        second(Fisher(Arm{0, 0}, Arm{1, 2}, TwoSided)),
		"direction":        second(Boschloo(Arm{0, 1}, Arm{1, 2}, 9)),
		"huge":             second(Barnard(Arm{0, 9000}, Arm{1, 9000}, Less)),
		"difference":       second(Newcombe(Arm{0, 1}, Arm{5, 2}, 0.95)),
		"improper prior":   second(ProbabilityLess(Arm{0, 1}, Arm{1, 2}, Prior{0, 1})),
		"p above 1":        second(Holm([]float64{0.1, 1.2})),
		"p NaN":            second(BenjaminiHochberg([]float64{nan})),
		"rate 0":           second(CleanRuns(0, 0.95)),
		"rate above 1":     second(FisherPower(1.1, 3, 0.5, 3, 0.05)),
		"certainty":        second(CompareSceptically(Arm{0, 1}, Arm{1, 2}, UniformPrior, 1)),
		"rate of break":    second(ProbabilityRateBelow(Arm{0, 1}, nan, UniformPrior)),
		"alpha of 0":       second(BoschlooPower(0.1, 3, 0.5, 3, 0)),
		"no trial in plan": second(FisherPower(0.1, 0, 0.5, 3, 0.05)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }
