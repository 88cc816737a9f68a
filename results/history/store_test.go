package history

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
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

func addTo(t *testing.T, h *History, runs ...results.Run) (added Added) {
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
	addTo(t, h, runs...)
	return dir, h
}

// recorded is the history that would be read of the runs.
func recorded(t *testing.T, runs ...results.Run) *History {
	t.Helper()
	h := newHistory(filepath.Join(t.TempDir(), "history"), later)
	for _, run := range runs {
		run.Records = slices.Clone(run.Records)
		for i, r := range run.Records {
			run.Records[i] = r.Slim()
		}
		r, damaged := h.night(run)
		if len(damaged) > 0 {
			t.Fatal(damaged)
		}
		h.byKey[r.key], h.Runs = r, append(h.Runs, r)
	}
	h.sort()
	return h
}

// snapshot has all files of a folder but locks.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		text, err := os.ReadFile(path)
		all[path[len(dir)+1:]] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged holds what stood in a folder against what stands there now.
func unchanged(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := snapshot(t, dir)
	for name, text := range before {
		if !strings.HasPrefix(after[name], text) {
			t.Errorf("what stood in %s was changed", name)
		}
	}
}

func recordsOf(t *testing.T, r *Run) results.Run {
	t.Helper()
	runs, err := records(r.key, r.paths)
	if err != nil || len(runs) == 0 {
		t.Fatal(r.RunID, err)
	}
	run, _ := join(runs)
	return run
}

// equal compares two histories by the records that they hold.
func equal(t *testing.T, a, b *History) bool {
	t.Helper()
	if len(a.Runs) != len(b.Runs) {
		return false
	}
	for i := range a.Runs {
		x, y := recordsOf(t, a.Runs[i]), recordsOf(t, b.Runs[i])
		for _, of := range [][2]any{{x.Records, y.Records}, {x.Environment, y.Environment}, {x.Plan, y.Plan}} {
			p, _ := json.Marshal(of[0])
			q, _ := json.Marshal(of[1])
			if !bytes.Equal(p, q) {
				return false
			}
		}
	}
	return true
}

func alike(a, b results.Record) bool { return same(&a, &b) }

func TestANightIsTheRunsOwnRecords(t *testing.T) {
	runs := nights(4)
	dir, h := filled(t, runs...)
	again := read(t, dir)
	if len(again.Damaged) > 0 || len(h.Damaged) > 0 || len(h.Runs) != 4 || len(again.Runs) != 4 {
		t.Fatalf("%d runs, %d when read again, damaged %v and %v", len(h.Runs), len(again.Runs), h.Damaged, again.Damaged)
	}
	for i, run := range runs {
		kept, err := results.ReadRun(filepath.Join(dir, "simulated", run.Environment.RunID))
		if err != nil || len(kept.Damaged) > 0 || len(kept.Records) != len(run.Records) {
			t.Fatal(err, kept.Damaged, len(kept.Records))
		}
		for j, rec := range run.Records {
			if !alike(kept.Records[j], rec.Slim()) || !alike(rec.Slim(), rec.Slim().Slim()) {
				t.Errorf("%s came back as %+v", rec.Trial.ID, kept.Records[j])
			}
		}
		r := again.Runs[i]
		if r.RunID != run.Environment.RunID || r.Experiment != "nightly" || len(r.Trials) != 6 || r.planned != 6 || len(r.References) != 3 || !r.Simulated {
			t.Errorf("run %d is %s of %s with %d of %d trials", i, r.RunID, r.Experiment, len(r.Trials), r.planned)
		}
	}
	if !equal(t, h, again) {
		t.Error("what was added is not what is read")
	}
}

