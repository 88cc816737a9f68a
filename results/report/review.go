package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
)

// Review is the document of a history: its series, and where they changed.
func Review(r history.Review) Document {
	return Document{Notes: reviewNotes(r), Sections: []Table{Changes(r), Series(r)}, Data: r, Tidy: tidyReview(r)}
}

func reviewNotes(r history.Review) (notes []string) {
	if r.Simulated {
		notes = append(notes, "SIMULATED: no engine produced these figures.")
	}
	if len(r.Nights) == 0 {
		return append(notes, fmt.Sprintf("No run of %s on host %s is in the history.", r.Experiment, r.Host))
	}
	last := r.Nights[len(r.Nights)-1]
	notes = append(notes, fmt.Sprintf("%s on host %s: %d nights, from %s to %s.", r.Experiment, r.Host, len(r.Nights), night(r.Nights[0].When), night(last.When)))
	unfit := 0
	for _, n := range r.Nights {
		if len(n.NotFit) > 0 {
			unfit++
		}
	}
	if unfit > 0 {
		notes = append(notes, fmt.Sprintf("The host was not fit in %d nights; they take no part.", unfit))
	}
	return notes
}

// Changes has a row for each change of each series.
func Changes(r history.Review) Table {
	t := Table{Title: "Changes over all nights", Header: []string{"since", "cell", "metric", "before", "after", "change (95 % interval)", "p", "what else changed", "accepted"}}
	for _, s := range r.Series {
		for _, c := range s.Changes {
			accepted := none
			if c.Accepted != nil {
				accepted = c.Accepted.Reason
			}
			t.Rows = append(t.Rows, []string{sinceOf(c), cellOf(s.Cell), metricName(s.Metric), figure(s.Unit, c.Before), figure(s.Unit, c.After),
				changed(s.Unit, c.Before, c.After, c.Ratio, c.Interval), pValue(c.P), Why(c.Causes, c.Moved), accepted})
		}
	}
	if len(t.Rows) == 0 {
		t.Notes = []string{"No series changed."}
		return t
	}
	t.Notes = []string{"What the checks of these nights were sure of, with the sizes that all nights give. p: of the night that raised it, adjusted for all series. What else changed then need not be the cause."}
	return t
}

// sinceOf is the night of a step, or the days of a drift.
func sinceOf(c history.Change) string {
	if c.Until == nil {
		return night(c.Since.When)
	}
	return day(c.Since.When) + " to " + day(c.Until.When) + ", a drift"
}

// Series has a row for each series.
func Series(r history.Review) Table {
	t := Table{Title: "Series", Header: []string{"cell", "metric", "nights", "segments", "first", "last", "in the newest run", "varies in a night", "from night to night"}}
	for _, s := range r.Series {
		nights, last := 0, s.Points[len(s.Points)-1]
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
		t.Rows = append(t.Rows, append([]string{cellOf(s.Cell), metricName(s.Metric), strconv.Itoa(nights), parts, first, end, figure(s.Unit, last.Value)}, noise(s.Noise)...))
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Varies: standard deviation between the trials of a cell in a night, and between nights beyond that, within segments."}
	}
	return t
}

func noise(n *history.Noise) []string {
	if n == nil {
		return []string{none, none}
	}
	return []string{spread(n.InNight), spread(n.ByNight)}
}

// spread prints a standard deviation of logarithms: "4.1 %".
func spread(v study.Value) string {
	if !v.Finite() {
		return none
	}
	return fmt.Sprintf("%.1f %%", 100*float64(v))
}

// SeriesName is what a series is of: "setup of podman serial".
func SeriesName(s history.SeriesReview) string { return metricName(s.Metric) + " of " + cellOf(s.Cell) }

// ChangeSize is how large a change is: "+30 %".
func ChangeSize(u study.Unit, c history.Change) string {
	return changed(u, c.Before, c.After, c.Ratio, study.Interval{Lower: undefined, Upper: undefined})
}

// ChangeText is a change in a sentence.
func ChangeText(s history.SeriesReview, c history.Change) string {
	when := c.Since.When.UTC().Format("2 Jan 2006")
	if c.Until != nil {
		when += " to " + c.Until.When.UTC().Format("2 Jan 2006") + ", a drift"
	}
	text := fmt.Sprintf("%s: %s → %s (%s); %s", when, figure(s.Unit, c.Before), figure(s.Unit, c.After), ChangeSize(s.Unit, c), Why(c.Causes, c.Moved))
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

// tidyFindings has a change a row.
func tidyFindings(c history.Check) [][]string {
	rows := [][]string{{"verdict", "kind", "shape", "certainty", "id", "cell", "metric", "unit", "before", "after", "ratio", "lower", "upper", "p", "since_run_id", "raised_run_id", "what_else_changed"}}
	for _, f := range c.Findings {
		rows = append(rows, []string{string(c.Verdict), string(f.Kind), f.Shape, f.Certainty, f.ID, f.Cell.Key(), string(f.Metric), string(f.Unit),
			number(f.Before), number(f.After), number(f.Ratio), number(f.Interval.Lower), number(f.Interval.Upper), number(f.P),
			f.Since.RunID, f.Raised.RunID, whyFinding(f)})
	}
	if len(c.Findings) == 0 {
		rows = append(rows, append([]string{string(c.Verdict)}, make([]string, len(rows[0])-1)...))
	}
	return rows
}
