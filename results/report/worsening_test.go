package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/simulated"
)

func TestWorseningSaysWhatWasComparedAndTheAnswer(t *testing.T) {
	arm := func(level string, median float64) simulated.Arm {
		return simulated.Arm{Median: median, Spread: 0.01, Cell: trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: results.StateFactor, Level: level}}}
	}
	run := simulated.Run([]simulated.Arm{arm(results.LastGood, 100), arm(results.Present, 150)}, 6, 1)
	run.Environment.States = []results.State{{Level: results.LastGood, RunID: "20260102-030405-nightly", GitRevision: "abc", NotUndone: []string{"kernel 6.1 → 6.2"}},
		{Level: results.Present, GitRevision: "def", GitDirty: true}}
	w, err := analyse.Gather([]results.Run{run}).Worsening(results.StateFactor, results.LastGood, results.Present, []analyse.Metric{analyse.MetricSetup})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Worsening(run, w).Write(&b, report.FormatMarkdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| podman | setup    | 6, 6 |", "| 0.016 | 0.016    | WORSE     |", "| build    | 6, 6 |", "not asked",
		`State "last good": revision abc, of run 20260102-030405-nightly`, "the same in both states here: kernel 6.1 → 6.2",
		`State "present": revision def with uncommitted changes`, `CONFIRMED: "present" is worse than "last good".`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
