package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func TestRatesAreNeverBare(t *testing.T) {
	for want, r := range map[string]study.Rate{
		"0 of 5: 0–52 %":       {Events: 0, Trials: 5, Interval: study.Interval{Lower: 0, Upper: 0.5218}},
		"2 of 2: 16–100 %":     {Events: 2, Trials: 2, Interval: study.Interval{Lower: 0.1581, Upper: 1}},
		"0 of 999: 0–0.4 %":    {Events: 0, Trials: 999, Interval: study.Interval{Lower: 0, Upper: 0.00369}},
		"4 of 5: 28–99.5 %":    {Events: 4, Trials: 5, Interval: study.Interval{Lower: 0.2836, Upper: 0.9949}},
		"1 of 2: 0.03–99.97 %": {Events: 1, Trials: 2, Interval: study.Interval{Lower: 0.0003, Upper: 0.9997}},
		"–":                    {},
	} {
		if got := report.Rate(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A cell that was planned or refused and never run is in every table as not
// tested, with the reason, and ranked in none.
func TestWhatWasNotRunIsListed(t *testing.T) {
	run := simulated.Run(simulated.Matrix()[:3], 3, 1)
	planned, refused := simulated.Matrix()[3].Cell, simulated.Matrix()[4].Cell
	run.Plan.Cells = append(run.Plan.Cells, planned)
	run.Plan.Refused = []results.Refusal{{Cell: refused, Reason: "no machine has 7 GiB"}}
	s := study.Gather([]results.Run{run})
	a := s.Analyse()
	table, listed := report.Outcomes(a), 0
	for _, row := range table.Rows {
		if slices.Contains(row, "not tested") {
			listed++
		}
	}
	if len(table.Rows) != 5 || listed != 2 {
		t.Errorf("%d rows, %d not tested", len(table.Rows), listed)
	}
	if notes := strings.Join(table.Notes, " "); !strings.Contains(notes, "no machine has 7 GiB") {
		t.Errorf("notes: %s", notes)
	}
	first, err := answer.Of(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Strategies) != 3 || len(first.Decisions[0].Arms) > 3 {
		t.Errorf("what was not run is ranked: %+v", first.Strategies)
	}
}

// A level of any name keeps a Markdown table in shape, and is one part of a
// benchmark's name.
func TestNamesAreKeptApart(t *testing.T) {
	arms := []simulated.Arm{{Cell: trial.Cell{{Factor: "strategy", Level: "two, <b>a|b</b>/c"}, {Factor: "runtime", Level: "podman"}}, Median: 100}}
	s := study.Gather([]results.Run{simulated.Run(arms, 2, 1)})
	var page, benchmarks bytes.Buffer
	if err := errors.Join(report.Outcomes(s.Analyse()).Write(&page, report.FormatMarkdown), report.Benchmarks(&benchmarks, s)); err != nil {
		t.Fatal(err)
	}
	if want := `| two, &lt;b>a\|b&lt;/b>/c | podman `; !strings.Contains(page.String(), want) {
		t.Errorf("no %q in:\n%s", want, page.String())
	}
	for _, want := range []string{"simulated: true\n", "BenchmarkSetup/strategy=two,_<b>a|b<_b>_c/runtime=podman 1 "} {
		if !strings.Contains(benchmarks.String(), want) {
			t.Errorf("no %q in:\n%s", want, benchmarks.String())
		}
	}
}

// A bound in a Markdown table is no tag.
func TestABoundIsNoTag(t *testing.T) {
	var b bytes.Buffer
	table := report.Table{Header: []string{"p"}, Rows: [][]string{{"<0.0001"}, {">0.99"}}}
	if err := table.Write(&b, report.FormatMarkdown); err != nil || !strings.Contains(b.String(), "| <0.0001 |") {
		t.Errorf("%v:\n%s", err, b.String())
	}
}

// Trials that are named stand in one footnote a kind, not in one a cell.
func TestTrialsShareAFootnote(t *testing.T) {
	a := study.Analysis{Factors: []trial.Factor{{Name: "strategy"}}}
	for i := range 10 {
		id := fmt.Sprintf("t%02d", i)
		c := study.CellSummary{Cell: study.Cell{Cell: trial.Cell{{Factor: "strategy", Level: id}}, N: 2}}
		c.Warnings = []study.Warning{{Kind: study.HostBusy, Count: 2, Trials: []string{id + "a", id + "b"}}}
		a.Cells = append(a.Cells, c)
	}
	table := report.Outcomes(a)
	if note := table.Notes[0]; !strings.Contains(note, "[1] the host was busy just before t00a, t00b, t01a") || !strings.HasSuffix(note, "and 8 more") {
		t.Error(note)
	}
	if strings.HasPrefix(table.Notes[1], "[2]") || !strings.Contains(table.Rows[9][1], "[1]") {
		t.Errorf("%q, %q", table.Notes[1], table.Rows[9])
	}
}

// What failures go with is said in a sentence, and what cannot be told.
func TestWhyFailed(t *testing.T) {
	a := answer.Answer{Trials: 20, Failed: 8, Causes: []compare.Cause{
		{Factor: "memory", Level: "3GiB", Failed: 8, N: 10, OtherN: 10, P: 0.00002}, {Factor: "strategy", Level: "parallel", P: 0.6}, {Factor: "host", P: study.Value(math.NaN())}}}
	want := "Failures go with memory 3GiB: 8 of 10 failed there, 0 of 10 otherwise (p < 0.0001, exact, all else equal, over all factors).\n" +
		"Not tested: host, which never varied with all else equal."
	if got := strings.Join(report.WhyFailed(a), "\n"); got != want {
		t.Errorf("got %s", got)
	}
	a.Causes = a.Causes[1:2]
	if got := report.WhyFailed(a); len(got) != 1 || !strings.HasPrefix(got[0], "8 of 20 trials failed. No factor was shown") {
		t.Errorf("too few to tell: %q", got)
	}
}

func TestForesight(t *testing.T) {
	f := answer.Foresight{RuledOut: 0.04, Settled: 12, Strategies: 4, Places: 6, Noise: 0.06, Indifference: 0.1}
	text := strings.Join(report.Foresight(f, 5, 10*time.Minute), " ")
	for _, want := range []string{"vary by 6 %: an assumption", "5 blocks at 6 places rule out a strategy that takes about 4 % longer", "equally fast, within 10 %", "about 12 blocks without a failure (2 h 00 min); with stop: decided"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	f.Seen, f.RuledOut = true, study.Value(math.Inf(1))
	if text := strings.Join(report.Foresight(f, 20, time.Minute), " "); !strings.Contains(text, "as earlier runs") || !strings.Contains(text, "can rule out no strategy") || strings.Contains(text, "stop: decided") {
		t.Error(text)
	}
}

// A confirmation shows effect, interval and verdict, with what could not be
// undone.
func TestAConfirmation(t *testing.T) {
	var arms []simulated.Arm
	for _, level := range []string{results.LastGood, results.Present} {
		cell := trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: results.StateFactor, Level: level}}
		arms = append(arms, simulated.Arm{Cell: cell, Median: map[string]float64{results.LastGood: 100, results.Present: 150}[level], Spread: 0.03})
	}
	run := simulated.Run(arms, 6, 1)
	run.Environment.States = []results.State{
		{Level: results.LastGood, GitRevision: "abc", RunID: "20260102-030405-nightly", NotUndone: []string{"kernel 6.1 → 6.2"}},
		{Level: results.Present, GitRevision: "def", GitDirty: true}}
	w, err := answer.Worsened(study.Gather([]results.Run{run}), results.StateFactor, results.LastGood, results.Present, []study.Metric{study.MetricSetup})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Worsening(run, w).Write(&b, report.FormatMarkdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| podman | setup    | 6, 6 |", " | 0.016 | WORSE     |", "| build    | 6, 6 |", "not asked",
		`State "last good": revision abc, of run 20260102-030405-nightly`, "the same in both states here: kernel 6.1 → 6.2",
		`State "present": revision def with uncommitted changes`, `CONFIRMED: "present" is worse than "last good".`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestBeforehand(t *testing.T) {
	prepared := func(runtime string, took time.Duration, outcome trial.Outcome) results.Record {
		return results.Record{Kind: results.KindPreparation, Elapsed: trial.Seconds(took), Verdict: trial.Verdict{Outcome: outcome},
			Trial: trial.Trial{Cell: trial.Cell{{Factor: "runtime", Level: runtime}, {Factor: "memory", Level: "7GiB"}, {Factor: "strategy", Level: "registry"}}}}
	}
	run := results.Run{Records: []results.Record{
		prepared("docker", 33*time.Second, trial.OK), prepared("podman", 41*time.Second, trial.OK),
		prepared("docker", 34*time.Second, trial.OK), prepared("podman", time.Second, trial.EngineCrash), {Kind: results.KindTrial},
		{Kind: results.KindCluster, Elapsed: 1, Verdict: trial.Verdict{Outcome: trial.OK}},
		{Kind: results.KindBuildCache, Elapsed: trial.Seconds(20 * time.Second), Verdict: trial.Verdict{Outcome: trial.OK},
			Trial: trial.Trial{Cell: trial.Cell{{Factor: "runtime", Level: "docker"}, {Factor: "build.cache", Level: "local"}}}}}}
	want := "Not like for like: trials of docker registry pull images that were built and pushed before them, in 33.0 s and 34.0 s. No setup time has that in it.\n" +
		"Not like for like: trials of podman registry pull images that were built and pushed before them, in 41.0 s. No setup time has that in it.\n" +
		"Not like for like: trials of docker local with a warm build cache find the same sources built before them, in 20.0 s. No setup time has that in it, and sources that have changed take longer."
	if got := strings.Join(report.Beforehand(study.Study{Runs: []results.Run{run}}), "\n"); got != want {
		t.Errorf("got %s", got)
	}
	if got := report.Beforehand(study.Study{}); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}