func TestAddingAgainAddsNothing(t *testing.T) {
	runs := nights(2)
	dir, h := filled(t, runs...)
	before := snapshot(t, dir)
	if a := addTo(t, h, runs[0]); a.Records != 0 {
		t.Errorf("adding again to the same history: %+v", a)
	}
	// One that was opened before the other added.
	stale := newHistory(dir, later)
	if a := addTo(t, stale, runs[0]); a.Records != 0 || len(stale.Runs) != 1 {
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
	a := addTo(t, h, whole)
	if a.Records != 6 || len(h.Runs) != 1 || len(h.Runs[0].Trials) != 6 {
		t.Errorf("%+v, and %d trials", a, len(h.Runs[0].Trials))
	}
	unchanged(t, dir, before)
	if after := snapshot(t, dir); len(after) != len(before) {
		t.Errorf("%d files, want %d", len(after), len(before))
	}
}

func TestTheLastAttemptCounts(t *testing.T) {
	run := nights(1)[0]
	again := run.Records[1]
	run.Records[1].Verdict.Outcome = trial.Cancelled
	again.Attempt, again.Started = 2, again.Started.Add(time.Hour)
	run.Records = append(run.Records, again)
	_, h := filled(t, run)
	if got := h.Runs[0].Trials; len(got) != 6 || !got[0].counts() {
		t.Errorf("%d trials, of which the first counts: %v", len(got), got[0].counts())
	}
	if len(h.Damaged) > 0 {
		t.Errorf("an attempt that was done again is reported: %v", h.Damaged)
	}
}

func TestACutLineIsReportedAndTheTrialAddedAgain(t *testing.T) {
	run := nights(1)[0]
	dir, _ := filled(t, run)
	name := filepath.Join(dir, "simulated", run.Environment.RunID, results.JournalFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	cut := text[:len(text)-30]
	if err := os.WriteFile(name, cut, 0o644); err != nil {
		t.Fatal(err)
	}
	h := read(t, dir)
	if len(h.Damaged) != 1 || !strings.Contains(h.Damaged[0].String(), ":9: the line is cut off") {
		t.Errorf("damaged = %v, want the cut line 9", h.Damaged)
	}
	if len(h.Runs[0].Trials) != 5 {
		t.Errorf("%d trials of the cut file, want 5", len(h.Runs[0].Trials))
	}
	addTo(t, h, run)
	after, _ := os.ReadFile(name)
	if !bytes.HasPrefix(after, cut) || len(read(t, dir).Runs[0].Trials) != 6 {
		t.Error("the missing trial was not added behind what stood there")
	}
}

func TestDamageIsReportedByLineAndTheRestUsed(t *testing.T) {
	// Of the nine lines of a night, 2, 3, 5, 6, 8 and 9 are trials.
	for name, c := range map[string]struct {
		change       func([]string) []string
		line, trials int
		message      string
	}{
		"no JSON": {func(l []string) []string { l[5] = "<<<<<<< HEAD"; return l }, 6, 5, "not a record"},
		"foreign": {func(l []string) []string { return append(l, `{"schema":"other/v2","x":1}`) }, 10, 6, `schema "other/v2" is not`},
		"doubled": {func(l []string) []string { return append(l, l[5]) }, 10, 6, "the same record is also in"},
		"doubled and changed": {func(l []string) []string {
			return append(l, strings.Replace(l[5], `"outcome":"ok"`, `"outcome":"engine-hang"`, 1))
		}, 10, 6, "a different version of this record is in"},
		"yet to come": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"started":"2026`, `"started":"2066`, 1)
			return l
		}, 9, 5, "ahead of this host's clock"},
		"an unknown outcome": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"outcome":"ok"`, `"outcome":"exploded"`, 1)
			return l
		}, 9, 5, `"exploded" is not a known outcome`},
		"a negative time": {func(l []string) []string {
			l[8] = strings.Replace(l[8], `"setup_seconds":`, `"setup_seconds":-`, 1)
			return l
		}, 9, 5, "negative"},
		"no such cell": {func(l []string) []string {
			l[8] = strings.ReplaceAll(strings.ReplaceAll(l[8], `"level":"serial"`, `"level":"other"`), `"level":"parallel"`, `"level":"other"`)
			return l
		}, 9, 5, "to no cell"},
	} {
		dir, _ := filled(t, nights(2)...)
		file := filepath.Join(dir, "simulated", "20260101-020000-nightly", results.JournalFile)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := c.change(strings.Split(strings.TrimSpace(string(text)), "\n"))
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		h := read(t, dir)
		unchanged(t, dir, before)
		if len(h.Damaged) != 1 || h.Damaged[0].Line != c.line || !strings.Contains(h.Damaged[0].Message, c.message) {
			t.Errorf("%s: damaged = %v, want one of line %d with %q", name, h.Damaged, c.line, c.message)
		}
		if len(h.Runs) != 2 || len(h.Runs[0].Trials) != c.trials || len(h.Runs[1].Trials) != 6 {
			t.Errorf("%s: the rest is not used: %d runs, %d trials", name, len(h.Runs), len(h.Runs[0].Trials))
		}
	}
}

