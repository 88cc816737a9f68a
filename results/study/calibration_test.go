package study_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// TestCalibration measures how often intervals cover and how often tests err,
// and writes calibration.md and its figures' data into the folder that
// STRATBENCH_CALIBRATE names: make calibrate. It takes minutes, and is skipped
// unless asked for.
func TestCalibration(t *testing.T) {
	dir := os.Getenv("STRATBENCH_CALIBRATE")
	if dir == "" {
		t.Skip("make calibrate")
	}
	c := &calibration{}
	c.text.WriteString(calibrationHead)
	c.clopperPearson(t)
	c.medians()
	c.ratios()
	c.sideBySide()
	data, err := json.MarshalIndent(c.Data, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "calibration"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"calibration.md": []byte(c.text.String()), "calibration/calibration.json": append(data, '\n')} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const calibrationHead = `# Calibration

Made by ` + "`make calibrate`" + `; do not edit. How often the intervals that are
printed as 95 % cover the truth, and how often tests find what is not there.
Set-up times: steady (log-normal, log standard deviation 0.05), log-normal (0.3)
and heavy-tailed (log t with 3 degrees of freedom, scale 0.3), cut at 20 medians
as a limit would. 2000 simulated experiments a figure, so that its own standard
error is 0.5 points; seed 1. Wanted are 93 to 97 %. Exact intervals of few trials
cover more, because so few outcomes leave nothing between one interval and the
next. What lies outside is bold, and below its table stands why.

![Coverage of the intervals printed as 95 %, a row a figure, for 5, 10 and 20 trials.](calibration/coverage.svg)
`

// calibration is the page and what its figures are drawn from.
type calibration struct {
	text strings.Builder
	// outside is set where a table has what does not cover as wanted.
	outside bool
	Data    struct {
		Coverage []covered  `json:"coverage"`
		Rates    []rateLine `json:"clopper_pearson"`
	}
}

// covered is how often an interval of a figure covers, in percent.
type covered struct {
	Figure   string  `json:"figure"`
	Trials   int     `json:"trials"`
	Coverage float64 `json:"coverage_percent"`
}

type rateLine struct {
	Trials   int       `json:"trials"`
	Rate     []float64 `json:"rate"`
	Coverage []float64 `json:"coverage_percent"`
}

// row measures a figure at several numbers of trials and prints it.
func (c *calibration) row(figure string, cells []string, sizes []int, covers func(n int, r *rand.Rand) bool) {
	c.text.WriteString("| " + strings.Join(cells, " | ") + " |")
	for _, n := range sizes {
		p := share(func(r *rand.Rand) bool { return covers(n, r) })
		printed := fmt.Sprintf("%.1f %%", p)
		if math.Abs(p-study.Confidence*100) > 2.05 {
			printed, c.outside = "**"+printed+"**", true
		}
		c.text.WriteString(" " + printed + " |")
		c.Data.Coverage = append(c.Data.Coverage, covered{figure, n, p})
	}
	c.text.WriteString("\n")
}

// explain ends a table: why some of it lies outside what is wanted.
func (c *calibration) explain(reason string) {
	if c.outside {
		c.text.WriteString("\n" + reason + "\n")
	}
	c.outside = false
}

// clopperPearson is counted out, not simulated.
func (c *calibration) clopperPearson(t *testing.T) {
	lowest, at := 1.0, ""
	for n := 3; n <= 30; n++ {
		intervals := make([]stats.Interval, n+1)
		for k := range intervals {
			intervals[k] = stats.ClopperPearson(k, n, study.Confidence)
		}
		line := rateLine{Trials: n}
		for i := 1; i < 1000; i++ {
			p, held := float64(i)/1000, 0.0
			for k, interval := range intervals {
				if interval.Contains(p) {
					held += distuv.Binomial{N: float64(n), P: p}.Prob(float64(k))
				}
			}
			if held < lowest {
				lowest, at = held, fmt.Sprintf("n = %d at a rate of %.3f", n, p)
			}
			if i%5 == 0 && i <= 500 {
				line.Rate, line.Coverage = append(line.Rate, p), append(line.Coverage, 100*held)
			}
		}
		if n == 5 || n == 10 || n == 30 {
			c.Data.Rates = append(c.Data.Rates, line)
		}
	}
	if lowest < study.Confidence {
		t.Errorf("Clopper-Pearson covers %v at %s", lowest, at)
	}
	fmt.Fprintf(&c.text, "\n## Failure rates\n\nClopper–Pearson, counted out for n from 3 to 30 and 999 rates: never under %.2f %% (%s).\n\n![Coverage of the exact interval of a failure rate against the rate, for 5, 10 and 30 trials.](calibration/rates.svg)\n", 100*lowest, at)
}

// law is a distribution of times with a median of 1.
type law struct {
	name string
	draw func(*rand.Rand) float64
}

const cut = 20

func laws() []law {
	return []law{
		{"steady", func(r *rand.Rand) float64 { return math.Exp(0.05 * r.NormFloat64()) }},
		{"log-normal", func(r *rand.Rand) float64 { return min(cut, math.Exp(0.3*r.NormFloat64())) }},
		{"heavy-tailed", func(r *rand.Rand) float64 {
			return min(cut, math.Exp(0.3*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: 3, Src: r}.Rand()))
		}},
	}
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

func (c *calibration) medians() {
	c.text.WriteString("\n## Median set-up time\n\nOrder statistics; at n = 5 there is no bounded interval and none is shown.\n\n| times | n = 6 | n = 10 | n = 20 |\n|---|---|---|---|\n")
	for _, l := range laws() {
		c.row("median, "+l.name, []string{l.name}, []int{6, 10, 20}, func(n int, r *rand.Rand) bool {
			return stats.MedianInterval(sample(l, n, r), study.Confidence).Contains(1)
		})
	}
	c.explain("Exact: with few trials no other two of them cover 95 % or more, and less than these.")
}

var sizes = []int{5, 10, 20}

const sizesHead = " n = 5 | n = 10 | n = 20 |\n"

func (c *calibration) ratios() {
	c.text.WriteString("\n## Ratio of set-up times, difference of failure rates\n\nHodges–Lehmann (true ratio 0.8; unbounded intervals count as covering), Miettinen–Nurminen (20 % against 50 %).\n\n| figure |" + sizesHead + "|---|---|---|---|\n")
	for _, l := range laws() {
		c.row("ratio of times, "+l.name, []string{"ratio, " + l.name}, sizes, func(n int, r *rand.Rand) bool { return coversRatio(l, n, r) })
	}
	c.row("difference of failure rates", []string{"difference of failure rates"}, sizes, coversDifference)
	c.explain("The ratio's interval is exact and has few steps: with few trials it covers more.")
}

func (c *calibration) sideBySide() {
	c.text.WriteString("\n## Two states side by side\n\nThe change that `confirm` shows, by signed ranks inside blocks that differ by a log standard deviation of 0.2 (true change 25 %).\n\n| times | n = 6 | n = 10 | n = 20 |\n|---|---|---|---|\n")
	for _, l := range laws() {
		c.row("change side by side, "+l.name, []string{l.name}, []int{6, 10, 20}, func(n int, r *rand.Rand) bool {
			var first, second [][]float64
			for range n {
				shared := math.Exp(0.2 * r.NormFloat64())
				first, second = append(first, []float64{shared * l.draw(r)}), append(second, []float64{1.25 * shared * l.draw(r)})
			}
			d := compare.Change(first, second, (1-study.Confidence)/2)
			return d.Lower <= 0.25 && 0.25 <= d.Upper
		})
	}
	c.explain("Exact, with few steps: with few blocks it covers more.")
}

func coversRatio(l law, n int, r *rand.Rand) bool {
	first, second := sample(l, n, r), sample(l, n, r)
	for i := range first {
		first[i] *= 0.8
	}
	_, ci := stats.HodgesLehmannRatio(first, second, study.Confidence)
	return ci.Contains(0.8)
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
	return stats.MiettinenNurminen(stats.Arm{Events: binomial(n, 0.2, r), Trials: n}, stats.Arm{Events: binomial(n, 0.5, r), Trials: n}, study.Confidence).Contains(-0.3)
}
