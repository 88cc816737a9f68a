package classify

import (
	"path/filepath"
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
