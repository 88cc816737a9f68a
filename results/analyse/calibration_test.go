package analyse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// TestCalibration measures how often intervals cover and how often tests err,
// and writes docs/calibration.md: make calibrate. It takes minutes, and is
// skipped unless asked for.
func TestCalibration(t *testing.T) {
	name := os.Getenv("STRATBENCH_CALIBRATE")
	if name == "" {
		t.Skip("make calibrate")
	}
	var b strings.Builder
	b.WriteString(calibrationHead)
	clopperPearson(t, &b)
	medians(&b)
	runningTimes(&b)
	restrictedMeans(&b)
	ratios(&b)
	sequential(t, &b)
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

const calibrationHead = `# Calibration

Made by ` + "`make calibrate`" + `; do not edit. How often the intervals that are
printed as 95 % cover the truth, and how often tests find what is not there.
Set-up times: log-normal (log standard deviation 0.3) and heavy-tailed (log t
with 3 degrees of freedom, scale 0.3). 2000 simulated experiments a figure, so
that its own standard error is 0.5 points; seed 1.
`

// coverage of Clopper and Pearson is counted out, not simulated.
func clopperPearson(t *testing.T, b *strings.Builder) {
	lowest, at := 1.0, ""
	for n := 3; n <= 30; n++ {
		intervals := make([]stats.Interval, n+1)
		for k := range intervals {
			intervals[k], _ = stats.ClopperPearson(k, n, analyse.Confidence)
		}
		for i := 0; i <= 1000; i++ {
			p, covered := float64(i)/1000, 0.0
			for k, interval := range intervals {
				if interval.Contains(p) {
					covered += distuv.Binomial{N: float64(n), P: p}.Prob(float64(k))
				}
			}
			if p > 0 && p < 1 && covered < lowest {
				lowest, at = covered, fmt.Sprintf("n = %d at a rate of %.3f", n, p)
			}
		}
	}
	if lowest < analyse.Confidence {
		t.Errorf("Clopper-Pearson covers %v at %s", lowest, at)
	}
	fmt.Fprintf(b, "\n## Failure rates\n\nClopper–Pearson, counted out for n from 3 to 30 and 999 rates: never under %.2f %% (%s).\n", 100*lowest, at)
}

type law struct {
	name string
	draw func(*rand.Rand) float64
	// mean of the law, its median being 1; of the heavy-tailed one it does not
	// exist, and times are cut at 20 medians, as a limit would.
	mean float64
}

const cut = 20

func laws() []law {
	normal := func(r *rand.Rand) float64 { return min(cut, math.Exp(0.3*r.NormFloat64())) }
	heavy := func(r *rand.Rand) float64 {
		return min(cut, math.Exp(0.3*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: 3, Src: r}.Rand()))
	}
	all := []law{{"log-normal", normal, 0}, {"heavy-tailed", heavy, 0}}
	for i := range all {
		r, sum := rand.New(rand.NewPCG(99, 1)), 0.0
		for range 2_000_000 {
			sum += all[i].draw(r)
		}
		all[i].mean = sum / 2_000_000
	}
	return all
}

const experiments = 2000

func share(of func(*rand.Rand) bool) float64 {
	r, n := rand.New(rand.NewPCG(1, 1)), 0
	for range experiments {
		if of(r) {
			n++
		}
	}
	return 100 * float64(n) / experiments
}

func sample(l law, n int, r *rand.Rand) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = l.draw(r)
	}
	return values
}

func medians(b *strings.Builder) {
	b.WriteString("\n## Median set-up time\n\nOrder statistics; at n = 5 there is no bounded interval and none is shown.\n\n| times | n = 6 | n = 10 | n = 20 |\n|---|---|---|---|\n")
	for _, l := range laws() {
		fmt.Fprintf(b, "| %s |", l.name)
		for _, n := range []int{6, 10, 20} {
			fmt.Fprintf(b, " %.1f %% |", share(func(r *rand.Rand) bool {
				i, _ := stats.QuantileBounds(sample(l, n, r), 0.5, analyse.Confidence)
				return i.Contains(1)
			}))
		}
		b.WriteString("\n")
	}
}

