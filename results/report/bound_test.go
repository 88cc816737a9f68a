package report_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func TestBounds(t *testing.T) {
	cell := func(strategy string, b study.LowerBound) study.CellSummary {
		return study.CellSummary{Cell: study.Cell{Cell: trial.Cell{{Factor: "strategy", Level: strategy}}}, LowerBound: b}
	}
	table := report.Bounds(study.Analysis{Factors: []trial.Factor{{Name: "strategy"}}, Cells: []study.CellSummary{
		cell("registry", study.LowerBound{Trial: "t1", Setup: 31.2, Bound: 23.8, By: study.ByProcessors, Ratio: 31.2 / 23.8,
			Rest: []study.Rest{{During: "deploy", Seconds: 4.1}, {During: "cluster", Seconds: 3.2}, {During: "load", Seconds: 0.05}}, Unknown: []string{"critical path: no phases are recorded"}}),
		cell("bare", study.LowerBound{Trial: "t2", Setup: 30, Bound: study.Value(math.NaN()), Unknown: []string{"critical path: no phases are recorded"}}),
		cell("failed", study.LowerBound{Bound: study.Value(math.NaN())}),
	}})
	if len(table.Rows) != 2 || !slices.Equal(table.Rows[1], []string{"bare", "30.0 s", "–", "–", "–", "–"}) || !slices.Equal(table.Rows[0], []string{"registry", "31.2 s", "23.8 s", "processors", "1.31 ×", "deploy 4.10 s, cluster 3.20 s"}) {
		t.Errorf("got %q", table.Rows)
	}
	notes := strings.Join(table.Notes, "\n")
	if want := "Not in the bound of 2 combinations: critical path: no phases are recorded."; !strings.Contains(notes, want) {
		t.Errorf("the notes say nothing of %q:\n%s", want, notes)
	}
}
