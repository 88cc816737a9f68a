package report

import (
	"fmt"
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
)

// OpenMetrics writes a check as OpenMetrics text: the newest run's figures of
// every series, its changes, and the verdict, as gauges. A factor of a cell is
// a label.
func OpenMetrics(w io.Writer, c history.Check) error {
	g := gauges{base: []*dto.LabelPair{label("experiment", c.Experiment), label("host", c.Host), label("simulated", fmt.Sprint(c.Simulated))}, place: map[string]int{}}
	for _, v := range []history.Verdict{history.NoRegression, history.Regression, history.Inconclusive, history.NoData, history.NotFit} {
		g.add("stratbench_check_verdict", "1 for the verdict of the check, 0 for the others.", oneIf(v == c.Verdict), label("verdict", string(v)))
	}
	g.add("stratbench_check_nights", "Nights on record, the judged one included.", float64(c.Nights))
	g.add("stratbench_check_nights_needed", "Further nights until a regression can be told.", float64(c.Needs))
	if !c.When.IsZero() {
		g.add("stratbench_run_start_seconds", "When the judged run began, in seconds since 1970.", float64(c.When.UnixMilli())/1e3)
	}
	for _, s := range c.Series {
		g.series(s)
	}
	for _, f := range c.Findings {
		labels := append(cellLabels(f.Cell), label("metric", string(f.Metric)), label("kind", string(f.Kind)), label("id", f.ID))
		if f.Ratio.Finite() && f.Unit != study.UnitShare {
			g.add("stratbench_change_ratio", "A change that was found: the value after it over that before.", float64(f.Ratio), labels...)
		} else if f.Unit == study.UnitShare && (f.After - f.Before).Finite() {
			g.add("stratbench_change_share", "A change that was found: the share of trials after it less that before.", float64(f.After-f.Before), labels...)
		}
	}
	for _, family := range g.families {
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, family); err != nil {
			return fmt.Errorf("writing OpenMetrics text: %w", err)
		}
	}
	_, err := expfmt.FinalizeOpenMetrics(w)
	return err
}

// gauges are families of gauges in order of appearance.
type gauges struct {
	base     []*dto.LabelPair
	families []*dto.MetricFamily
	place    map[string]int
}

func (g *gauges) add(name, help string, value float64, labels ...*dto.LabelPair) {
	i, known := g.place[name]
	if !known {
		i = len(g.families)
		g.place[name] = i
		g.families = append(g.families, &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()})
	}
	all := append(append([]*dto.LabelPair{}, g.base...), labels...)
	g.families[i].Metric = append(g.families[i].Metric, &dto.Metric{Label: all, Gauge: &dto.Gauge{Value: &value}})
}

// series adds what a series was in the judged run. A run without a figure has
// no sample: it is not 0.
func (g *gauges) series(s history.Now) {
	labels := cellLabels(s.Cell)
	if s.Unit == study.UnitShare {
		g.add("stratbench_trials", "Trials of the judged run that count.", float64(s.N), append(labels, label("metric", string(s.Metric)))...)
		g.add("stratbench_bad_trials", "Trials of the judged run that failed, or whose tests did.", float64(s.Bad), append(labels, label("metric", string(s.Metric)))...)
		return
	}
	if !s.Value.Finite() {
		return
	}
	switch s.Metric {
	case study.MetricPeakMemory:
		g.add("stratbench_peak_memory_bytes", "Median of the peak memory of the trials that became ready.", float64(s.Value), labels...)
	case study.MetricSetup:
		g.add("stratbench_setup_seconds", "Median time to ready of the trials that became ready.", float64(s.Value), labels...)
	default:
		g.add("stratbench_phase_seconds", "Median length of a phase.", float64(s.Value), append(labels, label("phase", string(s.Metric)))...)
	}
}

func cellLabels(c trial.Cell) (labels []*dto.LabelPair) {
	for _, a := range c {
		labels = append(labels, label("factor_"+labelName(a.Factor), a.Level))
	}
	return labels
}

// labelName makes a factor's name one that OpenMetrics allows.
func labelName(factor string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, factor)
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
