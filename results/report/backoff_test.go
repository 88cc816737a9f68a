package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func TestBackOffs(t *testing.T) {
	setup, second := trial.Seconds(time.Minute), trial.Seconds(time.Second)
	record := func(id string, spans ...trial.Span) results.Record {
		return results.Record{Schema: results.Schema, Kind: results.KindTrial, Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK}, Spans: spans,
			Trial: trial.Trial{ID: id, Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}}}
	}
	waits := func(from, to trial.Seconds) trial.Span {
		return trial.Span{Name: "pod till " + trial.InBackOff, Step: "pod till", Phase: trial.PhaseDeploy, Start: from * second, End: to * second}
	}
	none := results.Run{Records: []results.Record{record("t1")}}
	if got := report.BackOffs(study.Gather([]results.Run{none})); got != nil {
		t.Errorf("got %q", got)
	}
	some := results.Run{Records: []results.Record{record("t1", waits(1, 4)), record("t2", waits(1, 4), waits(6, 14)), record("t3")}}
	got := strings.Join(report.BackOffs(study.Gather([]results.Run{some})), "\n")
	if !strings.HasPrefix(got, "In 2 of 3 set-ups") || !strings.Contains(got, "pod till up to 11.0 s (t2)") {
		t.Errorf("got %q", got)
	}
}
