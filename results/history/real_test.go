package history

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// The history that make nightly-demo left: real runs, in which the memory limit
// was tightened, an image made slower and the engine's version switched.
const (
	realNights     = "nightly-demo"
	beforeAnything = 14 // nights
)

// until is the history of the first nights.
func until(t *testing.T, nights int) (h *History, host string) {
	t.Helper()
	h, err := Read(filepath.Join("testdata", realNights), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(h.Damaged) > 0 {
		t.Fatal(err, h.Damaged)
	}
	h.Runs = h.Runs[:nights]
	return h, h.Runs[0].Environment.HostID
}

// The check of a night raises what was done some nights before, and names it.
func TestTheCheckFindsWhatWasDone(t *testing.T) {
	for _, c := range []struct {
		night  int
		metric study.Metric
		cause  string
	}{
		{18, study.MetricSetup, "setting memory: 2.0 GiB → 900 MiB"},
		{28, "build", "of search"},
		{53, "cluster", "Podman: 5.4.2 → 4.3.1"},
		{56, study.MetricSetup, "Podman: 5.4.2 → 4.3.1"},
	} {
		h, host := until(t, c.night)
		got := h.Check(realNights, host, detect.DefaultThreshold)
		named := slices.ContainsFunc(got.Findings, func(f Finding) bool {
			return f.Kind == FindingRegression && f.Metric == c.metric && strings.Contains(told(f.Causes), c.cause)
		})
		if got.Verdict != Regression || !named {
			t.Errorf("night %d: %s, want a regression of %s by %s:\n%s", c.night, got.Verdict, c.metric, c.cause, lines(got))
		}
	}
	for night := 1; night <= beforeAnything; night++ {
		h, host := until(t, night)
		if got := h.Check(realNights, host, detect.DefaultThreshold); got.Verdict == Regression {
			t.Errorf("night %d, before anything was done:\n%s", night, lines(got))
		}
	}
}

// Looking back, each change is placed at its night, one of them, which looks like
// the end of a slope, at the night before.
func TestLookingBackFindsTheNight(t *testing.T) {
	h, host := until(t, 59)
	for metric, want := range map[study.Metric]map[int]string{
		study.MetricSetup:      {14: "memory: 2.0 GiB → 900 MiB", 23: "of search", 32: "Podman: 5.4.2 → 4.3.1", 50: "Podman: 5.4.2 → 4.3.1"},
		"build":                {14: "memory: 2.0 GiB → 900 MiB", 23: "of search", 32: "of search"},
		"cluster":              {14: "memory: 2.0 GiB → 900 MiB", 23: "memory: 900 MiB → 2.0 GiB", 32: "Podman: 5.4.2 → 4.3.1", 40: "Podman: 4.3.1 → 5.4.2", 50: "Podman: 5.4.2 → 4.3.1"},
		study.MetricPeakMemory: {14: "memory: 2.0 GiB → 900 MiB", 23: "memory: 900 MiB → 2.0 GiB"},
	} {
		r := h.Review(realNights, host, Pattern{Metric: string(metric)}, detect.DefaultThreshold)
		if len(r.Series) != 1 {
			t.Fatalf("%d series of %s", len(r.Series), metric)
		}
		if changes := r.Series[0].Changes; len(changes) != len(want) {
			t.Errorf("%s: %d changes, want %d", metric, len(changes), len(want))
		}
		for _, c := range r.Series[0].Changes {
			if cause, ok := want[c.Since.Night]; !ok || !strings.Contains(told(c.Causes), cause) {
				t.Errorf("%s in night %d: %s", metric, c.Since.Night+1, told(c.Causes))
			}
		}
	}
}

// A check can be relied on soon after a change too, if not as soon as after a
// quiet time.
func TestSelfTestAfterAChange(t *testing.T) {
	h, host := until(t, 59)
	s, err := h.SelfTest(realNights, host, detect.DefaultThreshold)
	if err != nil || !s.Passed() {
		t.Errorf("%+v, %v", s.Steps, err)
	}
}

// The noise that simulated nights are given is about that of real ones; their
// document quotes these figures.
func TestTheNoiseOfRealNights(t *testing.T) {
	h, host := until(t, 59)
	nights := h.Nights(realNights, host)
	for _, c := range []struct {
		metric  study.Metric
		segment Segment
		want    Noise
	}{
		{study.MetricSetup, before, Noise{0.035, 0.029}},
		{"cluster", before, Noise{0.027, 0.016}},
		{"build", before, Noise{0.044, 0}},
		{"load", before, Noise{0.082, 0.014}},
		{"deploy", before, Noise{0.369, 0.021}},
		{study.MetricPeakMemory, before, Noise{0.0006, 0}},
		{study.MetricSetup, slowImage, Noise{0.021, 0}},
		{study.MetricSetup, otherEngine, Noise{0.023, 0.010}},
	} {
		i := slices.IndexFunc(nights.Series, func(s Series) bool { return s.Metric == c.metric })
		got := nights.noise(nights.Series[i], []Segment{c.segment})
		if math.Abs(float64(got.InNight-c.want.InNight)) > 0.0005 || math.Abs(float64(got.ByNight-c.want.ByNight)) > 0.0005 {
			t.Errorf("%s from night %d on: %.4f in a night and %.4f from night to night, want %v", c.metric, c.segment.Start+1, got.InNight, got.ByNight, c.want)
		}
	}
}

var (
	before      = Segment{Start: 0, End: 14}
	slowImage   = Segment{Start: 23, End: 32}
	otherEngine = Segment{Start: 32, End: 41}
)
