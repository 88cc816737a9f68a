package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/joshdk/go-junit"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

var (
	serial = trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: "strategy", Level: "serial"}}
	when   = time.Date(2026, 11, 12, 2, 0, 0, 0, time.UTC)
)

// regressed is a check that found set-up slower when the engine changed, and
// crashes that stand.
func regressed() history.Check {
	return history.Check{
		Schema: history.CheckSchema, Experiment: "nightly", Host: "abc", Verdict: history.Regression, Why: []string{"2 worse"},
		RunID: "20261115-020000-nightly", When: when.AddDate(0, 0, 3), Nights: 40, Fit: 39, Threshold: 0.05, Odds: detect.Odds{FalseAlarm: 200}, Simulated: true,
		Series: []history.Now{
			{Cell: serial, Metric: study.MetricSetup, Unit: study.UnitSeconds, Point: history.Point{Value: 390, N: 3}},
			{Cell: serial, Metric: "build", Unit: study.UnitSeconds, Point: history.Point{Value: 200, N: 3}},
			{Cell: serial, Metric: study.MetricPeakMemory, Unit: study.UnitBytes, Point: history.Point{Value: 2 << 30, N: 3}},
			{Cell: serial, Metric: study.MetricFailures, Unit: study.UnitShare, Point: history.Point{Value: 2.0 / 3, N: 3, Bad: 2}},
		},
		Findings: []history.Finding{
			{ID: "0a1b2c3d", Kind: history.FindingRegression, Shape: "step", Certainty: "certain", Cell: serial, Metric: study.MetricSetup, Unit: study.UnitSeconds,
				LastGood: "good", Effect: history.Effect{
					Before: 300, After: 390, Ratio: 1.3, Interval: study.Interval{Lower: 1.27, Upper: 1.33}, P: 0.0004, Since: history.Moment{When: when},
					Causes: []history.Cause{{What: "Podman", From: "5.4.2", To: "5.5.0", When: when}, {What: "setting memory", From: "3.0 GiB", To: "1.5 GiB", When: when, Nights: -1},
						{What: "build context of all images", From: "aa", To: "bb", When: when}},
					Moved: []history.Moved{{Part: "image analysis", Before: 41.2, After: 63}}}},
			{ID: "1a1b2c3d", Kind: history.FindingStanding, Shape: "rate", Certainty: "certain", Cell: serial, Metric: study.MetricFailures, Unit: study.UnitShare,
				Effect: history.Effect{Before: 0.01, After: 0.31, Ratio: 31, Interval: study.Interval{Lower: 0.1, Upper: 0.5}, P: 0.001, Since: history.Moment{When: when}}},
		},
	}
}

