package report_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func TestPredictionsAreHeldAgainstWhatWasMeasured(t *testing.T) {
	seconds := func(n int) trial.Seconds { return trial.Seconds(time.Duration(n) * time.Second) }
	var run results.Run
	for i, c := range []struct {
		start           trial.ClusterStart
		predicted, took int
	}{{trial.ClusterBefore, 40, 50}, {trial.ClusterBefore, 40, 40}, {trial.ClusterBefore, 40, 60}, {trial.ClusterWith, 40, 400}, {trial.ClusterBefore, 0, 50}} {
		setup := seconds(c.took)
		r := results.Record{
			Kind: results.KindTrial, Trial: trial.Trial{ID: string(rune('a' + i)), Block: i + 1, Cell: trial.Cell{{Factor: "strategy", Level: "parallel"}}},
			Verdict: trial.Verdict{Outcome: trial.OK}, Setup: &setup, Machine: results.Machine{Runtime: "docker"},
			Spans: []trial.Span{{Name: "build", Phase: trial.PhaseBuild, End: setup}},
		}
		r.Settings, _ = json.Marshal(map[string]any{"strategy": "parallel", "clusterStart": c.start})
		if c.predicted > 0 {
			r.Predicted = &results.Predicted{Build: seconds(c.predicted), Peak: 1 << 30}
		}
		run.Records = append(run.Records, r)
	}
	got := report.Predictions(study.Gather([]results.Run{run})).Rows
	if len(got) != 1 || !slices.Equal(got[0], []string{"docker", "parallel", "3", "40.0 s", "50.0 s", "1.25"}) {
		t.Errorf("got %q", got)
	}
}

func TestAClusterFromBeforeIsSaid(t *testing.T) {
	age := trial.Seconds(time.Hour)
	r := results.Record{Kind: results.KindTrial, Trial: trial.Trial{ID: "t001", Block: 1}, Verdict: trial.Verdict{Outcome: trial.OK}, Setup: &age,
		Machine: results.Machine{ClusterAge: &age}}
	run := results.Run{Records: []results.Record{r}}
	if lead := report.Lead(study.Gather([]results.Run{run})); len(lead) != 2 || !strings.HasPrefix(lead[1], "1 of them started a cluster") {
		t.Errorf("the report says %q", lead)
	}
	if notes := strings.Join(report.Trial(run, r).Lead, "\n"); !strings.Contains(notes, "created 60 min 00 s before") {
		t.Errorf("the trial's table says %q", notes)
	}
}
