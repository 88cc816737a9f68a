package page_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/study"
)

func TestTheNightlyPageNeedsNothingElse(t *testing.T) {
	cell := trial.Cell{{Factor: "strategy", Level: "serial"}}
	r := history.Review{Experiment: "nightly", Host: "abc", Simulated: true}
	setup := history.SeriesReview{Cell: cell, Metric: study.MetricSetup, Unit: study.UnitSeconds}
	for i := range 10 {
		r.Nights = append(r.Nights, history.Night{RunID: "r", When: time.Date(2026, 1, 1+i, 2, 0, 0, 0, time.UTC)})
		setup.Points = append(setup.Points, history.Point{Value: study.Value(300 + i), N: 3})
	}
	quiet, found := setup, setup
	quiet.Metric, found.Metric = "load", "build"
	r.Series = []history.SeriesReview{setup, quiet, found}
	c := history.Check{Experiment: "nightly", Host: "abc", Verdict: history.Regression, Why: []string{"1 worse"}, RunID: "r", When: r.Nights[9].When, Simulated: true,
		Findings: []history.Finding{{ID: "0a1b2c3d", Kind: history.FindingRegression, Cell: cell, Metric: "build", Unit: study.UnitSeconds, Effect: history.Effect{Before: 100, After: 140, Ratio: 1.4}}}}

	var b bytes.Buffer
	if err := page.Nightly(c, r, "stratbench check").HTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"SIMULATED", "REGRESSION: nightly: 1 worse.", "0a1b2c3d", "prefers-color-scheme: dark", "Made with: stratbench check"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	// The time to ready and the series with a finding are drawn, the other not.
	if n := strings.Count(text, "<figure>"); n != 2 {
		t.Errorf("%d figures, want 2", n)
	}
	for _, outside := range []string{`src="http`, `href="http`, "@import", "url(http"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page needs something else: %s", outside)
		}
	}
}
