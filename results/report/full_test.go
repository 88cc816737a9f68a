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
	"github.com/stratbench/stratbench/results/simulated"
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
	for _, want := range []string{"At most 22.1 % of set-ups", "limits: {phase: {build: 2m}, silence: {build: 1m}}"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes say nothing of %q:\n%s", want, notes)
		}
	}
}

// A table of trials may have no phases, no tests or no memory.
func TestColumnsWithoutAFigureAreLeftOut(t *testing.T) {
	run := simulated.Run([]simulated.Arm{{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 100}}, 3, 1)
	s := study.Gather([]results.Run{run})
	tables := report.Appendices(s, s.Analyse(), nil)
	at := slices.IndexFunc(tables, func(t report.Table) bool { return strings.HasPrefix(t.Title, "Phases") })
	if got := tables[at]; !slices.Equal(got.Header, []string{"strategy", "cluster", "build", "load", "deploy"}) || len(got.Rows[0]) != 5 || strings.Contains(got.Notes[0], "Memory") {
		t.Errorf("%q, %q, %q", got.Header, got.Rows, got.Notes)
	}
	for i := range run.Records {
		run.Records[i].Spans, run.Records[i].Samples = nil, []trial.Sample{{Memory: 1 << 30}}
	}
	s = study.Gather([]results.Run{run})
	tables = report.Appendices(s, s.Analyse(), nil)
	at = slices.IndexFunc(tables, func(t report.Table) bool { return strings.HasPrefix(t.Title, "Phases") })
	if got := tables[at]; !slices.Equal(got.Header, []string{"strategy", "peak memory"}) || !strings.HasPrefix(got.Notes[0], "Memory") {
		t.Errorf("%q, %q", got.Header, got.Notes)
	}
}

func TestHostSpeedIsALineAndAWarning(t *testing.T) {
	run := simulated.Run(simulated.Matrix()[:2], 3, 1)
	for i, seconds := range []trial.Seconds{2e9, 224e7, 21e8} {
		run.Records = append(run.Records, results.Record{Kind: results.KindReference, Simulated: true, Settings: []byte("{}"),
			Trial: trial.Trial{ID: "r", Block: i + 1}, Elapsed: seconds, Verdict: trial.Verdict{Outcome: trial.OK}})
	}
	a := study.Gather([]results.Run{run}).Analyse()
	text := strings.Join(append(report.Doubts(a), report.RunNotes(a)...), "\n")
	for _, want := range []string{
		"Host speed varied 12 % between 3 measurements before blocks of run simulated",
		"Host speed, run simulated: the reference workload took 2.00 s to 2.24 s, 3 times, a spread of 12 %.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestExports(t *testing.T) {
	second := trial.Seconds(time.Second)
	record := func(id string, lengths ...trial.Seconds) results.Record {
		r := results.Record{Schema: results.Schema, Kind: results.KindTrial, Setup: &second, Verdict: trial.Verdict{Outcome: trial.OK},
			Machine: results.Machine{Runtime: "podman"}, Trial: trial.Trial{ID: id, Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}}}
		for _, length := range lengths {
			r.Spans = append(r.Spans, trial.Span{Name: trial.ExportStep, Step: trial.ExportStep, Image: "a", Phase: trial.PhaseBuild, End: length})
		}
		return r
	}
	none := results.Run{Records: []results.Record{record("t1")}}
	if got := report.Exports(study.Gather([]results.Run{none})); got != nil {
		t.Errorf("got %q", got)
	}
	some := results.Run{Records: []results.Record{record("t1", 3*second, 2*second), record("t2"), record("t3", 9*second)}}
	got := strings.Join(report.Exports(study.Gather([]results.Run{some})), "\n")
	if !strings.HasPrefix(got, "Exporting the build cache took 7.00 s (5.00 s to 9.00 s), all images together, in 2 trials of podman.") {
		t.Errorf("got %q", got)
	}
}

func TestUnseen(t *testing.T) {
	record := func(spans ...trial.Span) results.Record {
		return results.Record{Schema: results.Schema, Kind: results.KindTrial, Verdict: trial.Verdict{Outcome: trial.OK}, Spans: spans,
			Trial: trial.Trial{ID: "t1", Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}}}
	}
	for want, r := range map[string]results.Record{"": record(), "In 1 trial a command made the whole set-up": record(trial.Span{Name: trial.SetupSpan})} {
		if got := strings.Join(report.Unseen(study.Gather([]results.Run{{Records: []results.Record{r}}})), "\n"); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWaits(t *testing.T) {
	setup, second := trial.Seconds(time.Minute), trial.Seconds(time.Second)
	record := func(id string, spans ...trial.Span) results.Record {
		return results.Record{Schema: results.Schema, Kind: results.KindTrial, Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK}, Spans: spans,
			Trial: trial.Trial{ID: id, Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}}}
	}
	waits := func(from, to trial.Seconds) trial.Span {
		return trial.Span{Name: "pod till " + trial.InBackOff, Step: "pod till", Phase: trial.PhaseDeploy, Start: from * second, End: to * second}
	}
	none := results.Run{Records: []results.Record{record("t1")}}
	if got := report.Waits(study.Gather([]results.Run{none})); got != nil {
		t.Errorf("got %q", got)
	}
	some := results.Run{Records: []results.Record{record("t1", waits(1, 4)), record("t2", waits(1, 4), waits(6, 14)), record("t3")}}
	got := strings.Join(report.Waits(study.Gather([]results.Run{some})), "\n")
	if !strings.HasPrefix(got, "In 2 of 3 set-ups") || !strings.Contains(got, "pod till up to 11.0 s (t2)") {
		t.Errorf("got %q", got)
	}
	of := func(name string, from, to trial.Seconds) trial.Span {
		return trial.Span{Name: name, Phase: trial.PhaseDeploy, Start: from * second, End: to * second}
	}
	long := func(id string, dns trial.Seconds) results.Record {
		return record(id, of("deploy", 0, 10), of("pod coredns runs and is not ready", 1, dns), of("pod coredns runs and is not ready", 1, 2), of("pod till starts", 1, 2))
	}
	slow := results.Run{Records: []results.Record{long("t1", 7), long("t2", 8), long("t3", 9), record("t4", of("deploy", 0, 3))}}
	got = strings.Join(report.Waits(study.Gather([]results.Run{slow})), "\n")
	if !strings.HasPrefix(got, "In 3 of 4 set-ups, pods waited long for something; these deployments took 10.0 s in the median, the others 3.00 s. Longest: coredns runs and is not ready (3 times, 7.00 s). No name is resolved") {
		t.Errorf("got %q", got)
	}
}
