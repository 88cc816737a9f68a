package history

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

// onDisk writes a run's folder below root.
func onDisk(t testing.TB, root string, run results.Run) {
	t.Helper()
	dir := filepath.Join(root, run.Environment.RunID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var journal []string
	for _, r := range run.Records {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		journal = append(journal, string(text))
	}
	for name, value := range map[string]any{results.PlanFile: run.Plan, results.EnvironmentFile: run.Environment} {
		text, err := json.Marshal(value)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, results.JournalFile), []byte(strings.Join(journal, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUpdateAddsTheRunsOfTheExperiment(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	for _, run := range nights(3) {
		onDisk(t, root, run)
	}
	for run := range simulated.Nights("other", arms(), 1, 1, nil) {
		onDisk(t, root, run)
	}
	broken := filepath.Join(root, "20260109-020000-nightly")
	if err := os.MkdirAll(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, results.EnvironmentFile), []byte(`{"run_id":`), 0o644); err != nil {
		t.Fatal(err)
	}
	h := read(t, dir)
	u, err := h.Update(root, "")
	if err != nil || u.Experiment != "nightly" || len(u.Added) != 3 || len(u.Passed) != 1 || !strings.Contains(u.Passed[0].Error(), "20260109") || u.Refused != broken {
		t.Errorf("%+v, error %v", u, err)
	}
	if u, err := read(t, dir).Update(root, "nightly"); err != nil || len(u.Added) != 0 {
		t.Errorf("a second time: added %d, error %v", len(u.Added), err)
	}
}

// A run that is being recorded is reported, and added after its end.
func TestUpdateLeavesOutARunThatIsBeingRecorded(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	all := nights(2)
	for _, run := range all {
		onDisk(t, root, run)
	}
	newest := filepath.Join(root, all[1].Environment.RunID)
	j, err := results.OpenJournal(newest)
	if err != nil {
		t.Fatal(err)
	}
	h := read(t, dir)
	u, err := h.Update(root, "nightly")
	if err != nil || len(u.Added) != 1 || len(u.Passed) != 1 || u.Refused != "" || u.Passed[0].Error() != newest+" is still being recorded; a check after its end adds it" {
		t.Errorf("%+v, error %v", u, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if u, err := h.Update(root, "nightly"); err != nil || len(u.Added) != 1 || len(u.Passed) != 0 || u.Refused != "" {
		t.Errorf("after its end: %+v, error %v", u, err)
	}
}

func TestARunOfInjectedFaultsIsNoNight(t *testing.T) {
	root := t.TempDir()
	all := nights(2)
	for _, run := range all {
		onDisk(t, root, run)
	}
	injected := all[1]
	for i := range injected.Records {
		if injected.Records[i].Kind == results.KindTrial {
			injected.Records[i].Fault = &results.Injected{Name: "engine-killed"}
		}
	}
	onDisk(t, root, injected)
	u, err := read(t, t.TempDir()).Update(root, "nightly")
	if err != nil || len(u.Added) != 1 || len(u.Passed) != 1 || !strings.Contains(u.Passed[0].Error(), "does not count as a night: a fault was injected") {
		t.Errorf("%+v, error %v", u, err)
	}
}

// A run of two states is no night; it says whether what was suspected is so.
func TestARunOfTwoStatesConfirms(t *testing.T) {
	h := recorded(t, nights(2)...)
	var states []simulated.Arm
	for _, level := range []string{results.LastGood, results.Present} {
		for _, arm := range arms() {
			arm.Cell = append(slices.Clone(arm.Cell), trial.Assignment{Factor: results.StateFactor, Level: level})
			states = append(states, arm)
		}
	}
	for run := range simulated.Nights("nightly-confirm", states, 3, 1, func(_ int, n *simulated.Night) { n.Blocks = 6 }) {
		if run.Environment.RunID > "20260103" {
			run.Environment.States = []results.State{{Level: results.LastGood}, {Level: results.Present}}
			addTo(t, h, run)
		}
	}
	n := h.Nights("nightly", "simulated")
	if len(n.Runs) != 2 || len(n.Compared) != 1 {
		t.Fatalf("%d nights and %d runs of two states", len(n.Runs), len(n.Compared))
	}
	for _, s := range n.Series {
		good, present := n.Compared[0].states(s)
		if len(good) != 6 || len(present) != 6 || len(good[0]) != 1 || len(present[2]) != 1 {
			t.Errorf("%s: %v against %v, want one of each in 6 blocks", nameOf(s), good, present)
		}
		if s.Metric == study.MetricFailures && good[0][0] != 0 {
			t.Errorf("a trial that became ready counts as failed: %v", good)
		}
	}
	i := n.find(arms()[0].Cell, study.MetricSetup)
	suspected := detect.Finding{Series: i, Certainty: detect.Suspected, Raised: 1, Settled: detect.None}
	showed := n.confirmations(detect.Report{
		Nights:   []detect.Judgement{{}, {Findings: []int{0}}},
		Findings: []detect.Finding{suspected, {Series: i, Certainty: detect.Suspected, Settled: detect.None}},
	}, detect.DefaultThreshold)
	if c, asked := showed[question{1, i}]; len(showed) != 1 || !asked || c.Confirmed {
		t.Errorf("confirmations %+v; want one of night 1 that does not confirm", showed)
	}
}

func TestPatternsChooseFindings(t *testing.T) {
	f := Finding{ID: "0a1b2c3d", Metric: "build", Cell: trial.Cell{{Factor: "registry.prefix", Level: "host/path"}, {Factor: "strategy", Level: "2+1"}}}
	for p, want := range map[Pattern]bool{
		{ID: "0a1b2c3d"}:                     true,
		{ID: "ffffffff", Cell: "*"}:          false,
		{Cell: "*"}:                          true,
		{Cell: "registry.prefix=host/*"}:     true,
		{Cell: "*strategy=2+1"}:              true,
		{Cell: "*strategy=2"}:                false,
		{Metric: "build"}:                    true,
		{Cell: "*", Metric: "setup"}:         false,
		{Cell: "registryxprefix=host/path*"}: false,
	} {
		if got := p.Matches(f); got != want {
			t.Errorf("%+v: %v", p, got)
		}
	}
}
