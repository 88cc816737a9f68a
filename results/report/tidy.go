package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// tidy has one figure a row, in seconds and shares of 1.
func tidy(a analyse.Analysis) [][]string {
	rows := [][]string{{"of", "cell", "first", "second", "figure", "n", "value", "lower", "upper", "method"}}
	for _, c := range a.Cells {
		rows = append(rows, tidyCell(c)...)
	}
	for _, c := range a.Compared {
		rows = append(rows, tidyComparison(c)...)
	}
	return rows
}

func tidyCell(c analyse.CellSummary) (rows [][]string) {
	add := func(figure string, n int, v analyse.Value, i analyse.Interval, method string) {
		rows = append(rows, []string{"cell", c.Cell.Cell.Key(), "", "", figure, strconv.Itoa(n), number(v), number(i.Lower), number(i.Upper), method})
	}
	unbounded := analyse.Interval{Lower: undefined, Upper: undefined}
	if c.N == 0 {
		add("not_tested", 0, undefined, unbounded, whyNotTested(c))
		return rows
	}
	add("failure_rate", c.N, c.Failed.Estimate, c.Failed.Interval, "Clopper-Pearson")
	add("ready_rate", c.N, c.Ready.Estimate, c.Ready.Interval, "Clopper-Pearson")
	add("setup_median_seconds_if_ready", c.SetupTime.N, c.SetupTime.Median, c.SetupTime.Interval, "order statistics")
	add("restricted_mean_seconds", c.N, c.RestrictedMean.Mean, c.RestrictedMean.Interval, "mean cut at "+number(c.RestrictedMean.Cap)+" s")
	add("expected_running_time_seconds", c.N, c.RunningTime.Mean, c.RunningTime.Interval, "posterior (Jeffreys)")
	for _, o := range trial.Outcomes() {
		n := c.Outcomes[o]
		if n == 0 {
			continue
		}
		add("outcome "+string(o), n, analyse.Value(float64(n)/float64(c.N)), unbounded, "count")
	}
	return rows
}

func whyNotTested(c analyse.CellSummary) string {
	for _, w := range c.Warnings {
		if w.Kind == analyse.NotRun {
			return w.Detail
		}
	}
	return ""
}

func tidyComparison(c analyse.Comparison) (rows [][]string) {
	add := func(figure string, v analyse.Value, i analyse.Interval, method string) {
		rows = append(rows, []string{"comparison", c.Within.Key(), c.First, c.Second, figure,
			fmt.Sprintf("%d+%d", c.N[0], c.N[1]), number(v), number(i.Lower), number(i.Upper), method})
	}
	none := analyse.Interval{Lower: undefined, Upper: undefined}
	add("p_time", c.Time.P, none, "worst-rank permutation inside blocks")
	add("p_time_holm", c.Time.Adjusted, none, "Holm")
	add("probability_first_sooner", c.Faster.Probability, c.Faster.Interval, "Newcombe")
	add("setup_ratio_if_ready", c.Ratio.Estimate, c.Ratio.Interval, "Hodges-Lehmann inside blocks")
	add("restricted_mean_difference_seconds", c.Restricted.Difference, c.Restricted.Interval, "mean cut at "+number(c.Restricted.Cap)+" s")
	difference, test := "Miettinen-Nurminen", "Boschloo"
	if c.Rates.Method != analyse.FixedLength {
		difference, test = string(c.Rates.Method), string(c.Rates.Method)
	}
	add("failure_rate_difference", c.Rates.Difference, c.Rates.Interval, difference)
	add("p_failure_rate", c.Rates.P, none, test)
	add("p_failure_rate_anytime", c.Rates.Anytime, none, "e-process inside blocks")
	add("p_failure_rate_holm", c.Rates.Adjusted, none, "Holm")
	return rows
}

// number prints a figure for programs; what does not exist is empty.
func number(v analyse.Value) string {
	if !v.Finite() {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', 10, 64)
}

// benchmarks writes a line a trial in the text format of Go benchmarks. A
// failed trial has no time, and stands as a failure of its own: benchstat's
// times are of successful trials, to be read beside failed/op.
func benchmarks(w io.Writer, s analyse.Study) error {
	if s.Simulated() {
		if _, err := fmt.Fprintln(w, "simulated: true"); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w, "Unit failed/op better=lower\nUnit sec/op better=lower"); err != nil {
		return err
	}
	for _, o := range s.Trials {
		line := "BenchmarkSetup" + benchmarkName(o.Cell) + " 1"
		if o.Ready && o.Setup > 0 {
			line += fmt.Sprintf(" %.9g sec/op 0 failed/op", o.Setup)
		} else if o.Ready {
			line += " 0 failed/op"
		} else {
			line += " 1 failed/op"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// benchmarkName has a part a factor; what would end or part a name is replaced.
func benchmarkName(c trial.Cell) (name string) {
	plain := func(text string) string {
		return strings.Map(func(r rune) rune {
			if r == '/' || unicode.IsSpace(r) {
				return '_'
			}
			return r
		}, text)
	}
	for _, a := range c {
		name += "/" + plain(a.Factor) + "=" + plain(a.Level)
	}
	return name
}
