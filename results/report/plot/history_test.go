package plot_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report/plot"
	"github.com/stratbench/stratbench/results/study"
)

// reviewOf has a step of 30 % at night 20 in a series of the unit, with nights
// that were left out, not fit, or have no figure.
func reviewOf(unit study.Unit, metric study.Metric, typical float64, nights int) history.Review {
	start := time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)
	r := history.Review{Experiment: "nightly", Simulated: true}
	s := history.SeriesReview{Cell: trial.Cell{{Factor: "strategy", Level: "2+1"}}, Metric: metric, Unit: unit}
	for i := range nights {
		v := typical * (1 + 0.03*math.Sin(float64(i)))
		if i >= 20 {
			v *= 1.3
		}
		p, night := history.Point{Value: study.Value(v), N: 3}, history.Night{When: start.AddDate(0, 0, i+i/10)}
		switch i {
		case 5:
			night.NotFit = []string{"busy"}
		case 6:
			p = history.Point{Value: study.Value(math.NaN())}
		case 7:
			p.Bad = 1
		}
		s.Points, r.Nights = append(s.Points, p), append(r.Nights, night)
	}
	s.Segments = []history.Segment{{Start: 0, End: min(20, nights), From: study.Value(typical), To: study.Value(typical)}}
	if nights > 20 {
		s.Segments = append(s.Segments, history.Segment{Start: 20, End: nights, From: study.Value(1.3 * typical), To: study.Value(1.35 * typical), Drift: true})
		s.Changes = []history.Change{{Effect: history.Effect{Since: history.Moment{Night: 20, When: r.Nights[20].When}, Before: study.Value(typical), After: study.Value(1.3 * typical), Ratio: 1.3,
			Causes: []history.Cause{{What: "Podman", From: "5.4.2", To: "5.5.0", When: r.Nights[20].When}}}}}
	}
	r.Series = []history.SeriesReview{s}
	return r
}

func TestHistories(t *testing.T) {
	for name, r := range map[string]history.Review{
		"history-setup-2+1":       reviewOf(study.UnitSeconds, study.MetricSetup, 300, 60),
		"history-load-2+1":        reviewOf(study.UnitSeconds, "load", 0.4, 400),
		"history-peak-memory-2+1": reviewOf(study.UnitBytes, study.MetricPeakMemory, 2<<30, 30),
		"history-failures-2+1":    reviewOf(study.UnitShare, study.MetricFailures, 0.2, 30),
		"history-test-2+1":        reviewOf(study.UnitSeconds, "test", 20, 1),
	} {
		all := plot.Histories(r)
		if len(all) != 1 || all[0].Name != name {
			t.Fatalf("%d figures, %v", len(all), all)
		}
		check(t, all[0])
		if !strings.Contains(all[0].Title, "SIMULATED") {
			t.Errorf("%s does not say that it is simulated", name)
		}
		if changed := strings.Contains(all[0].Caption, "Podman 5.4.2 → 5.5.0 on 23 Jan"); changed != (len(r.Series[0].Changes) > 0) {
			t.Errorf("%s: %s", name, all[0].Caption)
		}
	}
	none := reviewOf(study.UnitSeconds, study.MetricSetup, math.NaN(), 10)
	if f := plot.Histories(none); len(f) != 0 {
		t.Errorf("a series without a figure is drawn: %v", f)
	}
}
