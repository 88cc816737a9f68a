package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// duration prints a number of seconds.
func duration(v study.Value) string {
	switch {
	case math.IsNaN(float64(v)):
		return none
	case math.IsInf(float64(v), 0) || math.Abs(float64(v)) > 1e9:
		return "∞"
	}
	return Seconds(trial.Seconds(math.Round(float64(v) * 1e9)))
}

// roughly prints a number of seconds that is a forecast: whole minutes from
// ten on.
func roughly(v study.Value) string {
	if !v.Finite() || v <= 600 {
		return duration(v)
	}
	minutes := int(math.Round(float64(v) / 60))
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}

// durationInterval prints an interval of times, or what it is not bounded by.
func durationInterval(i study.Interval) string {
	if !i.Bounded() {
		return ""
	}
	return duration(i.Lower) + " to " + duration(i.Upper)
}

// percent prints a share with as many digits as tell it from 0 and from 100.
func percent(v study.Value) string {
	p := 100 * float64(v)
	if math.IsNaN(p) {
		return none
	}
	digits := 0
	if least := min(p, 100-p); least > 0 && least < 1 {
		digits = min(4, int(math.Ceil(-math.Log10(least))))
	}
	return strconv.FormatFloat(p, 'f', digits, 64)
}

// Rate prints how often something happened: "0 of 5: 0–52 %".
func Rate(r study.Rate) string {
	if r.Trials == 0 {
		return none
	}
	return fmt.Sprintf("%d of %d: %s–%s %%", r.Events, r.Trials, percent(r.Interval.Lower), percent(r.Interval.Upper))
}

// pValue prints a p-value; it is never 0.
func pValue(v study.Value) string {
	switch {
	case !v.Finite():
		return none
	case v < 0.0001:
		return "<0.0001"
	case v < 0.1:
		return fmt.Sprintf("%#.2g", float64(v))
	}
	return fmt.Sprintf("%.2f", float64(v))
}

// pIs prints a p-value for a sentence: "p = 0.047", "p < 0.0001".
func pIs(v study.Value) string {
	if v < 0.0001 {
		return "p < 0.0001"
	}
	return "p = " + pValue(v)
}

// ratio prints a ratio: "0.62".
func ratio(v study.Value) string {
	switch {
	case math.IsNaN(float64(v)):
		return none
	case math.IsInf(float64(v), 0):
		return "∞"
	case v >= 999.5:
		// Three digits that count, and no power of ten.
		unit := math.Pow(10, math.Floor(math.Log10(float64(v)))-2)
		return strconv.FormatFloat(unit*math.Round(float64(v)/unit), 'f', 0, 64)
	case v > 0 && v < 0.001:
		return "<0.001"
	}
	// Three digits, also where the last are 0.
	return strings.TrimSuffix(fmt.Sprintf("%#.3g", float64(v)), ".")
}

// points prints a difference of rates in percentage points.
func points(v study.Value) string {
	p := 100 * float64(v)
	switch {
	case !v.Finite():
		return none
	case p == 0:
		return "0"
	case math.Abs(p) < 1:
		return fmt.Sprintf("%+.1g", p)
	}
	return fmt.Sprintf("%+.0f", p)
}

// setupTime prints a median with its interval, or what keeps it from having
// one.
func setupTime(t study.Times) string {
	switch {
	case t.N == 0:
		return none
	case t.N == 1:
		return duration(t.Median) + " (n = 1)"
	case t.Interval.Bounded():
		return fmt.Sprintf("%s (95 %%: %s)", duration(t.Median), durationInterval(t.Interval))
	}
	return fmt.Sprintf("%s (range %s to %s; n = %d: no 95 %% %s)", duration(t.Median), duration(t.Low), duration(t.High), t.N, missingBounds(t.Interval))
}

func missingBounds(i study.Interval) string {
	switch {
	case i.Lower.Finite():
		return "upper bound"
	case i.Upper.Finite():
		return "lower bound"
	}
	return "bounds"
}

func percentOf(v study.Value) string {
	if !v.Finite() {
		return none
	}
	return percent(v) + " %"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// and joins names: "serial, 2+1 and parallel".
func and(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// number prints a figure for programs; what does not exist is empty.
func number(v study.Value) string {
	if !v.Finite() {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', 10, 64)
}

// Seconds prints a duration with the precision that a reader can use:
// 0.42 s, 12.3 s, 4 min 05 s.
func Seconds(s trial.Seconds) string {
	d := s.Duration()
	switch {
	case d < 0:
		return "-" + Seconds(-s)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}
