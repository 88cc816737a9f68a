package run

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
)

// TestClockSetBack: a wall clock that is set back in mid-trial is recorded, and
// every duration stays right.
func TestClockSetBack(t *testing.T) {
	for name, c := range map[string]struct{ set, want time.Duration }{
		"back":    {-time.Hour, -time.Hour},
		"forward": {10 * time.Second, 10 * time.Second},
		"slewed":  {100 * time.Millisecond, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			log, err := openTrialLog(filepath.Join(dir, "log.txt"), nil)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			began := time.Now()
			x := &execution{log: log, clock: pipeline.NewClock(0), trial: trial.Trial{ID: "t001"},
				r:      &runner{report: func(u Update) { told = append(told, u.Note) }},
				record: results.Record{Started: began, Trial: trial.Trial{ID: "t001"}, Verdict: trial.Verdict{Outcome: trial.OK}}}
			time.Sleep(20 * time.Minute)
			x.record.Elapsed = x.clock.Elapsed()
			x.noteClockSet(began.Round(0).Add(x.record.Elapsed.Duration() + c.set))

			journal, err := results.OpenJournal(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := journal.Append(x.record); err != nil {
				t.Fatal(err)
			}
			journal.Close()
			got := readJournal(t, dir)
			if got.Elapsed.Duration() != 20*time.Minute {
				t.Errorf("%s: the trial is recorded with %v", name, got.Elapsed.Duration())
			}
			switch {
			case c.want == 0 && (got.ClockSet != nil || len(told) != 0):
				t.Errorf("%s: a slewed clock was taken for one that was set: %v", name, told)
			case c.want != 0 && (got.ClockSet == nil || got.ClockSet.Duration() != c.want || len(told) != 1):
				t.Errorf("%s: recorded %v, told %q; want %v", name, got.ClockSet, told, c.want)
			}
		})
	}
}

// readJournal reads the one record of a journal.
func readJournal(t *testing.T, dir string) results.Record {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, results.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, faults, err := results.Read(f.Name(), f)
	if err != nil || len(faults) > 0 || len(records) != 1 {
		t.Fatalf("%d records, faults %v, error %v", len(records), faults, err)
	}
	return records[0]
}
