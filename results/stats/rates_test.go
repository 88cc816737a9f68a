package stats

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
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
		"clopper_pearson": onRate(ClopperPearson),
		"fisher": func(v []float64) ([]float64, error) {
			a, b := arms(v)
			return one(Fisher(a, b, Alternative(v[4])))
		},
		"miettinen_nurminen": onDifference(MiettinenNurminen),
	})
}

// The values of scipy/stats/tests/test_morestats.py, there from R's
// binom.test.
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
	} {
		got, err := ends(c.f(c.k, c.n, c.conf))
		if err != nil {
			t.Fatal(err)
		}
		checkClose(t, c.what, 1e-6, got, c.want)
	}
}

// R's PropCIs, as statsmodels' test_proportion.py has it; to two digits it is
// the 0.028 to 0.34 of Fagerland, Lydersen & Laake (2015).
func TestDifferenceOfStatsmodelsTests(t *testing.T) {
	got, err := ends(MiettinenNurminen(Arm{7, 34}, Arm{1, 34}, 0.95))
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "Miettinen–Nurminen", 1e-5, got, []float64{0.0270416, 0.3452912})
}

func TestCleanRuns(t *testing.T) {
	for rate, want := range map[float64]int{0.30: 9, 0.20: 14, 0.10: 29, 0.05: 59} {
		n, err := CleanRuns(rate, 0.95)
		if err != nil || n != want {
			t.Errorf("under %v: %d, %v; want %d", rate, n, err, want)
		}
		// The one-sided bound at 95 % is the upper end of the two-sided interval at 90.
		after, _ := ClopperPearson(0, n, 0.9)
		before, _ := ClopperPearson(0, n-1, 0.9)
		if !(after.Upper < rate && before.Upper >= rate) {
			t.Errorf("under %v: %d clean runs give %v, one less %v", rate, n, after, before)
		}
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
	law := distuv.Binomial{N: float64(len(all) - 1), P: p}
	for k, i := range all {
		if i.Contains(p) {
			sum += law.Prob(float64(k))
		}
	}
	return sum
}

func TestRatesRefuse(t *testing.T) {
	nan := math.NaN()
	for name, err := range map[string]error{
		"no trials":      second(ClopperPearson(0, 0, 0.95)),
		"more events":    second(ClopperPearson(3, 2, 0.95)),
		"negative":       second(ClopperPearson(-1, 2, 0.95)),
		"confidence 1":   second(ClopperPearson(1, 2, 1)),
		"confidence NaN": second(ClopperPearson(1, 2, nan)),
		"empty arm":      second(Fisher(Arm{0, 0}, Arm{1, 2}, TwoSided)),
		"direction":      second(Fisher(Arm{0, 1}, Arm{1, 2}, 9)),
		"difference":     second(MiettinenNurminen(Arm{0, 1}, Arm{5, 2}, 0.95)),
		"rate 0":         second(CleanRuns(0, 0.95)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
