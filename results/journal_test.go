package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func record(id string, outcome trial.Outcome) Record {
	return Record{
		RunID: "r", Kind: KindTrial,
		Trial:    trial.Trial{ID: id, Cell: trial.Cell{{Factor: "runtime", Level: "podman"}}},
		Settings: []byte("{}"),
		Verdict:  trial.Verdict{Outcome: outcome},
	}
}

func openJournal(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func readJournal(t *testing.T, dir string) ([]Record, []Damage) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, damaged, err := Read("j", f)
	if err != nil {
		t.Fatal(err)
	}
	return records, damaged
}

func TestJournalKeepsEverythingAcrossAKilledWriter(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	if err := j.Append(record("t001", trial.OK)); err != nil {
		t.Fatal(err)
	}
	j.Close()
	name := filepath.Join(dir, JournalFile)
	whole, _ := os.ReadFile(name)
	cut := append(whole, whole[:len(whole)/2]...)
	if err := os.WriteFile(name, cut, 0o644); err != nil {
		t.Fatal(err)
	}

	j = openJournal(t, dir)
	if err := j.Append(record("t002", trial.EngineCrash)); err != nil {
		t.Fatal(err)
	}
	records, damaged := readJournal(t, dir)
	if len(records) != 2 || records[0].Trial.ID != "t001" || records[1].Trial.ID != "t002" {
		t.Errorf("records = %v, want t001 and t002", records)
	}
	if len(damaged) != 1 || damaged[0].Line != 2 {
		t.Errorf("damaged = %v, want one, on line 2", damaged)
	}
	if after, _ := os.ReadFile(name); !strings.HasPrefix(string(after), string(cut)) {
		t.Error("reopening changed what stood in the journal")
	}
}

func TestJournalIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	openJournal(t, dir)
	if _, err := OpenJournal(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a second OpenJournal = %v, want ErrInUse", err)
	}
}

// TestARemovedFolderIsWrittenAgain removes, moves and replaces what a run has recorded,
// while it goes on.
func TestARemovedFolderIsWrittenAgain(t *testing.T) {
	for name, happens := range map[string]func(dir string) error{
		"removed":          os.RemoveAll,
		"moved":            func(dir string) error { return os.Rename(dir, dir+"-elsewhere") },
		"without journal":  func(dir string) error { return os.Remove(filepath.Join(dir, JournalFile)) },
		"with another one": func(dir string) error { return replaced(filepath.Join(dir, JournalFile)) },
	} {
		for _, resumed := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "run")
			j := openJournal(t, dir)
			if err := errors.Join(j.WriteOnce(PlanFile, Plan{Seed: 7}), j.WriteOnce(EnvironmentFile, Environment{RunID: "r"}), j.Append(record("t001", trial.OK))); err != nil {
				t.Fatal(err)
			}
			if resumed {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = openJournal(t, dir)
			}
			var notes []string
			j.Restored = func(note string) { notes = append(notes, note) }
			if _, _, err := j.TrialDir("t002"); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(happens(dir), j.Append(record("t002", trial.EngineCrash)), j.Append(record("t003", trial.OK))); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := OpenJournal(dir); !errors.Is(err, ErrInUse) {
				t.Errorf("%s: the folder is not held any more: %v", name, err)
			}
			if err := errors.Join(os.RemoveAll(dir), j.Close()); err != nil {
				t.Errorf("%s, and removed before the end: %v", name, err)
			}
			run, err := ReadRun(dir)
			var ids []string
			for _, r := range run.Records {
				ids = append(ids, r.Trial.ID)
			}
			if err != nil || strings.Join(ids, " ") != "t001 t002 t003" || len(run.Damaged) > 0 || run.Plan.Seed != 7 || run.Environment.RunID != "r" {
				t.Errorf("%s, resumed %t: records %q, damaged %v, %+v, %v", name, resumed, ids, run.Damaged, run.Plan, err)
			}
			if len(notes) != 2 || !strings.Contains(notes[0], "the logs of the trials so far may be lost") {
				t.Errorf("%s: notes are %q", name, notes)
			}
		}
	}
}

// replaced puts a copy of a file in its place, as editors do.
func replaced(path string) error {
	text, err := os.ReadFile(path)
	return errors.Join(err, os.Remove(path), os.WriteFile(path, text, 0o644))
}

func TestALostFolderIsReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	j := openJournal(t, dir)
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"recording": j.Append(record("t001", trial.OK)), "closing": j.Close()} {
		if err == nil || !strings.Contains(err.Error(), "what the run has recorded there is lost") || strings.Contains(err.Error(), "repair the disk") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestARestorationIsTriedAgain restores a folder into which one file of the run cannot be
// written at first.
func TestARestorationIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	j := openJournal(t, dir)
	sub := filepath.Join(dir, "sub")
	if err := errors.Join(os.Mkdir(sub, 0o755), j.WriteFileOnce("sub/plan.json", []byte("{}")), j.Append(record("t001", trial.OK)), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(record("t002", trial.OK)); err == nil || strings.Contains(err.Error(), "lost") || !strings.Contains(err.Error(), "with every record, but not all other files") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(os.Mkdir(sub, 0o755), j.Close()); err != nil {
		t.Error(err)
	}
	records, _ := readJournal(t, dir)
	if _, err := os.Stat(filepath.Join(sub, "plan.json")); err != nil || len(records) != 2 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestWriteOnceNeverOverwrites(t *testing.T) {
	j := openJournal(t, t.TempDir())
	if err := j.WriteFileOnce("spec.yaml", []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := j.WriteFileOnce("spec.yaml", []byte("b")); err == nil {
		t.Error("a second WriteFileOnce succeeded")
	}
}

func TestReadPassesOverForeignLines(t *testing.T) {
	text := "{\"schema\":\"other/v1\"}\nnot json\n\n{\"schema\":\"" + Schema + "\",\"trial\":{\"id\":\"t1\"},\"verdict\":{\"outcome\":\"exploded\"}}\n"
	records, damaged, err := Read("j", strings.NewReader(text))
	if err != nil || len(records) != 0 || len(damaged) != 3 {
		t.Errorf("Read = %v, %v, %v; want no record and three damaged", records, damaged, err)
	}
}

func TestReadNamesTimesThatCannotBe(t *testing.T) {
	var text strings.Builder
	for _, change := range []string{`"setup_seconds":-5`, `"elapsed_seconds":-1`, `"spans":[{"name":"build","start_seconds":3,"end_seconds":1}]`, `"setup_seconds":5`} {
		text.WriteString(`{"schema":"` + Schema + `","trial":{"id":"t1"},"verdict":{"outcome":"ok"},` + change + "}\n")
	}
	records, damaged, err := Read("j", strings.NewReader(text.String()))
	if err != nil || len(records) != 1 || len(damaged) != 3 || damaged[0].String() != "j:1: not a record: setup_seconds is -5, and a time cannot be negative" {
		t.Errorf("Read = %v, %v, %v", records, damaged, err)
	}
}

func TestTrialsCountsTheLastAttempt(t *testing.T) {
	run := Run{Records: []Record{
		{Kind: KindPreparation, Trial: trial.Trial{ID: "p1"}},
		record("t001", trial.Cancelled), record("t002", trial.OK), record("t001", trial.OK),
	}}
	trials := run.Trials()
	if len(trials) != 2 || trials[0].Verdict.Outcome != trial.OK {
		t.Errorf("Trials = %v, want t001 ok and t002", trials)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("{\"schema\":\"" + Schema + "\"}\n")
	f.Add("{\"schema\":\"" + Schema + "\",\"trial\":{\"id\":\"t1\"},\"verdict\":{\"outcome\":\"ok\"}}")
	f.Add("\x00\xff\n{}\n[1,2")
	f.Fuzz(func(t *testing.T, text string) {
		records, damaged, err := Read("j", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text, "\n") + 1; len(records)+len(damaged) > lines {
			t.Errorf("%d records and %d damaged from %d lines", len(records), len(damaged), lines)
		}
	})
}

// Records keep their order, and damaged have their lines.
func TestAJournalIsReadInOrder(t *testing.T) {
	var text strings.Builder
	const lines = 12
	for n := 1; n <= lines; n++ {
		if n == 5 || n == 6 || n == lines {
			text.WriteString("no record\n")
			continue
		}
		r := record(fmt.Sprint(n), trial.OK)
		r.Schema = Schema
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	records, damaged, err := Read("j", strings.NewReader(text.String()))
	if err != nil || len(records) != lines-3 || len(damaged) != 3 {
		t.Fatalf("%d records, %v, %v", len(records), damaged, err)
	}
	if damaged[0].Line != 5 || damaged[1].Line != 6 || damaged[2].Line != lines {
		t.Errorf("damaged at %v", damaged)
	}
	for i := 1; i < len(records); i++ {
		a, _ := strconv.Atoi(records[i-1].Trial.ID)
		if b, _ := strconv.Atoi(records[i].Trial.ID); b <= a {
			t.Fatalf("record %d after %d", b, a)
		}
	}
}
