package stats

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func ends(i Interval) []float64 { return []float64{i.Lower, i.Upper} }

func arms(v []float64) (Arm, Arm) {
	return Arm{int(v[0]), int(v[1])}, Arm{int(v[2]), int(v[3])}
}

func TestRatesAgainstSciPy(t *testing.T) {
	checkReferences(t, "rates", 1e-9, map[string]func([]float64) []float64{
		"clopper_pearson": func(v []float64) []float64 { return ends(ClopperPearson(int(v[0]), int(v[1]), v[2])) },
		"fisher": func(v []float64) []float64 {
			a, b := arms(v)
			return []float64{Fisher(a, b, Alternative(v[4]))}
		},
		"miettinen_nurminen": func(v []float64) []float64 {
			a, b := arms(v)
			return ends(MiettinenNurminen(a, b, v[4]))
		},
	})
}

// The values of scipy/stats/tests/test_morestats.py, there from R's
// binom.test.
func TestBinomialIntervalsOfSciPyTests(t *testing.T) {
	for _, c := range []struct {
		k, n int
		conf float64
		want []float64
	}{
		{20, 100, 0.95, []float64{0.1266555521, 0.2918426891}},
		{3, 50, 0.99, []float64{0.006872485, 0.202706269}},
		{0, 10, 0.95, []float64{0, 0.3084971}},
		{10, 10, 0.95, []float64{0.6915029, 1}},
	} {
		checkClose(t, "Clopper–Pearson", 1e-6, ends(ClopperPearson(c.k, c.n, c.conf)), c.want)
	}
}

// R's PropCIs, as statsmodels' test_proportion.py has it; to two digits it is
// the 0.028 to 0.34 of Fagerland, Lydersen & Laake (2015).
func TestDifferenceOfStatsmodelsTests(t *testing.T) {
	checkClose(t, "Miettinen–Nurminen", 1e-5, ends(MiettinenNurminen(Arm{7, 34}, Arm{1, 34}, 0.95)), []float64{0.0270416, 0.3452912})
}

// The definition: at its ends, the rate gives so many events or fewer, or so many
// or more, with half of what the interval may miss. What is off there is off by
// less in the rate.
func TestClopperPearsonEndsAreTails(t *testing.T) {
	for _, n := range []int{1, 5, 30, 240, 4000, 100_000} {
		for _, k := range []int{0, min(2, n), n / 50, n / 2, n - 1, n} {
			for _, conf := range []float64{0.9, 0.95, 0.98, 0.99} {
				i, tail := ClopperPearson(k, n, conf), (1-conf)/2
				if k > 0 {
					checkClose(t, "upper tail", 1e-8, []float64{1 - distuv.Binomial{N: float64(n), P: i.Lower}.CDF(float64(k-1))}, []float64{tail})
				}
				if k < n {
					checkClose(t, "lower tail", 1e-8, []float64{distuv.Binomial{N: float64(n), P: i.Upper}.CDF(float64(k))}, []float64{tail})
				}
			}
		}
	}
}

// Coverage by enumeration of every outcome; the worst rates are next to the
// ends of the intervals themselves.
func TestClopperPearsonCovers(t *testing.T) {
	for n := 1; n <= 30; n++ {
		all, rates := make([]Interval, n+1), []float64{}
		for k := range all {
			all[k] = ClopperPearson(k, n, 0.95)
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

func TestRatesOfNothing(t *testing.T) {
	for name, v := range map[string]float64{
		"no trials":    ClopperPearson(0, 0, 0.95).Lower,
		"more events":  ClopperPearson(3, 2, 0.95).Upper,
		"negative":     ClopperPearson(-1, 2, 0.95).Lower,
		"confidence 1": ClopperPearson(1, 2, 1).Upper,
		"no level":     ClopperPearson(1, 2, math.NaN()).Upper,
		"empty arm":    Fisher(Arm{0, 0}, Arm{1, 2}, TwoSided),
		"difference":   MiettinenNurminen(Arm{0, 1}, Arm{5, 2}, 0.95).Lower,
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