// attempts of a cell that fails at the given rate, a failure costing one.
func attempts(l law, n int, rate float64, r *rand.Rand) (a stats.Attempts) {
	for range n {
		if r.Float64() < rate {
			a.Lost = append(a.Lost, l.draw(r))
		} else {
			a.Ready = append(a.Ready, l.draw(r))
		}
	}
	return a
}

func runningTimes(b *strings.Builder) {
	b.WriteString("\n## Expected time to ready with retries\n\nPosterior interval under Jeffreys' prior, over experiments with a success. Where no failure was seen, one is taken to cost as much as a set-up.\n\n| times | failures | n = 5 | n = 10 | n = 20 |\n|---|---|---|---|---|\n")
	for _, l := range laws() {
		for _, rate := range []float64{0.05, 0.2, 0.5} {
			fmt.Fprintf(b, "| %s | %.0f %% |", l.name, 100*rate)
			truth := l.mean / (1 - rate)
			for _, n := range []int{5, 10, 20} {
				fmt.Fprintf(b, " %.1f %% |", share(func(r *rand.Rand) bool { return coversRunningTime(l, n, rate, truth, r) }))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\nHeavy tails: a mean rests on rare long set-ups that few trials have not seen; read the median and the quantiles there.\n")
}

func coversRunningTime(l law, n int, rate, truth float64, r *rand.Rand) bool {
	a := attempts(l, n, rate, r)
	for len(a.Ready) < 2 {
		a = attempts(l, n, rate, r)
	}
	draws, err := stats.RunningTimePosterior(a, a.Ready, stats.WeakBelief, 400, r.Uint64())
	if err != nil {
		return false
	}
	low, _ := stats.Quantile(draws, 0.025)
	high, _ := stats.Quantile(draws, 0.975)
	return low <= truth && truth <= high
}

func restrictedMeans(b *strings.Builder) {
	b.WriteString("\n## Restricted mean to 2 medians\n\nStudent's interval of the times cut there, failures counted as the cap; shown\nfrom n = 4. Where failures are rare and none was seen it covers too little: read\nit beside the failure rate.\n\n| times | failures | n = 5 | n = 10 | n = 20 |\n|---|---|---|---|---|\n")
	for _, l := range laws() {
		for _, rate := range []float64{0, 0.2} {
			r, sum := rand.New(rand.NewPCG(98, 1)), 0.0
			for range 1_000_000 {
				sum += restricted(l, rate, r)
			}
			fmt.Fprintf(b, "| %s | %.0f %% |", l.name, 100*rate)
			for _, n := range []int{5, 10, 20} {
				fmt.Fprintf(b, " %.1f %% |", share(func(r *rand.Rand) bool { return coversRestricted(l, n, rate, sum/1_000_000, r) }))
			}
			b.WriteString("\n")
		}
	}
}

const restrictedTo = 2

func restricted(l law, rate float64, r *rand.Rand) float64 {
	if r.Float64() < rate {
		return restrictedTo
	}
	return min(restrictedTo, l.draw(r))
}

func coversRestricted(l law, n int, rate, truth float64, r *rand.Rand) bool {
	values := make([]float64, n)
	for i := range values {
		values[i] = restricted(l, rate, r)
	}
	mean, sd := stat.MeanStdDev(values, nil)
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(0.975)
	return math.Abs(mean-truth) <= t*sd/math.Sqrt(float64(n))
}

func ratios(b *strings.Builder) {
	b.WriteString("\n## Ratio of set-up times and difference of failure rates\n\nHodges–Lehmann inside blocks (true ratio 0.8; unbounded intervals count as covering) and Miettinen–Nurminen (20 % against 50 %).\n\n| figure | n = 5 | n = 10 | n = 20 |\n|---|---|---|---|\n")
	for _, l := range laws() {
		fmt.Fprintf(b, "| ratio, %s |", l.name)
		for _, n := range []int{5, 10, 20} {
			fmt.Fprintf(b, " %.1f %% |", share(func(r *rand.Rand) bool { return coversRatio(l, n, r) }))
		}
		b.WriteString("\n")
	}
	b.WriteString("| difference |")
	for _, n := range []int{5, 10, 20} {
		fmt.Fprintf(b, " %.1f %% |", share(func(r *rand.Rand) bool { return coversDifference(n, r) }))
	}
	b.WriteString("\n")
}

func coversRatio(l law, n int, r *rand.Rand) bool {
	first, second, block := make([]float64, n), make([]float64, n), make([]int, n)
	for i := range block {
		shared := math.Exp(0.2 * r.NormFloat64())
		first[i], second[i], block[i] = 0.8*shared*l.draw(r), shared*l.draw(r), i
	}
	h, err := stats.HodgesLehmannRatio(first, second, block, block, analyse.Confidence)
	return err != nil || h.CI.Contains(0.8)
}

func binomial(n int, p float64, r *rand.Rand) (k int) {
	for range n {
		if r.Float64() < p {
			k++
		}
	}
	return k
}

func coversDifference(n int, r *rand.Rand) bool {
	i, err := stats.MiettinenNurminen(stats.Arm{Events: binomial(n, 0.2, r), Trials: n}, stats.Arm{Events: binomial(n, 0.5, r), Trials: n}, analyse.Confidence)
	return err == nil && i.Contains(-0.3)
}

// mostBlocks is where a sequential design gives up.
const mostBlocks = 100

// stops returns the block at which the e-process decides, or 0.
func stops(p1, p2 float64, most int, r *rand.Rand) int {
	blocks := make([]stats.EBlock, most)
	for i := range blocks {
		blocks[i] = stats.EBlock{First: stats.Arm{Events: binomial(1, p1, r), Trials: 1}, Second: stats.Arm{Events: binomial(1, p2, r), Trials: 1}}
	}
	e, err := stats.TwoProportionEProcess(blocks)
	if err != nil {
		return 0
	}
	for i, v := range e {
		if v >= 1/analyse.Alpha {
			return i + 1
		}
	}
	return 0
}

func sequential(t *testing.T, b *strings.Builder) {
	fmt.Fprintf(b, "\n## Looking after every block\n\nThe e-process for two failure rates, stopped at 1/0.05, at most %d blocks. Errors: share of experiments that stop although the rates are equal.\n\n| equal rates | errors |\n|---|---|\n", mostBlocks)
	for _, p := range []float64{0.05, 0.2, 0.5} {
		errors := share(func(r *rand.Rand) bool { return stops(p, p, mostBlocks, r) > 0 })
		if errors > 100*analyse.Alpha+1.5 {
			t.Errorf("the e-process errs in %v %% at %v", errors, p)
		}
		fmt.Fprintf(b, "| %.0f %% | %.1f %% |\n", 100*p, errors)
	}
	b.WriteString("\n| rates | most blocks | found | mean blocks | fixed blocks that find as often (Fisher) | saved |\n|---|---|---|---|---|---|\n")
	for _, pair := range [][2]float64{{0.02, 0.9}, {0.02, 0.5}, {0.05, 0.4}} {
		fixed, err := stats.FisherTrials(pair[0], pair[1], analyse.Alpha, 0.8, 200)
		if err != nil {
			t.Fatal(err)
		}
		used := 0
		found := share(func(r *rand.Rand) bool {
			at := stops(pair[0], pair[1], 2*fixed, r)
			if at == 0 {
				used += 2 * fixed
				return false
			}
			used += at
			return true
		})
		mean := float64(used) / experiments
		same, err := stats.FisherTrials(pair[0], pair[1], analyse.Alpha, found/100, 400)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "| %.0f %% against %.0f %% | %d | %.1f %% | %.1f | %d | %.0f %% |\n", 100*pair[0], 100*pair[1], 2*fixed, found, mean, same, 100*(1-mean/float64(same)))
	}
}
