package analyse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// believed is how often the arm that was given a P(best) of about Stated was
// the best one.
type believed struct {
	Trials int     `json:"trials"`
	Stated float64 `json:"stated"`
	Found  float64 `json:"found"`
	Of     int     `json:"of"`
}

const bestBins = 5

// best draws worlds of two strategies whose typical times differ by a factor
// around 1.4 either way and whose failure rates differ too, and asks how often
// the one that P(best) prefers is the better one.
func (c *calibration) best() {
	c.text.WriteString("\n## P(best)\n\nTwo strategies, made anew 4000 times: times with a log standard deviation between 0.05 and 0.5, typical times apart by a factor of around 1.4, failure rates between 0 and 60 %, a failure costing a set-up. Of the strategies that were given this P(best) under Jeffreys' prior, so many were the better one. With one trial of each it is believed less than is true, by who does not know how much times vary; from two on it is what it says.\n\n![How often the preferred strategy was the better one, against the P(best) stated.](calibration/best.svg)\n\n| trials of each | 50–60 % | 60–70 % | 70–80 % | 80–90 % | 90–100 % |\n|---|---|---|---|---|---|\n")
	for _, n := range []int{1, 2, 3, 5, 10} {
		r := rand.New(rand.NewPCG(uint64(n), 7))
		var stated [bestBins]float64
		var right, all [bestBins]int
		for range 2 * experiments {
			p, isRight := preferred(n, r)
			bin := min(bestBins-1, int((p-0.5)/0.1))
			stated[bin] += p
			all[bin]++
			if isRight {
				right[bin]++
			}
		}
		fmt.Fprintf(&c.text, "| %d |", n)
		for bin := range bestBins {
			if all[bin] < 50 {
				c.text.WriteString(" – |")
				continue
			}
			found := float64(right[bin]) / float64(all[bin])
			fmt.Fprintf(&c.text, " %.0f %% of %d |", 100*found, all[bin])
			c.Data.Best = append(c.Data.Best, believed{n, stated[bin] / float64(all[bin]), found, all[bin]})
		}
		c.text.WriteString("\n")
	}
}

// preferred is the P(best) of the strategy with the larger one, and whether it
// is the better one.
func preferred(n int, r *rand.Rand) (p float64, right bool) {
	sd := math.Exp(math.Log(0.05) + r.Float64()*math.Log(10))
	var truth [2]float64
	var a [2]stats.Attempts
	for arm := range truth {
		median, rate := math.Exp(0.25*r.NormFloat64()), 0.6*r.Float64()*r.Float64()
		l := law{draw: func(r *rand.Rand) float64 { return median * math.Exp(sd*r.NormFloat64()) }}
		truth[arm] = median * math.Exp(sd*sd/2) / (1 - rate)
		for len(a[arm].Ready) == 0 {
			a[arm] = attempts(l, n, rate, r)
		}
	}
	draws := make([][]float64, 2)
	weak := stats.WeakSpread
	for arm := range draws {
		lost := append(append([]float64{}, a[0].Lost...), a[1].Lost...)
		if len(lost) == 0 {
			lost = a[arm].Ready
		}
		belief := stats.Belief{Success: stats.JeffreysPrior, Ready: weak, Lost: weak}
		// The other strategy says how much times vary too, four degrees at most.
		if freedom, squares := stats.LogSpread(a[1-arm].Ready); freedom > 0 {
			share := min(1, 4/freedom)
			belief.Ready.Freedom, belief.Ready.Squares = share*freedom, share*squares
		}
		draws[arm], _ = stats.RunningTimePosterior(a[arm], lost, belief, 1000, r.Uint64())
	}
	b, err := stats.CompareDraws(draws)
	if err != nil {
		return 0.5, false
	}
	if b.Probability[0] >= 0.5 {
		return b.Probability[0], truth[0] < truth[1]
	}
	return b.Probability[1], truth[1] < truth[0]
}

