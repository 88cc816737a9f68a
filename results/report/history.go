package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
)

// Review is the document of a history: its series, and where they changed.
func Review(r history.Review) Document {
	d := Document{Sections: []Table{Changes(r), Series(r)}, Data: r, Tidy: tidyReview(r)}
	if r.Simulated {
		d.Notes = append(d.Notes, simulatedNote)
	}
	if len(r.Nights) == 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("No run of %s on host %s is in the history.", r.Experiment, r.Host))
		return d
	}
	last := r.Nights[len(r.Nights)-1]
	d.Notes = append(d.Notes, fmt.Sprintf("%s on host %s: %s, from %s to %s.", r.Experiment, r.Host, Counted(len(r.Nights), "night"), night(r.Nights[0].When), night(last.When)))
	unfit := 0
	for _, n := range r.Nights {
		if len(n.NotFit) > 0 {
			unfit++
		}
	}
	if unfit > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("The host was not fit in %s, left out here.", Counted(unfit, "night")))
	}
	return d
}

// Changes has a row for each change of each series.
func Changes(r history.Review) Table {
	t := Table{Title: "Changes over all nights", Header: []string{"since", "cell", "metric", "before", "after", "change (95 % interval)", "p", "what else changed", "accepted"}}
	for _, s := range r.Series {
		for _, c := range s.Changes {
			since, accepted := night(c.Since.When), none
			if c.Until != nil {
				since = day(c.Since.When) + " to " + day(c.Until.When) + ", a drift"
			}
			if c.Accepted != nil {
				accepted = c.Accepted.Reason
			}
			t.Rows = append(t.Rows, []string{since, cellOf(s.Cell), metricName(s.Metric), figure(s.Unit, c.Before), figure(s.Unit, c.After),
				changed(s.Unit, c.Effect), pValue(c.P), why(c.Effect), accepted})
		}
	}
	if len(t.Rows) == 0 {
		t.Notes = []string{"No series changed."}
		return t
	}
	t.Notes = []string{"These are the changes that the nightly checks were certain of; their sizes are estimated from all nights. p is that of the night which raised the change, adjusted for all series. What else changed then need not be the cause."}
	return t
}

// Series has a row for each series.
func Series(r history.Review) Table {
	t := Table{Title: "Series", Header: []string{"cell", "metric", "nights", "segments", "first", "last", "in the newest run", "varies in a night", "from night to night"}}
	deviation := func(v study.Value) string { // of logarithms: "4.1 %"
		if !v.Finite() {
			return none
		}
		return fmt.Sprintf("%.1f %%", 100*float64(v))
	}
	for _, s := range r.Series {
		nights := 0
		for _, p := range s.Points {
			if p.N > 0 {
				nights++
			}
		}
		first, end, parts := none, none, strconv.Itoa(len(s.Segments))
		if n := len(s.Segments); n > 0 {
			first, end = figure(s.Unit, s.Segments[0].From), figure(s.Unit, s.Segments[n-1].To)
		}
		if slices.ContainsFunc(s.Segments, func(p history.Segment) bool { return p.Drift }) {
			parts += ", with a drift"
		}
		inNight, byNight := none, none
		if s.Noise != nil {
			inNight, byNight = deviation(s.Noise.InNight), deviation(s.Noise.ByNight)
		}
		t.Rows = append(t.Rows, []string{cellOf(s.Cell), metricName(s.Metric), strconv.Itoa(nights), parts, first, end,
			figure(s.Unit, s.Points[len(s.Points)-1].Value), inNight, byNight})
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Varies: standard deviation between the trials of a cell in one night, and beyond that between the nights of a segment."}
	}
	return t
}

// SeriesName is what a series is of: "setup of podman serial".
func SeriesName(s history.SeriesReview) string { return metricName(s.Metric) + " of " + cellOf(s.Cell) }

// ChangeSize is how large a change is: "+30 %".
func ChangeSize(u study.Unit, c history.Change) string {
	unbounded := study.Value(math.NaN())
	c.Interval = study.Interval{Lower: unbounded, Upper: unbounded}
	return changed(u, c.Effect)
}

// ChangeText is a change in a sentence.
func ChangeText(s history.SeriesReview, c history.Change) string {
	when := c.Since.When.UTC().Format("2 Jan 2006")
	if c.Until != nil {
		when += " to " + c.Until.When.UTC().Format("2 Jan 2006") + ", a drift"
	}
	text := fmt.Sprintf("%s: %s → %s (%s); %s", when, figure(s.Unit, c.Before), figure(s.Unit, c.After), ChangeSize(s.Unit, c), why(c.Effect))
	if c.Accepted != nil {
		text += "; accepted: " + c.Accepted.Reason
	}
	return text + "."
}

// tidyReview has a figure a row: each series in each night.
func tidyReview(r history.Review) [][]string {
	rows := [][]string{{"run_id", "when", "fit", "cell", "metric", "unit", "n", "bad", "value", "segment", "segment_from", "segment_to"}}
	for _, s := range r.Series {
		for i, p := range s.Points {
			n := r.Nights[i]
			at, from, to := "", "", ""
			for k, part := range s.Segments {
				if i >= part.Start && i < part.End {
					at, from, to = strconv.Itoa(k+1), number(part.From), number(part.To)
				}
			}
			rows = append(rows, []string{n.RunID, n.When.UTC().Format("2006-01-02T15:04:05Z"), strconv.FormatBool(len(n.NotFit) == 0),
				s.Cell.Key(), string(s.Metric), string(s.Unit), strconv.Itoa(p.N), strconv.Itoa(p.Bad), number(p.Value), at, from, to})
		}
	}
	return rows
}

// SelfTest is the table of a check's self-test.
func SelfTest(s history.SelfTested) Table {
	t := Table{Title: "Self-test", Header: []string{"put into a copy", "cell", "metric", "must be reported", "was reported", "verdict", "passed"}, Data: s}
	yesNo := map[bool]string{true: "yes", false: "no"}
	for _, step := range s.Steps {
		reported := fmt.Sprintf("no, in %s", Counted(step.Nights, "night"))
		if step.Got {
			reported = fmt.Sprintf("in night %d", step.Nights)
		}
		t.Rows = append(t.Rows, []string{step.What, cellOf(step.Cell), metricName(step.Metric), yesNo[step.Want], reported, string(step.Verdict), yesNo[step.Passed()]})
	}
	t.Notes = []string{"The nights put into the copies are made up from the last real ones, and were added one by one until the check reported a regression. The history itself was not touched."}
	return t
}

// Baselines lists decisions, oldest first.
func Baselines(list []history.Baseline) Table {
	t := Table{Header: []string{"id", "decided", "by", "what", "cell", "metric", "from run", "reason"}, Data: list}
	for _, b := range list {
		cell, metric := "all", "all"
		if b.Do == history.BaselineAccept {
			cell, metric = cellOf(b.Cell), metricName(b.Metric)
		}
		t.Rows = append(t.Rows, []string{b.ID, night(b.When), b.Who, string(b.Do), cell, metric, b.RunID, b.Reason})
	}
	if len(list) == 0 {
		t.Data = []history.Baseline{}
		t.Notes = []string{"Nothing was decided: every run is judged against all before it."}
	}
	return t
}