func TestAFolderThatIsNoNightIsReported(t *testing.T) {
	dir, _ := filled(t, nights(2)...)
	if err := os.Remove(filepath.Join(dir, "simulated", "20260101-020000-nightly", results.EnvironmentFile)); err != nil {
		t.Fatal(err)
	}
	if h := read(t, dir); len(h.Runs) != 1 || len(h.Damaged) != 1 {
		t.Errorf("%d runs and damaged %v; want the other run, and a damaged one", len(h.Runs), h.Damaged)
	}
}

func TestARunFromTheFutureIsNotUsed(t *testing.T) {
	dir, _ := filled(t, nights(3)...)
	h, err := Read(dir, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Runs) != 2 || len(h.Damaged) != 1 || !strings.Contains(h.Damaged[0].Message, "ahead of this host's clock") {
		t.Errorf("%d runs, damaged %v", len(h.Runs), h.Damaged)
	}
}

func merge(t *testing.T, dst string, srcs ...string) Merged {
	t.Helper()
	m, err := Merge(dst, srcs...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func onHost(host string, runs []results.Run) []results.Run {
	for i := range runs {
		runs[i].Environment.HostID = host
	}
	return runs
}

// Two hosts that begin at the same second each night have runs of the same id.
func TestMergeIsAUnionThatCanBeRepeatedInAnyOrder(t *testing.T) {
	all := nights(6)
	a, _ := filled(t, all[:4]...)
	b, _ := filled(t, all[2:]...)
	c, _ := filled(t, onHost("other", nights(3))...)
	_, whole := filled(t, append(nights(6), onHost("other", nights(3))...)...)

	forth, back := t.TempDir(), t.TempDir()
	if m := merge(t, forth, a, b, c); m.Runs != 11 || m.Records != 9*9 || len(m.Conflicts) > 0 {
		t.Errorf("merged %+v, want 11 runs, of which 9 have records that are new", m)
	}
	merge(t, back, c, b)
	merge(t, back, a)
	if h := read(t, forth); len(h.Damaged) > 0 || !equal(t, h, whole) {
		t.Errorf("the union is not the whole: %d runs, %v", len(h.Runs), h.Damaged)
	}
	if !equal(t, read(t, forth), read(t, back)) {
		t.Error("the order of merging matters")
	}
	before := snapshot(t, forth)
	if m := merge(t, forth, back, forth, a); m.Records != 0 {
		t.Errorf("merging again: %+v", m)
	}
	unchanged(t, forth, before)
}

func TestCopyingFilesIsMerging(t *testing.T) {
	a, _ := filled(t, nights(4)...)
	b, _ := filled(t, onHost("other", nights(4))...)
	_, whole := filled(t, append(nights(4), onHost("other", nights(4))...)...)
	if err := os.CopyFS(a, os.DirFS(b)); err != nil { // which overwrites nothing
		t.Fatal(err)
	}
	if h := read(t, a); len(h.Damaged) > 0 || !equal(t, h, whole) {
		t.Errorf("the copy is not the union: %v", h.Damaged)
	}
}

func TestTheLongerOfTwoGoesOn(t *testing.T) {
	run := nights(1)[0]
	begun := run
	begun.Records = run.Records[:3]
	short, _ := filled(t, begun)
	long, h := filled(t, run)
	before := snapshot(t, short)
	if m := merge(t, short, long); m.Records != 6 {
		t.Errorf("merging the longer: %+v", m)
	}
	unchanged(t, short, before)
	if !equal(t, read(t, short), h) {
		t.Error("the shorter did not become the longer")
	}
	if m := merge(t, long, short); m.Records != 0 {
		t.Errorf("merging back: %+v", m)
	}
}

func TestTwoVersionsOfARecordAreBothKept(t *testing.T) {
	run := nights(1)[0]
	a, _ := filled(t, run)
	run.Records = slices.Clone(run.Records)
	run.Records[1].Verdict.Outcome = trial.EngineHang
	b, _ := filled(t, run)
	before := snapshot(t, a)
	m := merge(t, a, b)
	if len(m.Conflicts) != 1 || m.Records != 1 {
		t.Fatalf("merged %+v, want one conflict of one record", m)
	}
	unchanged(t, a, before)
	h := read(t, a)
	if len(h.Runs) != 1 || len(h.Damaged) != 1 || !strings.Contains(h.Damaged[0].Message, "a different version of this record") {
		t.Errorf("%d runs, damaged %v; want the second version reported", len(h.Runs), h.Damaged)
	}
	if bad, ok := h.Runs[0].Trials[0].Of("failures"); !ok || bad != 0 {
		t.Error("the first version is not the one that is used")
	}
	if m := merge(t, a, b); m.Records != 0 || len(m.Conflicts) != 0 {
		t.Errorf("merging again: %+v", m)
	}
}

func TestMergeLeavesWhatIsNoHistory(t *testing.T) {
	src, _ := filled(t, nights(1)...)
	foreign := filepath.Join(src, "foreign.jsonl")
	if err := os.WriteFile(foreign, []byte("{\"schema\":\"other/v1\"}\n{\"cut"), 0o644); err != nil {
		t.Fatal(err)
	}
	dst := t.TempDir()
	if m := merge(t, dst, src); len(m.Damaged) != 2 || m.Damaged[1].Line != 2 {
		t.Errorf("damaged = %v, want two of %s", m.Damaged, foreign)
	}
	if h := read(t, dst); len(h.Runs) != 1 || len(h.Damaged) > 0 {
		t.Errorf("%d runs, damaged %v", len(h.Runs), h.Damaged)
	}
	if _, err := Merge(dst, filepath.Join(src, "missing")); err == nil {
		t.Error("merging a folder that does not exist is no error")
	}
}

// Nights that were recorded before a night was a run's own records are judged as
// they were, and as they are once they were converted.
func TestNightsOfTheOlderFormat(t *testing.T) {
	dir := filepath.Join("testdata", realNights)
	older := read(t, dir)
	host := older.Runs[0].Host()
	converted := t.TempDir()
	m := merge(t, converted, dir)
	if len(older.Damaged) > 0 || len(m.Damaged) > 0 || m.Runs != len(older.Runs) || m.Records < 2*len(older.Runs) {
		t.Fatalf("%d runs, damaged %v, merged %+v", len(older.Runs), older.Damaged, m)
	}
	today := read(t, converted)
	if len(today.Damaged) > 0 || !equal(t, older, today) {
		t.Errorf("converted, the records are others: %v", today.Damaged)
	}
	var judged [2][]byte
	for i, h := range []*History{older, today} {
		judged[i], _ = json.Marshal(h.Check(realNights, host, detect.DefaultThreshold))
	}
	if !bytes.Equal(judged[0], judged[1]) {
		t.Errorf("the check says\n%s\nand of the converted nights\n%s", judged[0], judged[1])
	}
	// In one folder the one is the other, and neither is reported.
	if err := os.CopyFS(converted, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if h := read(t, converted); len(h.Runs) != len(older.Runs) || len(h.Damaged) > 0 {
		t.Errorf("both in one folder: %d runs, damaged %v", len(h.Runs), h.Damaged)
	}
	if m := merge(t, converted, dir); m.Records > 0 {
		t.Errorf("converted again: %+v", m)
	}
}

func FuzzReadLines(f *testing.F) {
	f.Add(`{"kind":"run","schema":"stratbench.history/v1","run":"a","run_id":"20260101-000000-x","environment":{"run_id":"20260101-000000-x","started":"2026-01-01T00:00:00Z"},"cells":[[]]}` +
		"\n" + `{"kind":"trial","run":"a","trial":"t1","attempt":1,"started":"2026-01-01T00:00:00Z","cell":0,"outcome":"ok","elapsed_seconds":1}`)
	f.Add("{\"kind\":\"baseline\"}\n{\"kind\":\"settings\",\"run\":\"a\",\"cell\":-1}\n\x00")
	f.Add(`{"kind":"reference","run":"a"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := readLines("f.jsonl", []byte(text))
		lines, trials := strings.Count(text, "\n")+1, 0
		for _, run := range c.runs {
			if r, _ := newHistory("", later).night(run); r != nil {
				trials += len(r.Trials)
			}
		}
		if trials+len(c.runs) > lines {
			t.Errorf("%d runs and %d trials of %d lines", len(c.runs), trials, lines)
		}
	})
}
