package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/simulated"
)

func TestRatesAreNeverBare(t *testing.T) {
	for want, r := range map[string]analyse.Rate{
		"0 of 5: 0–52 %":       {Events: 0, Trials: 5, Interval: analyse.Interval{Lower: 0, Upper: 0.5218}},
		"2 of 2: 16–100 %":     {Events: 2, Trials: 2, Interval: analyse.Interval{Lower: 0.1581, Upper: 1}},
		"0 of 999: 0–0.4 %":    {Events: 0, Trials: 999, Interval: analyse.Interval{Lower: 0, Upper: 0.00369}},
		"4 of 5: 28–99.5 %":    {Events: 4, Trials: 5, Interval: analyse.Interval{Lower: 0.2836, Upper: 0.9949}},
		"1 of 2: 0.03–99.97 %": {Events: 1, Trials: 2, Interval: analyse.Interval{Lower: 0.0003, Upper: 0.9997}},
		"–":                    {},
	} {
		if got := report.Rate(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestATraceHasSpansAndCounters(t *testing.T) {
	r := simulated.Run(simulated.Matrix()[:1], 1, 3).Records[0]
	r.Samples = []trial.Sample{{At: 0, CPU: 0, Memory: 1 << 30}, {At: 1e9, CPU: 15e8, Memory: 2 << 30, MemoryAnon: 1 << 30}}
	var b bytes.Buffer
	if err := report.Trace(&b, r); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct {
			Name, Ph string
			Dur      float64
			Args     map[string]any
		} `json:"traceEvents"`
	}
	if err := json.Unmarshal(b.Bytes(), &trace); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range trace.TraceEvents {
		kinds[e.Ph]++
		if cpu, ok := e.Args["CPUs"].(float64); ok && math.Abs(cpu-1.5) > 1e-9 {
			t.Errorf("%v CPUs in use, want 1.5", cpu)
		}
	}
	if kinds["X"] != len(r.Spans) || kinds["C"] != 3 {
		t.Errorf("%v events for %d spans", kinds, len(r.Spans))
	}
}

func TestEveryFormatIsOfTheSameAnalysis(t *testing.T) {
	s := analyse.Gather([]results.Run{simulated.Run(simulated.Matrix(), 3, 1)})
	a, err := s.Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[report.Format]string{
		report.FormatTable: "SIMULATED", report.FormatMarkdown: "## Outcomes", report.FormatJSON: `"schema": "stratbench.analysis/v1"`,
		report.FormatCSV: "cell,runtime=podman memory=3GiB strategy=serial,,,failure_rate,3,", report.FormatBenchstat: "simulated: true",
	} {
		var b bytes.Buffer
		if err := report.Analysis(s, a).Write(&b, format); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: no %q; %v", format, want, err)
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
	s := analyse.Gather([]results.Run{run})
	a, err := s.Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []report.Table{report.Outcomes(a), report.SetupTimes(a)} {
		listed := 0
		for _, row := range table.Rows {
			if slices.Contains(row, "not tested") {
				listed++
			}
		}
		if len(table.Rows) != 5 || listed != 2 {
			t.Errorf("%s: %d rows, %d not tested", table.Title, len(table.Rows), listed)
		}
	}
	if notes := strings.Join(report.Outcomes(a).Notes, " "); !strings.Contains(notes, "no machine has 7 GiB") || !strings.Contains(notes, "3 further combinations") {
		t.Errorf("notes: %s", notes)
	}
	d, err := s.Decide(analyse.Priorities{Environment: "local"})
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Groups[0]; len(c.Arms) != 3 || len(c.NotRun) != 1 {
		t.Errorf("%d ranked, %d not run", len(c.Arms), len(c.NotRun))
	}
	// The strategies of the other group were not run in this one either.
	if c := d.Groups[1]; c.Kind != analyse.NoTrials || len(c.NotRun) != 4 {
		t.Errorf("%+v", c)
	}
}

// Every CSV is one table: as many fields in every row, numbers as numbers.
func TestEveryCSVIsOneTable(t *testing.T) {
	run := simulated.Run(simulated.Matrix()[:8], 3, 1)
	run.Plan.Cells = append(run.Plan.Cells, simulated.Matrix()[8].Cell)
	s := analyse.Gather([]results.Run{run})
	a, errA := s.Analyse(nil)
	d, errD := s.Decide(analyse.Priorities{Environment: "ci", MaxFailureRate: 0.05, Quantile: 0.9})
	e, errE := s.Explain(true)
	p, errP := analyse.Power(analyse.PowerQuestion{Low: 0.02, High: 0.5, Ratio: 0.8, Comparisons: 1})
	if err := errors.Join(errA, errD, errE, errP); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]report.Document{"analyze": report.Analysis(s, a), "decide": report.Decision(d), "explain": report.Explanation(e), "power": report.Power(p)} {
		var b bytes.Buffer
		if err := doc.Write(&b, report.FormatCSV); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) < 5 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
		for _, row := range rows {
			for _, field := range row {
				if strings.HasSuffix(field, "%") || field == "–" {
					t.Errorf("%s: %q is for people", name, field)
				}
			}
		}
	}
}

// What is decided is said without an equals sign before a bound, without
// seconds in a forecast, and once for all arms of which it holds.
func TestTheWordsOfADecision(t *testing.T) {
	arms := []simulated.Arm{}
	for i, strategy := range []string{"serial", "2+1", "parallel", "registry"} {
		arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: strategy}}, Median: float64(1000 - 300*i), Spread: 0.01})
	}
	d, err := analyse.Gather([]results.Run{simulated.Run(arms, 5, 1)}).Decide(analyse.Priorities{Environment: "local"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Decision(d).Write(&b, report.FormatTable); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"P(best) > 0.99.", "serial, 2+1 and parallel are not beaten. So few trials cannot decide, however much the strategies differ. 1 more block of these, about 37 min, decides",
		"serial, 2+1 and parallel would not pay against registry even if they never failed."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

// A level of any name keeps a Markdown table in shape, and is one part of a
// benchmark's name.
func TestNamesAreKeptApart(t *testing.T) {
	arms := []simulated.Arm{{Cell: trial.Cell{{Factor: "strategy", Level: "two, <b>a|b</b>/c"}, {Factor: "runtime", Level: "podman"}}, Median: 100}}
	s := analyse.Gather([]results.Run{simulated.Run(arms, 2, 1)})
	a, err := s.Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[report.Format]string{report.FormatMarkdown: `| two, &lt;b>a\|b&lt;/b>/c | podman `, report.FormatBenchstat: "BenchmarkSetup/strategy=two,_<b>a|b<_b>_c/runtime=podman 1 "} {
		var b bytes.Buffer
		if err := report.Analysis(s, a).Write(&b, format); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: no %q in:\n%s", format, want, b.String())
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

// A ratio has three digits and no power of ten, a difference no sign without a
// figure.
func TestComparisonsInFigures(t *testing.T) {
	value := func(v float64) analyse.Value { return analyse.Value(v) }
	c := analyse.Comparison{Factor: "strategy", First: "a", Second: "b", N: [2]int{5, 5},
		Time:  analyse.TimeTest{P: value(0.03), Adjusted: value(0.00004), Smallest: value(0.001)},
		Ratio: analyse.TimeRatio{Estimate: 1, Interval: analyse.Interval{Lower: 0.87, Upper: 63452}},
		Rates: analyse.RateTest{Difference: 0, Interval: analyse.Interval{Lower: -0.004, Upper: 0.8}}}
	row := strings.Join(report.Comparisons(analyse.Analysis{Compared: []analyse.Comparison{c}}).Rows[0], " | ")
	for _, want := range []string{"1.00 (0.870–63500)", "0 (-0.4 to +80)", "0.030 | <0.0001"} {
		if !strings.Contains(row, want) {
			t.Errorf("no %q in %s", want, row)
		}
	}
}

// Trials that are named stand in one footnote a kind, not in one a cell.
func TestTrialsShareAFootnote(t *testing.T) {
	a := analyse.Analysis{Factors: []trial.Factor{{Name: "strategy"}}}
	for i := range 10 {
		id := fmt.Sprintf("t%02d", i)
		c := analyse.CellSummary{Cell: analyse.Cell{Cell: trial.Cell{{Factor: "strategy", Level: id}}, N: 2}}
		c.Warnings = []analyse.Warning{{Kind: analyse.HostBusy, Count: 2, Trials: []string{id + "a", id + "b"}}}
		a.Cells = append(a.Cells, c)
	}
	table := report.SetupTimes(a)
	if note := table.Notes[0]; !strings.Contains(note, "[1] the host was busy just before t00a, t00b, t01a") || !strings.HasSuffix(note, "and 8 more") {
		t.Error(note)
	}
	if strings.HasPrefix(table.Notes[1], "[2]") || !strings.Contains(table.Rows[9][2], "[1]") {
		t.Errorf("%q, %q", table.Notes[1], table.Rows[9])
	}
}

// What failures go with is said in a sentence.
func TestWhyFailed(t *testing.T) {
	shown := analyse.OverallTest{P: 0.00001, Adjusted: 0.00002}
	not := analyse.OverallTest{P: 0.6, Adjusted: 0.6}
	e := analyse.Explanation{Trials: 20, Failed: 8, Factors: []analyse.FactorTest{{Factor: "memory", Failures: shown, Times: not}, {Factor: "strategy", Failures: not, Times: shown}}}
	want := "Memory or concurrency? The memory limit goes with failures; for the strategy that was not shown."
	if got := strings.Join(report.WhyFailed(e), "\n"); got != want {
		t.Errorf("got %s", got)
	}
	if got := report.WhyFailed(analyse.Explanation{Trials: 20}); len(got) != 1 || !strings.HasPrefix(got[0], "None of 20 trials failed (95 % interval 0–17 %): ") {
		t.Errorf("without failures: %q", got)
	}
	if got := report.WhyFailed(analyse.Explanation{}); got != nil {
		t.Errorf("without trials: %q", got)
	}
}

func TestBeforehand(t *testing.T) {
	prepared := func(runtime string, took time.Duration, outcome trial.Outcome) results.Record {
		return results.Record{Kind: results.KindPreparation, Elapsed: trial.Seconds(took), Verdict: trial.Verdict{Outcome: outcome},
			Trial: trial.Trial{Cell: trial.Cell{{Factor: "runtime", Level: runtime}, {Factor: "memory", Level: "7GiB"}, {Factor: "strategy", Level: "registry"}}}}
	}
	run := results.Run{Records: []results.Record{
		prepared("docker", 33*time.Second, trial.OK), prepared("podman", 41*time.Second, trial.OK),
		prepared("docker", 34*time.Second, trial.OK), prepared("podman", time.Second, trial.EngineCrash), {Kind: results.KindTrial}}}
	want := "Not like for like: trials of docker registry pull images that were built and pushed before them, in 33.0 s and 34.0 s. No setup time has that in it.\n" +
		"Not like for like: trials of podman registry pull images that were built and pushed before them, in 41.0 s. No setup time has that in it."
	if got := strings.Join(report.Beforehand(analyse.Study{Runs: []results.Run{run}}), "\n"); got != want {
		t.Errorf("got %s", got)
	}
	if got := report.Beforehand(analyse.Study{}); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}
