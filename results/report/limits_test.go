package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// TestLimits: twice the longest, of trials that became ready alone.
func TestLimits(t *testing.T) {
	run := results.Run{}
	for i := range 12 {
		setup, length := trial.Seconds(time.Minute), trial.Seconds(40+i)*trial.Seconds(time.Second)
		r := results.Record{Schema: results.Schema, Kind: results.KindTrial, Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK},
			Trial: trial.Trial{ID: fmt.Sprint("t", i), Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}},
			Spans: []trial.Span{{Name: "build", Phase: trial.PhaseBuild, End: length}}}
		if i == 3 {
			r.Silences = []trial.Silence{{Phase: trial.PhaseBuild, Start: 0, End: trial.Seconds(16 * time.Second)}}
		}
		run.Records = append(run.Records, r)
	}
	failed := run.Records[0]
	failed.Trial.ID = "failed"
	failed.Setup, failed.Verdict = nil, trial.Verdict{Outcome: trial.DeployFailed, Phase: trial.PhaseDeploy}
	failed.Spans = []trial.Span{{Name: "build", Phase: trial.PhaseBuild, End: trial.Seconds(time.Hour)}}
	run.Records = append(run.Records, failed)

	table := report.Limits(study.Gather([]results.Run{run}))
	if len(table.Rows) != 1 || !slices.Equal(table.Rows[0], []string{"build", "12", "51.0 s", "2m", "16.0 s", "1m"}) {
		t.Fatalf("got %q", table.Rows)
	}
	notes := strings.Join(table.Notes, "\n")
	for _, want := range []string{"at most 22.1 % of set-ups", "limits: {phase: {build: 2m}, silence: {build: 1m}}"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes say nothing of %q:\n%s", want, notes)
		}
	}
}
