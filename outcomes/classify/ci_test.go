package classify

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// TestLogsOfCI classifies logs of CI, failing and green, that were written in
// our own words, with what a job of CI knows (the exit code tells the green ones)
// and from the text alone.
func TestLogsOfCI(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "ci", "*.jsonl"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no logs of CI: %v", err)
	}
	for _, name := range names {
		var failing, green []fieldRecord
		for _, r := range readRecords(t, name) {
			if r.Class == trial.OK {
				green = append(green, r)
			} else {
				failing = append(failing, r)
			}
		}
		alone := func(fieldRecord) Options { return Options{} }
		for _, of := range []struct {
			what      string
			got, want float64
		}{
			{"failing, known", share(t, failing, fieldRecord.options), 1},
			{"failing, text alone", share(t, failing, alone), learnt},
			{"green, known", share(t, green, fieldRecord.options), 1},
			{"green, text alone", share(t, green, alone), 0.92},
		} {
			if of.got < of.want {
				t.Errorf("%s, %s: classified %.1f %% right, want %.0f %%", name, of.what, 100*of.got, 100*of.want)
			}
		}
	}
}

// TestWhatIsPutInFrontOfLines: the same logs are judged alike in the log of a job
// or of compose.
func TestWhatIsPutInFrontOfLines(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "ci", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var bare []fieldRecord
	for _, name := range names {
		bare = append(bare, readRecords(t, name)...)
	}
	bare = slices.DeleteFunc(bare, func(r fieldRecord) bool { return strings.Contains(r.Text, "Z ") || strings.Contains(r.Text, "  | ") })
	for _, prefix := range []string{"e2e\tRun it\t2026-05-02T10:00:00.1000000Z ", "2026-05-02T10:00:00.100000Z 00O ", "runner-1  | "} {
		put := slices.Clone(bare)
		for i, r := range put {
			lines := strings.Split(strings.TrimSuffix(r.Text, "\n"), "\n")
			put[i].Text = prefix + strings.Join(lines, "\n"+prefix) + "\n"
		}
		if got := share(t, put, func(fieldRecord) Options { return Options{} }); got < 0.95 {
			t.Errorf("behind %q: classified %.1f %% right, want 95 %%", prefix, 100*got)
		}
	}
}
