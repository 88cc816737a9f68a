package report_test

import (
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// wentOn is a run in which parallel lost its engine twice and went on.
func wentOn() results.Run {
	run := everyKind()
	n := 0
	for i := range run.Records {
		r := &run.Records[i]
		if r.Crash != nil {
			n++
			r.Crash.Cause = trial.CauseOOM
			r.Spans = []trial.Span{
				{Name: "build", Phase: trial.PhaseBuild, End: 2e9, Unfinished: true},
				{Name: "crash", Phase: trial.PhaseBuild, Start: 1e9, End: 2e9, Error: "engine-crash, cause oom"},
				{Name: "recovery", Start: 2e9, End: 3e9},
				{Name: "build", Phase: trial.PhaseBuild, Start: 3e9, End: 9e9},
				{Name: "build api", Phase: trial.PhaseBuild, Image: "api", Start: 3e9, End: 9e9},
			}
		}
	}
	if n != 2 {
		panic("the run of all kinds has no two crashes that were survived")
	}
	return run
}

func TestACrashOnTheWayIsCountedApart(t *testing.T) {
	run := wentOn()
	var trials, cells strings.Builder
	if err := report.Trials(run).Write(&trials, report.FormatTable); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(trials.String(), "ok, after engine-crash in build"); n != 2 {
		t.Errorf("%d trials went on after a crash in\n%s", n, trials.String())
	}
	if err := report.Run(run).Write(&cells, report.FormatTable); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(cells.String(), "6 ok, 1 of them after a crash"); n != 2 {
		t.Errorf("%d cells have one in\n%s", n, cells.String())
	}
	gathered := study.Gather([]results.Run{run})
	a, err := answer.Of(gathered, 0)
	if err != nil {
		t.Fatal(err)
	}
	table := report.StrategyTable(a)
	if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, "parallel lost the engine in 2 of 12 trials and went on") {
		t.Errorf("notes: %s", notes)
	}
	for _, s := range a.Strategies {
		if s.Name == "parallel" && (s.Failed != 0 || s.N != 12 || s.Crashed != 2) {
			t.Errorf("a trial that became ready failed: %+v", s)
		}
	}
	for _, o := range gathered.Trials {
		if o.Record.Crash == nil {
			continue
		}
		if _, whole := study.Metric(trial.PhaseBuild).Of(o); whole {
			t.Error("a build phase that was begun twice has a time")
		}
		if setup, ok := study.MetricSetup.Of(o); !ok || setup != o.Record.Setup.Duration().Seconds() {
			t.Errorf("the time to ready is %v", setup)
		}
	}
}

func TestAFaultIsTakenForWhatTheTrialWentOnAfter(t *testing.T) {
	at := trial.Seconds(1e9)
	run := results.Run{Dir: "run", Records: []results.Record{{Kind: results.KindTrial, Verdict: trial.Verdict{Outcome: trial.OK},
		Crash: &trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild, Evidence: []trial.Evidence{{Rule: trial.RuleWatch, At: 2e9}}},
		Fault: &results.Injected{Name: "engine-kill", Truth: []trial.Outcome{trial.EngineCrash}, Phase: trial.PhaseBuild, At: &at}}}}
	table := report.Faults([]results.Run{run})
	if got := strings.Join(table.Rows[0], "|"); !strings.Contains(got, "1 engine-crash|1 of 1|") || !strings.Contains(got, "1.00 s") {
		t.Errorf("got %s", got)
	}
}
