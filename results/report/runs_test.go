package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// everyKind is a run with every kind of record: what must not enter a figure has
// times that would change it.
func everyKind() results.Run {
	run := results.Run{Dir: "run"}
	add := func(kind results.Kind, id string, cell trial.Cell, block int, seconds float64, o trial.Outcome) *results.Record {
		r := results.Record{Kind: kind, Trial: trial.Trial{ID: id, Cell: cell, Block: block, Position: len(run.Records) + 1},
			Settings: []byte("{}"), Verdict: trial.Verdict{Outcome: o}, Elapsed: trial.Seconds((seconds + 2.5) * 1e9), Attempt: 1,
			Samples: []trial.Sample{{Memory: 3 << 30}}}
		if setup := trial.Seconds(seconds * 1e9); o == trial.OK && kind == results.KindTrial {
			r.Setup = &setup
			r.Tests = []trial.TestResult{{Name: "a", Status: trial.TestPass}, {Name: "b", Status: trial.TestFail}}
		}
		if o == trial.EngineCrash {
			r.Verdict.Phase, r.Verdict.TimedOut = trial.PhaseBuild, true
			r.Spans = []trial.Span{{Name: "machine", End: 1e9}, {Name: "teardown", Start: trial.Seconds(seconds * 1e9), End: r.Elapsed}}
		}
		run.Records = append(run.Records, r)
		return &run.Records[len(run.Records)-1]
	}
	cell := func(engine, strategy string) trial.Cell {
		return trial.Cell{{Factor: "runtime", Level: engine}, {Factor: "strategy", Level: strategy}}
	}
	for i, engine := range []string{"docker", "podman"} {
		add(results.KindPreparation, fmt.Sprintf("p%03d", i), cell(engine, "registry"), 0, 33, trial.OK)
	}
	add(results.KindTrial, "t000", cell("podman", "serial"), 0, 1, trial.OK).Trial.WarmUp = true
	for block := 1; block <= 6; block++ {
		add(results.KindReference, fmt.Sprintf("r%03d", block), nil, block, 2.2, trial.OK)
		for i, strategy := range []string{"serial", "parallel", "registry"} {
			for j, engine := range []string{"docker", "podman"} {
				id := fmt.Sprintf("t%d%d%d", block, i, j)
				outcome := trial.OK
				if strategy == "serial" && engine == "podman" && block%2 == 0 {
					outcome = trial.EngineCrash
				}
				if block == 3 {
					add(results.KindTrial, id, cell(engine, strategy), block, 5, trial.Cancelled)
				}
				rec := add(results.KindTrial, id, cell(engine, strategy), block, []float64{60, 50, 30}[i]+float64(block*7%5)/3, outcome)
				if strategy == "parallel" && block == 2 {
					rec.Crash = &trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild}
				}
			}
		}
		add(results.KindTrial, fmt.Sprintf("f%d", block), cell("docker", "registry"), block, 900, trial.EngineCrash).Fault = &results.Injected{Name: "crash"}
	}
	for _, r := range run.Trials() {
		run.Plan.Trials = append(run.Plan.Trials, r.Trial)
	}
	for _, engine := range []string{"docker", "podman"} {
		for _, strategy := range []string{"serial", "parallel", "registry"} {
			run.Plan.Cells = append(run.Plan.Cells, cell(engine, strategy))
		}
	}
	return run
}

func TestPublishedTrialsGiveTheSameAnswer(t *testing.T) {
	run := everyKind()
	var table bytes.Buffer
	if err := report.Trials(run).Write(&table, report.FormatCSV); err != nil {
		t.Fatal(err)
	}
	again, err := observations.Parse("run.csv", table.Bytes())
	if err != nil {
		t.Fatalf("%v in:\n%s", err, table.String())
	}
	if len(again.Records) != len(run.Records) || len(again.Trials()) != len(run.Trials()) || len(again.Done(results.KindReference)) != 6 || len(again.Done(results.KindPreparation)) != 2 {
		t.Errorf("%d records again, %d before", len(again.Records), len(run.Records))
	}
	documents := map[string]string{}
	for name, r := range map[string]results.Run{"records": run, "table": again} {
		gathered := study.Gather([]results.Run{r})
		a, err := answer.Of(gathered, 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(struct {
			Answer answer.Answer
			Cells  []study.Cell
		}{a, study.Cells(run.Plan.Cells, r.Trials())}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		documents[name] = string(text)
	}
	if documents["records"] != documents["table"] {
		t.Errorf("by the records:\n%s\nby the table:\n%s\nwhich is\n%s", documents["records"], documents["table"], table.String())
	}
}

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
	if got := strings.Join(table.Rows[0], "|"); !strings.Contains(got, "1 engine-crash, then 1 ready|1 of 1|") || !strings.Contains(got, "1.00 s") {
		t.Errorf("got %s", got)
	}
}
