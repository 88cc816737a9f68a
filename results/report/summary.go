package report

import (
	"fmt"
	"io"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
)

// CheckSummary writes a check as Markdown that is fit for the summary of a CI
// job and for a comment on a change: the verdict, what is worse, and the rest
// folded away.
func CheckSummary(w io.Writer, c history.Check) error {
	fmt.Fprintf(w, "### stratbench check: %s\n\n", verdictWords[c.Verdict])
	for _, n := range checkNotes(c) {
		fmt.Fprintf(w, "%s\n\n", n)
	}
	worse, rest := c, c
	worse.Findings, rest.Findings = nil, nil
	for _, f := range c.Findings {
		if f.Kind == history.FindingImprovement || f.Kind == history.FindingRefuted {
			rest.Findings = append(rest.Findings, f)
		} else {
			worse.Findings = append(worse.Findings, f)
		}
	}
	if len(worse.Findings) > 0 {
		if err := Findings(worse).Write(w, FormatMarkdown); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if len(rest.Findings) > 0 {
		if err := folded(w, "Improvements, and what was refuted", Table{Header: Findings(rest).Header, Rows: Findings(rest).Rows}); err != nil {
			return err
		}
	}
	return folded(w, "Every series in this run", Tonight(c))
}

func folded(w io.Writer, title string, t Table) error {
	if len(t.Rows) == 0 {
		return nil
	}
	fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", title)
	if err := t.Write(w, FormatMarkdown); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, "\n</details>\n\n")
	return err
}

// Tonight has a row for each series: what it was in the judged run.
func Tonight(c history.Check) Table {
	t := Table{Title: "In this run", Header: []string{"cell", "metric", "trials", "typical"}}
	for _, s := range c.Series {
		value := figure(s.Unit, s.Value)
		if s.Unit == study.UnitShare && s.N > 0 {
			value = fmt.Sprintf("%d of %d", s.Bad, s.N)
		}
		t.Rows = append(t.Rows, []string{cellOf(s.Cell), metricName(s.Metric), fmt.Sprint(s.N), value})
	}
	return t
}