// saved is what stopping saves against the exact test of a fixed length with
// the same power.
type saved struct {
	Rates  string  `json:"rates"`
	Most   int     `json:"most_blocks"`
	Power  float64 `json:"power"`
	Blocks float64 `json:"mean_blocks"`
	Fixed  int     `json:"fixed_blocks"`
}

func (c *calibration) sequential(t *testing.T) {
	c.text.WriteString("\n## Looking after every block\n\nThe exact sequential test of two failure rates at 5 %, counted out over all courses. Errors: probability of stopping although the rates are equal, at the worst of 99 rates.\n\n| most blocks | errors |\n|---|---|\n")
	for _, most := range []int{5, 10, 20, 40} {
		worst := 0.0
		for i := 1; i < 100; i++ {
			p, _, err := stats.SequentialPower(float64(i)/100, float64(i)/100, most, analyse.Alpha)
			if err != nil {
				t.Fatal(err)
			}
			worst = max(worst, p)
		}
		if worst > analyse.Alpha*1.005 {
			t.Errorf("errors of %v with %d blocks", worst, most)
		}
		fmt.Fprintf(&c.text, "| %d | %.2f %% |\n", most, 100*worst)
	}
	c.text.WriteString("\nSaved: blocks on average, against the exact test of a fixed length (Boschloo's) that finds as often. At most twice the blocks are planned that the fixed test needs to find 80 %.\n\n![Mean blocks of the sequential test beside those of the fixed test that finds as often.](calibration/sequential.svg)\n\n| rates | most blocks | found | mean blocks | fixed blocks | saved | mean blocks where the rates are equal |\n|---|---|---|---|---|---|---|\n")
	for _, pair := range [][2]float64{{0.02, 0.9}, {0.02, 0.5}, {0.05, 0.4}} {
		c.save(t, pair)
	}
	c.eProcess(t)
}

func (c *calibration) save(t *testing.T, pair [2]float64) {
	fixed := func(power float64) int {
		for n := 2; n < 200; n++ {
			p, err := stats.BoschlooPower(pair[0], n, pair[1], n, analyse.Alpha)
			if err != nil {
				t.Fatal(err)
			}
			if p >= power {
				return n
			}
		}
		return 0
	}
	most := 2 * fixed(0.8)
	power, mean, err := stats.SequentialPower(pair[0], pair[1], most, analyse.Alpha)
	if err != nil {
		t.Fatal(err)
	}
	_, idle, err := stats.SequentialPower(pair[0], pair[0], most, analyse.Alpha)
	if err != nil {
		t.Fatal(err)
	}
	s := saved{fmt.Sprintf("%.0f %% against %.0f %%", 100*pair[0], 100*pair[1]), most, power, mean, fixed(power)}
	c.Data.Saved = append(c.Data.Saved, s)
	fmt.Fprintf(&c.text, "| %s | %d | %.1f %% | %.1f | %d | %.0f %% | %.1f |\n", s.Rates, most, 100*power, mean, s.Fixed, 100*(1-mean/float64(s.Fixed)), idle)
}

// eProcess is what a run with more blocks than can be counted out uses.
func (c *calibration) eProcess(t *testing.T) {
	const most = 100
	fmt.Fprintf(&c.text, "\nWith over %d blocks planned, the e-process, stopped at 1/0.05, at most %d blocks.\n\n| equal rates | errors |\n|---|---|\n", stats.MostSequentialBlocks, most)
	for _, p := range []float64{0.05, 0.2, 0.5} {
		errors := share(func(r *rand.Rand) bool { return stops(p, p, most, r) > 0 })
		if errors > 100*analyse.Alpha+1.5 {
			t.Errorf("the e-process errs in %v %% at %v", errors, p)
		}
		fmt.Fprintf(&c.text, "| %.0f %% | %.1f %% |\n", 100*p, errors)
	}
}

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