func write(t *testing.T, to func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := to(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestACheckForPeople(t *testing.T) {
	text := write(t, func(b *bytes.Buffer) error { return report.Check(regressed()).Write(b, report.FormatMarkdown) })
	for _, want := range []string{"SIMULATED", "REGRESSION: nightly: 2 worse", "5 min 00 s", "6 min 30 s", "+30.0 % (+27.0 to +33.0)", "+30.0 points (+10.0 to +50.0)",
		"Podman 5.4.2 → 5.5.0 on 12 Nov", "memory 3.0 GiB → 1.5 GiB on 12 Nov (the night before)", "build context of all images changed on 12 Nov",
		"image analysis: 41.2 s → 63.0 s", "a false alarm in 200 nights", "0a1b2c3d", "stratbench baseline accept"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Nights that resemble each other are said, with what follows from it.
func TestNightsThatResembleEachOther(t *testing.T) {
	c := regressed()
	for _, c.Correlation = range []study.Value{0, 0.5} {
		for _, c.AfterAWeek = range []study.Value{0, 0.3} {
			c.Wider = 1.4
			text := write(t, func(b *bytes.Buffer) error { return report.Check(c).Write(b, report.FormatMarkdown) })
			if alike, wanders := strings.Contains(text, "(correlation 0.50), so the mean of five must differ 1.4 times"), strings.Contains(text, "wanders over weeks"); alike != (c.Correlation > 0) || wanders != (alike && c.AfterAWeek > 0) {
				t.Errorf("correlations of %v and %v:\n%s", c.Correlation, c.AfterAWeek, text)
			}
		}
	}
}

// What else changed may be a lot, and a terminal is only so wide.
func TestLongCellsGoOnInTheNextLine(t *testing.T) {
	text := write(t, func(b *bytes.Buffer) error { return report.Check(regressed()).Write(b, report.FormatTable) })
	if !strings.Contains(text, "Podman 5.4.2 → 5.5.0 on 12 Nov; memory 3.0 GiB → 1.5 GiB on 12 Nov") || strings.Contains(text, "on 12 Nov (the night before)") {
		t.Errorf("causes are not broken into lines:\n%s", text)
	}
}

// In a sentence and in a cell a line ends before an interval, or after it.
func TestIntervalsAreNotBroken(t *testing.T) {
	for of := range 40 {
		name := strings.Repeat("x", 30+of)
		sentence := name + " looks best, which takes 8 min 04 s (95 %: −15 to +8 %); 0 of 16 failed."
		d := report.Document{Notes: []string{sentence}, Sections: []report.Table{{Header: []string{"verdict"}, Rows: [][]string{{sentence}}}}}
		text := write(t, func(b *bytes.Buffer) error { return d.Write(b, report.FormatTable) })
		if strings.Count(text, "8 min 04 s") != 2 || strings.Count(text, "(95 %: −15 to +8 %)") != 2 {
			t.Errorf("an interval is in two lines:\n%s", text)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

func TestTheSummaryOfACheckIsMarkdown(t *testing.T) {
	text := write(t, func(b *bytes.Buffer) error { return report.CheckSummary(b, regressed()) })
	for _, want := range []string{"## stratbench check: REGRESSION\n", "SIMULATED", " regression | podman serial | setup "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestJUnitIsReadByAnother(t *testing.T) {
	for name, c := range map[string]struct {
		check                            history.Check
		passed, failed, skipped, errored int
	}{
		"a regression": {regressed(), 2, 3, 0, 0},
		"nothing new":  {history.Check{Verdict: history.NoRegression, Series: regressed().Series}, 5, 0, 0, 0},
		"no data":      {history.Check{Verdict: history.NoData, Missing: []history.Missing{{Cell: serial, LastRun: "r"}}}, 0, 0, 0, 2},
		"too few":      {history.Check{Verdict: history.Inconclusive, Needs: 5, Series: regressed().Series}, 0, 0, 5, 0},
		"not fit":      {history.Check{Verdict: history.NotFit, Series: regressed().Series}, 0, 0, 4, 1},
	} {
		text := write(t, func(b *bytes.Buffer) error { return report.JUnit(b, c.check) })
		suites, err := junit.Ingest([]byte(text))
		if err != nil || len(suites) != 1 {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		got := suites[0].Totals
		if got.Passed != c.passed || got.Failed != c.failed || got.Skipped != c.skipped || got.Error != c.errored {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A gauge in OpenMetrics text is one in Prometheus' own format, but for the
// last line; so that a parser other than the writer reads it.
func TestOpenMetricsIsReadByAnother(t *testing.T) {
	text := write(t, func(b *bytes.Buffer) error { return report.OpenMetrics(b, regressed()) })
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended {
		t.Errorf("does not end with # EOF:\n%s", text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for name, want := range map[string]float64{"stratbench_setup_seconds": 390, "stratbench_phase_seconds": 200, "stratbench_peak_memory_bytes": 2 << 30,
		"stratbench_bad_trials": 2, "stratbench_trials": 3, "stratbench_change_ratio": 1.3, "stratbench_check_nights": 40} {
		f := families[name]
		if f == nil || len(f.Metric) != 1 || f.Metric[0].Gauge.GetValue() != want {
			t.Errorf("%s is %v, want %v", name, f, want)
			continue
		}
		labels := map[string]string{}
		for _, l := range f.Metric[0].Label {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["simulated"] != "true" || labels["experiment"] != "nightly" || name == "stratbench_setup_seconds" && labels["factor_strategy"] != "serial" {
			t.Errorf("%s has the labels %v", name, labels)
		}
	}
	verdicts := 0.0
	for _, m := range families["stratbench_check_verdict"].Metric {
		verdicts += m.Gauge.GetValue()
	}
	if n := len(families["stratbench_check_verdict"].Metric); n != 5 || verdicts != 1 {
		t.Errorf("%d verdicts, the sum of which is %v", n, verdicts)
	}
}
