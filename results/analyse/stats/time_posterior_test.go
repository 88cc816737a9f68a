package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

func drawnMeans(t *testing.T, times []float64, prior SpreadPrior, draws int) []float64 {
	t.Helper()
	p, err := NewTimePosterior(times, prior)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 5))
	means := make([]float64, draws)
	for i := range means {
		means[i] = p.Draw(random).Mean
	}
	slices.Sort(means)
	return means
}

// Of one time the log of the mean is Student's around it, with the prior's
// freedom and spread: never a point.
func TestOneTimeHasThePriorsSpread(t *testing.T) {
	prior := SpreadPrior{4, 0.01}
	means := drawnMeans(t, []float64{300}, prior, 100_000)
	for _, q := range []float64{0.05, 0.25, 0.5, 0.75, 0.95} {
		want := 300 * math.Exp(0.1*distuv.StudentsT{Sigma: 1, Nu: 4}.Quantile(q))
		if got := quantile(means, q); math.Abs(got/want-1) > 0.005 {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
}

// Of many times the prior is nothing, and the posterior the normal one of any
// mean, whatever the shape of the sample: here exponential.
func TestManyTimesHaveTheirOwnSpread(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	times := make([]float64, 2000)
	for i := range times {
		times[i] = 100 + 30*random.ExpFloat64()
	}
	means := drawnMeans(t, times, WeakSpread, 20_000)
	center, sd := stat.MeanStdDev(times, nil)
	got, spread := stat.MeanStdDev(means, nil)
	if math.Abs(got-center) > 0.1 || math.Abs(spread/(sd/math.Sqrt(2000))-1) > 0.03 {
		t.Errorf("mean %v ± %v, want %v ± %v", got, spread, center, sd/math.Sqrt(2000))
	}
}

// The next time of a draw varies as much as the sample and the prior say.
func TestNextTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	for _, times := range [][]float64{{100}, {90, 100, 110, 95, 105}} {
		p, err := NewTimePosterior(times, SpreadPrior{1000, 0.04})
		if err != nil {
			t.Fatal(err)
		}
		logs := make([]float64, 20_000)
		d := p.Draw(random)
		for i := range logs {
			logs[i] = math.Log(d.Next(random) / d.Mean)
		}
		if sd := stat.StdDev(logs, nil); math.Abs(sd-0.2) > 0.015 {
			t.Errorf("%v: log standard deviation %v, want 0.2", times, sd)
		}
	}
	nothing, err := NewTimePosterior(nil, WeakSpread)
	if d := nothing.Draw(random); err != nil || d.Mean != 0 || d.Next(random) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// By hand: one prior degree at 0.16 and 2 + 1 at what was seen.
func TestPooledSpread(t *testing.T) {
	a, b := []float64{100, 110, 120}, []float64{200, 240}
	pooled, seen := WeakSpread.Pooled([][]float64{a, b, {7}, nil}, 3)
	want := (0.16 + 2*logVariance(a) + logVariance(b)) / 4
	if seen != 3 || pooled.Freedom != 3 || !near(pooled.Variance, want, 1e-12) {
		t.Errorf("%+v, %v; want %v", pooled, seen, want)
	}
}

func TestTimePosteriorRefuses(t *testing.T) {
	for name, err := range map[string]error{
		"negative":  second(NewTimePosterior([]float64{-1}, WeakSpread)),
		"infinite":  second(NewTimePosterior([]float64{math.Inf(1)}, WeakSpread)),
		"no prior":  second(NewTimePosterior([]float64{1}, SpreadPrior{})),
		"all at it": third(CappedMean([]float64{5, math.Inf(1)}, 5, 0.95, WeakSpread, 100, 1)),
		"no cap":    third(CappedMean([]float64{5}, 0, 0.95, WeakSpread, 100, 1)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where every time lies under the cap and varies little, the mean is the
// sample's and the interval allows for failures not seen: with Beta(10½, ½)
// for the share of ready ones.
func TestCappedMeanAllowsForUnseenFailures(t *testing.T) {
	times := []float64{10, 10, 10, 10, 10, 10, 10, 10, 10, 10}
	m, i, err := CappedMean(times, 20, 0.95, SpreadPrior{1, 1e-10}, 40_000, 1)
	want := 20 - 10*distuv.Beta{Alpha: 10.5, Beta: 0.5}.Quantile(0.025)
	if err != nil || m != 10 || math.Abs(i.Upper-want) > 0.05 || i.Lower > 10.1 {
		t.Errorf("%v, %v, %v; want upper %v", m, i, err, want)
	}
}
