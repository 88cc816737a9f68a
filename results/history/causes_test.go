package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func altered(t *testing.T, n int, alter func(int, *simulated.Night)) Nights {
	t.Helper()
	h := recorded(t, slices.Collect(simulated.Nights("nightly", arms(), n, 1, alter))...)
	return h.Nights("nightly", "simulated")
}

func told(causes []Cause) string {
	var lines []string
	for _, c := range causes {
		lines = append(lines, fmt.Sprintf("%s: %s → %s (%d)", c.What, c.From, c.To, c.Nights))
	}
	return strings.Join(lines, "; ")
}

func TestCausesNameWhatChangedThatNight(t *testing.T) {
	images := func(recipe, context string) []results.ImageSource {
		return []results.ImageSource{{Image: "api", Recipe: "r0", Context: context}, {Image: "web", Recipe: recipe, Context: context}}
	}
	for name, c := range map[string]struct {
		alter func(*simulated.Night)
		want  string
	}{
		"nothing": {func(*simulated.Night) {}, ""},
		"engine":  {func(n *simulated.Night) { n.Engine = "1.1.0" }, "engine: 1.0.0 → 1.1.0 (0)"},
		"kernel and Kind": {func(n *simulated.Night) { n.Environment.Kernel, n.Environment.KindVersion = "6.2", "v1" },
			"Kind: v0 → v1 (0); kernel: 6.1 → 6.2 (0)"},
		// The spec's hash says no more than the setting does.
		"memory": {func(n *simulated.Night) { n.Settings, n.Environment.SpecHash = `{"memory":1610612736}`, "other" },
			"setting memory: 3.0 GiB → 1.5 GiB (0)"},
		"a new setting": {func(n *simulated.Night) { n.Settings = `{"memory":3221225472,"build":{"noCache":false}}` },
			"setting build.noCache:  → false (0)"},
		"a spec without other settings": {func(n *simulated.Night) { n.Environment.SpecHash = "other" }, "spec: spec → other (0)"},
		// A recipe lies in its context and its workload.
		"a recipe": {func(n *simulated.Night) {
			n.Environment.Images, n.Environment.WorkloadHash, n.Environment.SpecHash = images("r1", "c1"), "other", "other"
		}, "Dockerfile and arguments of web: r0 → r1 (0)"},
		"sources": {func(n *simulated.Night) { n.Environment.Images = images("r0", "c1") }, "build context of all images: c0 → c1 (0)"},
	} {
		n := altered(t, 6, func(night int, n *simulated.Night) {
			if night == 0 {
				n.Environment.Images = images("r0", "c0")
			}
			if night == 3 {
				c.alter(n)
			}
		})
		if got := told(n.Causes(arms()[0].Cell, 3)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := told(n.Causes(arms()[0].Cell, 4)); strings.Count(got, "(-1)") != strings.Count(c.want, "(0)") {
			t.Errorf("%s: a night late it is %q", name, got)
		}
		if got := told(n.Causes(arms()[0].Cell, 5)); got != "" {
			t.Errorf("%s: two nights late it is %q", name, got)
		}
	}
}

func TestMovedNamesTheSlowerImage(t *testing.T) {
	n := altered(t, 12, func(night int, n *simulated.Night) {
		if night == 6 {
			n.Images[1].Factor = 1.8
		}
	})
	moved := n.Moved(n.Series[0], 6, 0.1)
	var parts []string
	for _, m := range moved {
		parts = append(parts, m.Part)
	}
	if slices.Sort(parts); !slices.Equal(parts, []string{"build", "image analysis"}) {
		t.Errorf("moved %v, want the phase build and image analysis", moved)
	}
	for _, m := range moved {
		if m.Part == "image analysis" && (m.After/m.Before < 1.65 || m.After/m.Before > 1.95) {
			t.Errorf("the image took %v times as long, want 1.8", m.After/m.Before)
		}
	}
	for _, s := range n.Series {
		if s.Metric == study.MetricPeakMemory && len(n.Moved(s, 6, 0.05)) > 0 {
			t.Error("peak memory has parts")
		}
	}
}

func TestRunsOfOtherHostsAreNotPooled(t *testing.T) {
	h := recorded(t, append(nights(4), onHost("other", nights(3))...)...)
	if a, b := h.Nights("nightly", "simulated"), h.Nights("nightly", "other"); len(a.Runs) != 4 || len(b.Runs) != 3 {
		t.Errorf("%d and %d nights", len(a.Runs), len(b.Runs))
	}
	if host := h.Host("nightly"); host != "simulated" {
		t.Errorf("host %s, want that of the newest run", host)
	}
}

func TestAPhaseOfMillisecondsIsNoSeries(t *testing.T) {
	isSeries := func(took time.Duration) bool {
		runs := slices.Collect(simulated.Nights("nightly", arms(), 2, 1, nil))
		for _, run := range runs {
			for _, r := range run.Records {
				for i, s := range r.Spans {
					if s.Phase == trial.PhaseTest {
						r.Spans[i].End = s.Start + trial.Seconds(took)
					}
				}
			}
		}
		h := recorded(t, runs...)
		return slices.ContainsFunc(h.Nights("nightly", "simulated").Series, func(s Series) bool { return s.Metric == "test" })
	}
	if isSeries(13*time.Millisecond) || !isSeries(200*time.Millisecond) {
		t.Error("a phase is a series where it took a tenth of a second at least once")
	}
}

func TestFailuresAreCountedAndNeverDropped(t *testing.T) {
	crashing := arms()
	crashing[0].Crash, crashing[0].Lost = 1, 60
	h := recorded(t, slices.Collect(simulated.Nights("nightly", crashing, 2, 1, func(night int, n *simulated.Night) { n.FailedTests = night }))...)
	found := map[string]Series{}
	for _, s := range h.Nights("nightly", "simulated").Series {
		found[nameOf(s)] = s
	}
	if s := found["failures of serial"]; !slices.Equal(s.Bad, []int{3, 3}) || !slices.Equal(s.Trials, []int{3, 3}) {
		t.Errorf("a cell that always fails has %v bad of %v", s.Bad, s.Trials)
	}
	if _, ok := found["setup of serial"]; ok {
		t.Error("a cell that never became ready has set-up times")
	}
	if s := found["failures of parallel"]; !slices.Equal(s.Bad, []int{0, 0}) {
		t.Errorf("failed tests count as failed set-ups: %v", s.Bad)
	}
	if s := found["failed-tests of parallel"]; !slices.Equal(s.Bad, []int{0, 3}) || !slices.Equal(s.Trials, []int{3, 3}) {
		t.Errorf("tests failed in %v of %v", s.Bad, s.Trials)
	}
	if s := found["setup of parallel"]; len(s.Values[1]) != 3 {
		t.Error("set-up times of trials whose tests failed are dropped")
	}
}

func TestABusyHostIsNotFit(t *testing.T) {
	n := altered(t, 5, func(night int, n *simulated.Night) {
		n.Load = results.Load{Load1: 0.5}
		switch night {
		case 1:
			n.Load.Load1 = 5
		case 2:
			n.Load.Pressure = trial.Pressure{Known: true, CPUSome: 60}
		}
	})
	for night, want := range []bool{false, true, true, false, false} {
		if f := n.Fitness[night]; f.Unfit() != want || f.Reference < 2 || f.Reference > 3 {
			t.Errorf("night %d: %+v, want unfit %v and a reference of 2.5 s", night, f, want)
		}
	}
	first, last := results.Load{CPU: trial.Seconds(100 * time.Second), Steal: trial.Seconds(time.Second)},
		results.Load{CPU: trial.Seconds(200 * time.Second), Steal: trial.Seconds(21 * time.Second)}
	if reasons := busynessOf(first, last, 2).reasons(nil); len(reasons) != 1 || !strings.Contains(reasons[0], "took 20 %") {
		t.Errorf("20 s stolen of 100 s: %v", reasons)
	}
}

// What is usual on a host is no reason against it; twice that is.
func TestAHostThatIsAlwaysBusyIsFit(t *testing.T) {
	n := altered(t, 12, func(night int, n *simulated.Night) {
		n.Load = results.Load{Load1: 3}
		if night == 10 {
			n.Load.Load1 = 8
		}
	})
	for night, want := range []bool{true, true, true, true, true, false, false, false, false, false, true, false} {
		if got := n.Fitness[night].Unfit(); got != want {
			t.Errorf("night %d: unfit is %v", night, got)
		}
	}
}

// A host that stays slower is beside every time that changed with it, at the
// night in which it did.
func TestASlowerHostStandsBesideTheChange(t *testing.T) {
	h, _ := judged(t, 40, func(night int, n *simulated.Night) {
		if night == 25 {
			n.Slow = 1.4
		}
	})
	r := h.Review("nightly", "simulated", Pattern{Metric: "setup"}, detect.DefaultThreshold)
	for _, s := range r.Series {
		if len(s.Changes) != 1 || s.Changes[0].Since.Night != 25 {
			t.Fatalf("%s: changes %+v, want one in night 25", s.Cell, s.Changes)
		}
		if m := s.Changes[0].Moved; len(m) == 0 || m[0].Part != HostPart || m[0].After/m[0].Before < 1.3 || m[0].After/m[0].Before > 1.5 {
			t.Errorf("%s: moved %+v, want the reference workload first", s.Cell, m)
		}
	}
}
