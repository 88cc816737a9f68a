package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExpectedRunningTime(t *testing.T) {
	// By hand, as in the design's table: 11 ok, a crash of 4+3, a hang of 17+3.
	e, err := ExpectedRunningTime(Attempts{[]float64{11}, []float64{7, 20}})
	if err != nil || e != 38 {
		t.Errorf("%v, %v", e, err)
	}
	if e, _ = ExpectedRunningTime(Attempts{Lost: []float64{7}}); !math.IsInf(e, 1) {
		t.Errorf("no success: %v", e)
	}
	// Two failures of 7: success rate at most 1 − √0.05, by hand.
	u := 1 - math.Sqrt(0.05)
	floor, err := ExpectedRunningTimeFloor([]float64{7, 7}, 0.95)
	if err != nil || !near(floor, 7*(1-u)/u, 1e-9) {
		t.Errorf("%v, %v", floor, err)
	}
}

// The plug-in identity E[S] + (1−p)/p·E[L] of the design's statistics chapter.
func TestRunningTimeIsPlugIn(t *testing.T) {
	a := Attempts{[]float64{10, 12, 11}, []float64{4, 9}}
	got, _ := ExpectedRunningTime(a)
	p := 3.0 / 5
	if want := mean(a.Ready) + (1-p)/p*mean(a.Lost); !near(got, want, 1e-12) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRunningTimeUncertainty(t *testing.T) {
	a := Attempts{[]float64{10, 12, 11, 10, 13, 12}, []float64{7, 20}}
	ci, err := BootstrapRunningTime(a, 0.95, 4000, 1)
	if err != nil || !ci.Contains(a.expected()) || ci.Lower < 10 || ci.Upper < 18 {
		t.Errorf("%v, %v", ci, err)
	}
	again, _ := BootstrapRunningTime(a, 0.95, 4000, 1)
	if again != ci {
		t.Error("the same seed drew other trials")
	}
	few, _ := BootstrapRunningTime(Attempts{[]float64{10}, []float64{7, 7}}, 0.95, 4000, 1)
	if !math.IsInf(few.Upper, 1) {
		t.Errorf("(2/3)³ of resamplings have no success: %v", few)
	}
}

func TestRunningTimePosterior(t *testing.T) {
	tight := Belief{JeffreysPrior, SpreadPrior{Scale: 1e-6}, SpreadPrior{Scale: 1e-6}}
	// With no spread in times the posterior is S + (1/p − 1)·L, and its
	// quantiles follow from those of p, a Beta(3.5, 2.5).
	a := Attempts{[]float64{10, 10, 10}, []float64{6, 6}}
	draws, err := RunningTimePosterior(a, nil, tight, 40000, 3)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(draws)
	p := betaQuantile(0.5, 3.5, 2.5)
	if got, want := quantile(draws, 0.5), 10+(1/p-1)*6; math.Abs(got-want) > 0.1 {
		t.Errorf("median %v, want %v", got, want)
	}
	coverage := runningTimeCoverage(t)
	if coverage < 0.92 || coverage > 0.98 {
		t.Errorf("coverage %v", coverage)
	}
	clean := Attempts{Ready: []float64{10, 10}}
	if _, err := RunningTimePosterior(clean, nil, WeakBelief, 10, 1); !errors.Is(err, ErrInput) {
		t.Errorf("no loss known: %v", err)
	}
	draws, err = RunningTimePosterior(clean, []float64{5}, tight, 1000, 1)
	if err != nil || slices.Min(draws) < 9.99 || slices.Max(draws) < 11 {
		t.Errorf("%v", err)
	}
}

// runningTimeCoverage is that of the 95 % posterior interval over log-normal
// times (σ = 0.5) of 12 trials with 30 % crashes, with 400 simulations.
func runningTimeCoverage(t *testing.T) float64 {
	t.Helper()
	random := rand.New(rand.NewPCG(6, 6))
	scale := math.Exp(0.5 * 0.5 / 2)
	truth, covered := 10*scale+0.3/0.7*12*scale, 0
	for i := range 400 {
		var a Attempts
		for range 12 {
			x := math.Exp(0.5 * random.NormFloat64())
			if random.Float64() < 0.3 {
				a.Lost = append(a.Lost, 12*x)
			} else {
				a.Ready = append(a.Ready, 10*x)
			}
		}
		draws, err := RunningTimePosterior(a, []float64{12 * scale}, WeakBelief, 400, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(draws)
		covered += index(quantile(draws, 0.025) <= truth && truth <= quantile(draws, 0.975))
	}
	return float64(covered) / 400
}

// Serial 17 against parallel 11 minutes, from the design's statistics chapter.
func TestBreakEven(t *testing.T) {
	for _, c := range []struct{ lost, recovery, want, above float64 }{
		{4, 3, 0.46, 0.94}, {17, 3, 0.23, 0.99}, {4, 10, 0.30, 0.98}, {17, 10, 0.18, 0.99},
	} {
		got, err := BreakEven(17-11, c.lost+c.recovery)
		if err != nil || math.Abs(got-c.want) > 0.005 {
			t.Errorf("%v, %v; want %v", got, err, c.want)
		}
		below, err := ProbabilityRateBelow(Arm{2, 2}, got, JeffreysPrior)
		if err != nil || math.Abs(1-below-c.above) > 0.01 {
			t.Errorf("P(rate > %v) %v, want %v", got, 1-below, c.above)
		}
	}
	if got, err := BreakEven(-2, 5); got != 0 || err != nil {
		t.Errorf("no advantage: %v, %v", got, err)
	}
}

func TestCompareDraws(t *testing.T) {
	inf := math.Inf(1)
	b, err := CompareDraws([][]float64{{1, 5, 3, inf}, {2, 4, 3, inf}})
	if err != nil || !slices.Equal(b.Probability, []float64{0.5, 0.5}) || !slices.Equal(b.Regret, []float64{0.25, 0.25}) {
		t.Errorf("%+v, %v", b, err)
	}
	b, _ = CompareDraws([][]float64{{1}, {inf}})
	if b.Probability[0] != 1 || !math.IsInf(b.Regret[1], 1) {
		t.Errorf("%+v", b)
	}
}

func TestNotBeaten(t *testing.T) {
	left, err := NotBeaten([][]float64{{0, 0.001, 0.2}, {0.9, 0, 0.9}, {0.8, 0.5, 0}}, 0.05)
	if err != nil || !slices.Equal(left, []int{0, 2}) {
		t.Errorf("%v, %v", left, err)
	}
	left, _ = NotBeaten([][]float64{{0, 0.026, 0.2}, {0.9, 0, 0.9}, {0.8, 0.5, 0}}, 0.05)
	if len(left) != 3 {
		t.Errorf("0.026 against one of two rivals is not enough: %v", left)
	}
}

// Of strategies that are as good as equal the best one is lost in at most 5 %
// of experiments, whichever of the others wins against it.
func TestTheBestIsRarelyBeaten(t *testing.T) {
	const arms, each, experiments = 5, 8, 2000
	random := rand.New(rand.NewPCG(4, 2))
	lost := 0
	for range experiments {
		var costs [arms][each]float64
		for i := range costs {
			for b := range costs[i] {
				costs[i][b] = 1e-6*float64(i) + math.Exp(0.3*random.NormFloat64())
			}
		}
		wins := make([][]float64, arms)
		for i := range wins {
			wins[i] = make([]float64, arms)
			for j := range wins[i] {
				wins[i][j] = signFlips(costs[i][:], costs[j][:])
			}
		}
		left, err := NotBeaten(wins, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(left, 0) {
			lost++
		}
	}
	if share := float64(lost) / experiments; share > 0.05 || lost == 0 {
		t.Errorf("the best one was lost in %.1f %% of experiments", 100*share)
	}
}

// signFlips is the exact one-sided p-value of paired costs, by counting.
func signFlips(a, b []float64) float64 {
	observed := 0.0
	for i := range a {
		observed += a[i] - b[i]
	}
	as := 0
	for signs := range 1 << len(a) {
		sum := 0.0
		for i := range a {
			if signs>>i&1 == 1 {
				sum += a[i] - b[i]
			} else {
				sum -= a[i] - b[i]
			}
		}
		if sum <= observed+1e-12 {
			as++
		}
	}
	return float64(as) / float64(int(1)<<len(a))
}

// By hand: half of the trials take 2, a quarter 10, a quarter hang. Giving up
// at 2 costs (2+2+2·(2+1))/2 = 5; at 10 (2+2+10+11)/3 = 8.3.
func TestBestCutoff(t *testing.T) {
	c, err := BestCutoff([]float64{2, 2, 10}, 1, 1)
	if err != nil || c.After != 2 || c.Expected != 5 {
		t.Errorf("%+v, %v", c, err)
	}
	c, _ = BestCutoff([]float64{2, 3}, 0, 30)
	if !math.IsInf(c.After, 1) || c.Expected != 2.5 {
		t.Errorf("nothing hangs: %+v", c)
	}
}

func TestDecisionRefuses(t *testing.T) {
	nan := math.NaN()
	for name, err := range map[string]error{
		"no trials":      second(ExpectedRunningTime(Attempts{})),
		"negative":       second(ExpectedRunningTime(Attempts{Ready: []float64{-1}})),
		"NaN":            second(ExpectedRunningTime(Attempts{Lost: []float64{nan}})),
		"no failures":    second(BootstrapRunningTime(Attempts{Ready: []float64{1}}, 0.95, 1000, 1)),
		"no successes":   second(BootstrapRunningTime(Attempts{Lost: []float64{1}}, 0.95, 1000, 1)),
		"few draws":      second(BootstrapRunningTime(Attempts{[]float64{1}, []float64{1}}, 0.95, 10, 1)),
		"floor":          second(ExpectedRunningTimeFloor(nil, 0.95)),
		"break even NaN": second(BreakEven(nan, 1)),
		"negative loss":  second(BreakEven(1, -1)),
		"no draws":       second(CompareDraws(nil)),
		"uneven draws":   second(CompareDraws([][]float64{{1}, {1, 2}})),
		"uneven rows":    second(NotBeaten([][]float64{{0, 1}, {0}}, 0.05)),
		"nothing ready":  second(BestCutoff(nil, 2, 1)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
