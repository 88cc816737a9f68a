package report

import (
	"fmt"
	"strconv"

	"github.com/stratbench/stratbench/results/analyse"
)

// Power is the document of a power curve.
func Power(c analyse.PowerCurve) Document {
	q := c.Question
	t := Table{Title: "Power by replicates", Header: []string{"replicates of each cell",
		fmt.Sprintf("failures: %s %% against %s %%", percent(analyse.Value(q.Low)), percent(analyse.Value(q.High))),
		fmt.Sprintf("setup times: ratio %g", q.Ratio)}}
	rows := [][]string{{"replicates", "power_failure_rates", "power_setup_times"}}
	for _, p := range c.Points {
		t.Rows = append(t.Rows, []string{strconv.Itoa(p.Replicates), powerPercent(p.Rates), powerPercent(p.Times)})
		rows = append(rows, []string{strconv.Itoa(p.Replicates), number(p.Rates), number(p.Times)})
	}
	source := "assumed, for want of trials"
	if q.SpreadSeen {
		source = "as seen"
	}
	t.Notes = []string{fmt.Sprintf("Probability to show the difference at 5 %% over %d %s (Boschloo; paired logs inside blocks, times varying by %s %% in a cell, %s).",
		q.Comparisons, noun(q.Comparisons, "comparison"), percent(analyse.Value(q.Spread)), source)}
	notes := []string{enough("the failure rates", c.EnoughRates), enough("the setup times", c.EnoughTimes)}
	if s := c.Stopping; s != nil {
		notes = append(notes, fmt.Sprintf("With stop: decided and at most %d replicates a comparison of these failure rates takes %.1f blocks on average, and finds the difference with %s.",
			s.Most, float64(s.Mean), percentOf(s.Power)))
	}
	if q.Simulated {
		notes = append(notes, "SIMULATED: no engine produced the trials that the noise is from.")
	}
	return Document{Title: "How many replicates?", Notes: notes,
		Sections: []Table{t}, Data: c, Tidy: rows}
}

func enough(what string, n int) string {
	if n == 0 {
		return fmt.Sprintf("To tell %s apart with 80 %% takes more than 100 replicates.", what)
	}
	return fmt.Sprintf("To tell %s apart with 80 %% takes %d replicates.", what, n)
}

// powerPercent prints a power, never as certain.
func powerPercent(v analyse.Value) string {
	if v.Finite() && v >= 0.995 {
		return ">99 %"
	}
	return percentOf(v)
}
