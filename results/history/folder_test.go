package history

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
)

// later is after every simulated night.
var later = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)

func arms() []simulated.Arm {
	return []simulated.Arm{
		{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 300, Spread: 0.03},
		{Cell: trial.Cell{{Factor: "strategy", Level: "parallel"}}, Median: 200, Spread: 0.03},
	}
}

func nights(n int) []results.Run {
	return slices.Collect(simulated.Nights("nightly", arms(), n, 1, nil))
}

func read(t *testing.T, dir string) *History {
	t.Helper()
	h, err := Read(dir, later)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func add(t *testing.T, h *History, runs ...results.Run) (added Added) {
	t.Helper()
	for _, run := range runs {
		var err error
		if added, err = h.Add(run); err != nil {
			t.Fatal(err)
		}
	}
	return added
}

// filled is a folder that holds the runs, and the history as it is then.
func filled(t *testing.T, runs ...results.Run) (string, *History) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "history")
	h := read(t, dir)
	add(t, h, runs...)
	return dir, h
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := files(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

func TestWhatIsAddedIsReadAgain(t *testing.T) {
	runs := nights(4)
	dir, h := filled(t, runs...)
	again := read(t, dir)
	if len(again.Faults) > 0 || len(h.Faults) > 0 {
		t.Errorf("faults %v and %v, want none", h.Faults, again.Faults)
	}
	if len(h.Runs) != 4 || len(again.Runs) != 4 {
		t.Fatalf("%d runs, %d when read again; want 4", len(h.Runs), len(again.Runs))
	}
	for i, run := range runs {
		r := again.Runs[i]
		if r.RunID != run.Environment.RunID || r.Experiment != "nightly" || len(r.Trials) != 6 || !r.Simulated() {
			t.Errorf("run %d is %s of %s with %d trials", i, r.RunID, r.Experiment, len(r.Trials))
		}
		for j, got := range r.Trials {
			want := run.Trials()[j]
			if got.ID != want.Trial.ID || got.Setup != rounded(*want.Setup) || got.Phases.Build <= 0 || got.Tests.Passed != 25 || got.PeakMemory == 0 {
				t.Errorf("trial %s came back as %+v", want.Trial.ID, got)
			}
			if key := r.Cells[got.Cell].Key(); key != want.Trial.Cell.Key() {
				t.Errorf("trial %s came back in cell %s", want.Trial.ID, key)
			}
		}
	}
}

func TestAddingAgainAddsNothing(t *testing.T) {
	runs := nights(2)
	dir, h := filled(t, runs...)
	before := snapshot(t, dir)
	if a := add(t, h, runs[0]); a.Records != 0 || a.Known != 9 {
		t.Errorf("adding again to the same history: %+v", a)
	}
	if a := add(t, read(t, dir), runs[1]); a.Records != 0 || a.Known != 9 {
		t.Errorf("adding again to one that was read: %+v", a)
	}
	// One that was opened before the other added.
	stale := newHistory(dir, later)
	if a := add(t, stale, runs[0]); a.Records != 0 || len(stale.Runs) != 1 {
		t.Errorf("adding to a history that did not know of it: %+v, %d runs", a, len(stale.Runs))
	}
	for name, text := range snapshot(t, dir) {
		if before[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestAResumedRunGrowsAtItsEnd(t *testing.T) {
	whole := nights(1)[0]
	begun := whole
	begun.Records = whole.Records[:3]
	dir, h := filled(t, begun)
	before := snapshot(t, dir)
	a := add(t, h, whole)
	if a.Records != 6 || a.Known != 3 || len(h.Runs) != 1 || len(h.Runs[0].Trials) != 6 {
		t.Errorf("%+v, and %d trials", a, len(h.Runs[0].Trials))
	}
	after := snapshot(t, dir)
	if len(after) != 1 {
		t.Errorf("%d files, want 1", len(after))
	}
	for name, text := range before {
		if !strings.HasPrefix(after[name], text) {
			t.Errorf("what stood in %s was changed", name)
		}
	}
}

func TestTheLastAttemptCounts(t *testing.T) {
	run := nights(1)[0]
	again := run.Records[1]
	run.Records[1].Verdict.Outcome = trial.Cancelled
	again.Attempt, again.Started = 2, again.Started.Add(time.Hour)
	run.Records = append(run.Records, again)
	_, h := filled(t, run)
	if got := h.Runs[0].Trials; len(got) != 6 || got[0].Attempt != 2 || got[0].Outcome != trial.OK {
		t.Errorf("%d trials, the first is attempt %d, %s", len(got), got[0].Attempt, got[0].Outcome)
	}
	if len(h.Faults) > 0 {
		t.Errorf("an attempt that was done again is reported: %v", h.Faults)
	}
}

func TestACutLineIsReportedAndTheTrialAddedAgain(t *testing.T) {
	run := nights(1)[0]
	dir, _ := filled(t, run)
	name := filepath.Join(dir, run.Environment.RunID+".simulated.jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	cut := text[:len(text)-30]
	if err := os.WriteFile(name, cut, 0o644); err != nil {
		t.Fatal(err)
	}
	h := read(t, dir)
	if len(h.Faults) != 1 || !strings.Contains(h.Faults[0].String(), ":12: the line is cut off") {
		t.Errorf("faults = %v, want the cut line 12", h.Faults)
	}
	if len(h.Runs[0].Trials) != 5 {
		t.Errorf("%d trials of the cut file, want 5", len(h.Runs[0].Trials))
	}
	add(t, h, run)
	after, _ := os.ReadFile(name)
	if !bytes.HasPrefix(after, cut) || len(read(t, dir).Runs[0].Trials) != 6 {
		t.Error("the missing trial was not added behind what stood there")
	}
}
