package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results/study"
)

// mostRest are how many parts of the time beyond a bound are named.
const mostRest = 3

// Bounds holds set-ups against the least time that their machine allows.
func Bounds(a study.Analysis) Table {
	t := Table{Title: "What the machine could do", Header: append(factorNames(a), "set-up", "least", "by", "set-up / least", "the rest")}
	unknown := map[string]int{}
	var reasons []string
	for _, c := range a.Cells {
		b := c.LowerBound
		if b.Trial == "" {
			continue
		}
		for _, why := range b.Unknown {
			if unknown[why]++; !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
		}
		row := append(levels(c.Cell.Cell), duration(b.Setup), none, none, none, none)
		if t.Rows = append(t.Rows, row); !b.Bound.Finite() {
			continue
		}
		var rest []string
		for i, r := range b.Rest {
			if i < mostRest && r.Seconds >= 0.1 {
				rest = append(rest, r.During+" "+duration(r.Seconds))
			}
		}
		copy(row[len(row)-4:], []string{duration(b.Bound), b.By, fmt.Sprintf("%.2f ×", float64(b.Ratio)), orNone(strings.Join(rest, ", "))})
	}
	t.Notes = []string{"Of the trial with the median set-up time. Least: the longest of the critical path (the cluster or the longest image alone; then load; then deployment; each as fast as it ever was with another strategy), " +
		"the processor time over the processors, and the bytes over the fastest second of the disk. The rest: time beyond that, by the phases in which it passed."}
	for _, why := range reasons {
		t.Notes = append(t.Notes, fmt.Sprintf("Not in the bound of %d %s: %s.", unknown[why], noun(unknown[why], "combination"), why))
	}
	return t
}
