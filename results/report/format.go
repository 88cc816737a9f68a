package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// none stands for no figure, notTested for no measured trial.
const (
	none      = "–"
	notTested = "not tested"
)

// simulatedNote begins what no engine produced.
const simulatedNote = "SIMULATED: no engine produced these figures."

func orNone(text string) string { return cmp.Or(text, none) }

// Seconds prints a duration as readers can use it: 0.42 s, 12.3 s, 4 min 05 s.
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

// roughly prints a forecast in seconds: whole minutes from ten on.
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

// setupTime prints a median with its interval, or what keeps it from having one.
func setupTime(t study.Times) string {
	switch i := t.Interval; {
	case t.N == 0:
		return none
	case t.N == 1:
		return duration(t.Median) + " (n = 1)"
	case i.Bounded():
		return fmt.Sprintf("%s (95 %%: %s to %s)", duration(t.Median), duration(i.Lower), duration(i.Upper))
	}
	return fmt.Sprintf("%s (range %s to %s; n = %d: no 95 %% bounds)", duration(t.Median), duration(t.Low), duration(t.High), t.N)
}

func median(values []trial.Seconds) string {
	var seconds []float64
	for _, v := range values {
		seconds = append(seconds, v.Duration().Seconds())
	}
	return duration(study.Value(stats.Median(seconds)))
}

func medianRange(values []trial.Seconds) string {
	switch len(values) {
	case 0:
		return none
	case 1:
		return Seconds(values[0])
	}
	return fmt.Sprintf("%s (%s to %s)", median(values), Seconds(slices.Min(values)), Seconds(slices.Max(values)))
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

func percentOf(v study.Value) string {
	if !v.Finite() {
		return none
	}
	return percent(v) + " %"
}

// Rate prints how often something happened: "0 of 5: 0–52 %".
func Rate(r study.Rate) string {
	if r.Trials == 0 {
		return none
	}
	return fmt.Sprintf("%d of %d: %s–%s %%", r.Events, r.Trials, percent(r.Interval.Lower), percent(r.Interval.Upper))
}

// relative prints a relative change: −48 %, +3 %.
func relative(v float64) string {
	p := math.Round(100 * v)
	switch {
	case p > 999:
		return "over +999 %"
	case p > 0:
		return fmt.Sprintf("+%.0f %%", p)
	case p < 0:
		return fmt.Sprintf("−%.0f %%", -p)
	}
	return "0 %"
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

// number prints a figure for programs; one that does not exist is empty.
func number(v study.Value) string {
	if !v.Finite() {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', 10, 64)
}

// Counted is "1 trial" or "2 trials".
func Counted(n int, word string) string { return fmt.Sprintf("%d %s", n, noun(n, word)) }

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// and joins names: "serial, 2+1 and parallel".
func and(names []string) string { return listed(names, " and ") }

func or(names []string) string { return listed(names, " or ") }

func listed(names []string, last string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + last + names[n]
}

// texts has the text of each.
func texts[T any](all []T, text func(T) string) (list []string) {
	for _, one := range all {
		list = append(list, text(one))
	}
	return list
}

// Capital is the text as the beginning of a sentence.
func Capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
