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

func readJournal(t *testing.T, dir string) ([]Record, []Fault) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, faults, err := Read("j", f)
	if err != nil {
		t.Fatal(err)
	}
	return records, faults
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
	records, faults := readJournal(t, dir)
	if len(records) != 2 || records[0].Trial.ID != "t001" || records[1].Trial.ID != "t002" {
		t.Errorf("records = %v, want t001 and t002", records)
	}
	if len(faults) != 1 || faults[0].Line != 2 {
		t.Errorf("faults = %v, want one, on line 2", faults)
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
	records, faults, err := Read("j", strings.NewReader(text))
	if err != nil || len(records) != 0 || len(faults) != 3 {
		t.Errorf("Read = %v, %v, %v; want no record and three faults", records, faults, err)
	}
}

func TestReadNamesTimesThatCannotBe(t *testing.T) {
	var text strings.Builder
	for _, change := range []string{`"setup_seconds":-5`, `"elapsed_seconds":-1`, `"spans":[{"name":"build","start_seconds":3,"end_seconds":1}]`, `"setup_seconds":5`} {
		text.WriteString(`{"schema":"` + Schema + `","trial":{"id":"t1"},"verdict":{"outcome":"ok"},` + change + "}\n")
	}
	records, faults, err := Read("j", strings.NewReader(text.String()))
	if err != nil || len(records) != 1 || len(faults) != 3 || faults[0].String() != "j:1: not a record: setup_seconds is -5, and a time cannot be negative" {
		t.Errorf("Read = %v, %v, %v", records, faults, err)
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
		records, faults, err := Read("j", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text, "\n") + 1; len(records)+len(faults) > lines {
			t.Errorf("%d records and %d faults from %d lines", len(records), len(faults), lines)
		}
	})
}

// Records keep their order, and faults have their lines.
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
	records, faults, err := Read("j", strings.NewReader(text.String()))
	if err != nil || len(records) != lines-3 || len(faults) != 3 {
		t.Fatalf("%d records, %v, %v", len(records), faults, err)
	}
	if faults[0].Line != 5 || faults[1].Line != 6 || faults[2].Line != lines {
		t.Errorf("faults at %v", faults)
	}
	for i := 1; i < len(records); i++ {
		a, _ := strconv.Atoi(records[i-1].Trial.ID)
		if b, _ := strconv.Atoi(records[i].Trial.ID); b <= a {
			t.Fatalf("record %d after %d", b, a)
		}
	}
}
