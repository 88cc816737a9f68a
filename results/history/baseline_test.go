package history

import (
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/results/study"
)

// nameOf is what a series is of: "setup of podman serial".
func nameOf(s Series) string { return string(s.Metric) + " of " + s.Cell.String() }

func decision(reason string) Baseline {
	return Baseline{Do: BaselineAccept, When: later, Who: "someone", Reason: reason, Experiment: "nightly", Host: "simulated",
		RunID: "r", From: time.Date(2026, 1, 3, 2, 0, 0, 0, time.UTC), Cell: arms()[0].Cell, Metric: study.MetricSetup}
}

func TestDecisionsAreKeptAndMerge(t *testing.T) {
	dir, h := filled(t, nights(4)...)
	other, _ := filled(t, nights(4)...)
	before := snapshot(t, dir)
	for _, reason := range []string{"a new node image", "more tests"} {
		if _, err := h.Decide(decision(reason)); err != nil {
			t.Fatal(err)
		}
	}
	o := read(t, other)
	if _, err := o.Decide(decision("by the other")); err != nil {
		t.Fatal(err)
	}
	for name, text := range before {
		if snapshot(t, dir)[name] != text {
			t.Errorf("deciding changed %s", name)
		}
	}
	if m := merge(t, dir, other); m.Decisions != 1 {
		t.Errorf("merging the other's decision: %+v", m)
	}
	again := read(t, dir)
	if len(again.Baselines) != 3 || len(again.Damaged) > 0 || len(again.Decisions("nightly", "other")) != 0 {
		t.Errorf("%d decisions, damaged %v", len(again.Baselines), again.Damaged)
	}
	n := again.Nights("nightly", "simulated")
	restarts := n.restarts(again.Decisions("nightly", "simulated"))
	if len(restarts) != 3 || restarts[0].Night != 2 || nameOf(n.Series[restarts[0].Series]) != "setup of serial" {
		t.Errorf("restarts %v", restarts)
	}
}

func TestABaselineNeedsItsParts(t *testing.T) {
	_, h := filled(t, nights(1)...)
	b := decision("x")
	b.Do = "ignore"
	if _, err := h.Decide(b); err == nil || !strings.Contains(err.Error(), "neither set nor accept") {
		t.Errorf("error %v", err)
	}
	b = decision("x")
	b.From = time.Time{}
	if _, err := h.Decide(b); err == nil {
		t.Error("a baseline from nowhere is kept")
	}
}
