package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// damaged is a history of two nights whose lines were changed, read again.
func damaged(t *testing.T, change func(lines []string) []string) *History {
	t.Helper()
	dir, _ := filled(t, nights(2)...)
	names, err := files(dir)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, names[0])
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(strings.Split(strings.TrimSpace(string(text)), "\n"))
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	h := read(t, dir)
	for name, text := range snapshot(t, dir) {
		if before[name] != text {
			t.Errorf("reading changed %s", name)
		}
	}
	return h
}

// The file has its trials in lines 4, 6, 8, 9, 11 and 12.
func TestDamageIsReportedByLineAndTheRestUsed(t *testing.T) {
	for name, c := range map[string]struct {
		change       func([]string) []string
		line, trials int
		message      string
	}{
		"no JSON": {func(l []string) []string { l[5] = "<<<<<<< HEAD"; return l }, 6, 5, "not a record"},
		"foreign": {func(l []string) []string { return append(l, `{"schema":"other/v2","x":1}`) }, 13, 6, `schema "other/v2" is not`},
		"of a later version": {func(l []string) []string { return append(l, `{"kind":"weather","rain":true}`) }, 13, 6,
			`kind "weather" is none of this version's`},
		"of another run": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"run":"`, `"run":"dead`, 1)
			return l
		}, 9, 5, "has no header"},
		"doubled": {func(l []string) []string { return append(l, l[5]) }, 13, 6, "the same line stands in"},
		"doubled and changed": {func(l []string) []string {
			return append(l, strings.Replace(l[5], `"outcome":"ok"`, `"outcome":"engine-hang"`, 1))
		}, 13, 6, "a different record of the same stands in"},
		"reordered": {func(l []string) []string { l[7], l[8] = l[8], l[7]; return l }, 9, 6, "used in its own place"},
		"yet to come": {func(l []string) []string {
			l[11] = strings.Replace(l[11], `"started":"2026`, `"started":"2066`, 1)
			return l
		}, 12, 5, "yet to come"},
		"an unknown outcome": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"outcome":"ok"`, `"outcome":"exploded"`, 1)
			return l
		}, 9, 5, `"exploded" is not a known outcome`},
		"a negative time": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"setup_seconds":`, `"setup_seconds":-`, 1)
			return l
		}, 9, 5, "negative"},
		"no such cell": {func(l []string) []string {
			l[8] = strings.NewReplacer(`"cell":0`, `"cell":7`, `"cell":1`, `"cell":7`).Replace(l[8])
			return l
		}, 9, 5, "has no cell 7"},
	} {
		h := damaged(t, c.change)
		if len(h.Faults) != 1 || h.Faults[0].Line != c.line || !strings.Contains(h.Faults[0].Message, c.message) {
			t.Errorf("%s: faults = %v, want one of line %d with %q", name, h.Faults, c.line, c.message)
		}
		if len(h.Runs) != 2 || len(h.Runs[0].Trials) != c.trials || len(h.Runs[1].Trials) != 6 {
			t.Errorf("%s: the rest is not used: %d runs, %d trials", name, len(h.Runs), len(h.Runs[0].Trials))
		}
	}
}

func TestARunWithoutAHeaderIsReported(t *testing.T) {
	h := damaged(t, func(l []string) []string { return l[1:] })
	if len(h.Runs) != 1 || len(h.Faults) != 11 {
		t.Errorf("%d runs and %d faults; want the other run, and a fault for each of 11 lines", len(h.Runs), len(h.Faults))
	}
}

func TestARunFromTheFutureIsNotUsed(t *testing.T) {
	dir, _ := filled(t, nights(3)...)
	h, err := Read(dir, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Runs) != 2 || len(h.Faults) == 0 || !strings.Contains(h.Faults[0].Message, "yet to come") {
		t.Errorf("%d runs, faults %v", len(h.Runs), h.Faults)
	}
}

// Lines are understood in any file and any order: all runs in one file,
// backwards, are the same history.
func TestLinesMayStandAnywhere(t *testing.T) {
	dir, h := filled(t, nights(3)...)
	var all []string
	for _, text := range snapshot(t, dir) {
		all = append(all, strings.Split(strings.TrimSpace(text), "\n")...)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "all.jsonl"), []byte(strings.Join(all, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	again := read(t, other)
	if len(again.Runs) != 3 {
		t.Fatalf("%d runs, want 3", len(again.Runs))
	}
	for i, r := range again.Runs {
		if r.RunID != h.Runs[i].RunID || len(r.Trials) != 6 || r.Trials[2].ID != h.Runs[i].Trials[2].ID {
			t.Errorf("run %d is %s with %d trials", i, r.RunID, len(r.Trials))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"kind":"run","schema":"stratbench.history/v1","run":"a","run_id":"20260101-000000-x","environment":{"started":"2026-01-01T00:00:00Z"},"cells":[[]]}` +
		"\n" + `{"kind":"trial","run":"a","trial":"t1","attempt":1,"started":"2026-01-01T00:00:00Z","cell":0,"outcome":"ok","elapsed_seconds":1}`)
	f.Add("{\"kind\":\"baseline\"}\n{\"kind\":\"settings\",\"run\":\"a\",\"cell\":-1}\n\x00")
	f.Add(`{"kind":"reference","run":"a"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := content{file: "f"}
		c.read([]byte(text))
		h := newHistory("", later)
		h.admit([]content{c})
		lines, trials := strings.Count(text, "\n")+1, 0
		for _, r := range h.Runs {
			trials += len(r.Trials)
		}
		if trials+len(h.Runs) > lines {
			t.Errorf("%d runs and %d trials of %d lines", len(h.Runs), trials, lines)
		}
	})
}
