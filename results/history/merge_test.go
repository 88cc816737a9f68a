package history

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results"
)

func merge(t *testing.T, dst string, srcs ...string) Merged {
	t.Helper()
	m, err := Merge(dst, srcs...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same compares two histories by all that they hold.
func same(t *testing.T, a, b *History) bool {
	t.Helper()
	if len(a.Runs) != len(b.Runs) {
		return false
	}
	for i := range a.Runs {
		if a.Runs[i].Run != b.Runs[i].Run || !slices.Equal(a.Runs[i].Settings, b.Runs[i].Settings) || len(a.Runs[i].References) != len(b.Runs[i].References) {
			return false
		}
		for _, of := range [][2]any{{a.Runs[i].Trials, b.Runs[i].Trials}, {a.Runs[i].References, b.Runs[i].References}, {a.Runs[i].Header, b.Runs[i].Header}} {
			x, _ := json.Marshal(of[0])
			y, _ := json.Marshal(of[1])
			if !bytes.Equal(x, y) {
				return false
			}
		}
	}
	return true
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
	if m := merge(t, forth, a, b, c); m.New != 9 || m.Same != 2 || m.Grown != 0 || len(m.Conflicts) > 0 {
		t.Errorf("merged %+v, want 9 files that are new, 2 the same", m)
	}
	merge(t, back, c, b)
	merge(t, back, a)
	if h := read(t, forth); len(h.Faults) > 0 || !same(t, h, whole) {
		t.Errorf("the union is not the whole: %d runs, %v", len(h.Runs), h.Faults)
	}
	if !same(t, read(t, forth), read(t, back)) {
		t.Error("the order of merging matters")
	}
	before := snapshot(t, forth)
	if m := merge(t, forth, back, forth, a); m.Lines != 0 || m.Same != m.Files {
		t.Errorf("merging again: %+v", m)
	}
	for name, text := range snapshot(t, forth) {
		if before[name] != text {
			t.Errorf("merging again changed %s", name)
		}
	}
}

func TestCopyingFilesIsMerging(t *testing.T) {
	a, _ := filled(t, nights(4)...)
	b, _ := filled(t, onHost("other", nights(4))...)
	_, whole := filled(t, append(nights(4), onHost("other", nights(4))...)...)
	for name, text := range snapshot(t, b) {
		if _, there := snapshot(t, a)[name]; there {
			t.Fatalf("copying would overwrite %s", name)
		}
		if err := os.WriteFile(filepath.Join(a, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if h := read(t, a); len(h.Faults) > 0 || !same(t, h, whole) {
		t.Errorf("the copy is not the union: %v", h.Faults)
	}
}

func TestTheLongerOfTwoGoesOn(t *testing.T) {
	run := nights(1)[0]
	begun := run
	begun.Records = run.Records[:3]
	short, _ := filled(t, begun)
	long, h := filled(t, run)
	before := snapshot(t, short)
	if m := merge(t, short, long); m.Grown != 1 || m.Lines != 6 {
		t.Errorf("merging the longer: %+v", m)
	}
	for name, text := range snapshot(t, short) {
		if !strings.HasPrefix(text, before[name]) {
			t.Error("what stood there was changed")
		}
	}
	if !same(t, read(t, short), h) {
		t.Error("the shorter did not become the longer")
	}
	if m := merge(t, long, short); m.Lines != 0 {
		t.Errorf("merging back: %+v", m)
	}
}

func TestTwoVersionsOfARecordAreBothKept(t *testing.T) {
	run := nights(1)[0]
	a, _ := filled(t, run)
	b, _ := filled(t, run)
	name := filepath.Join(b, fileName(headerOf(run)))
	text, _ := os.ReadFile(name)
	if err := os.WriteFile(name, bytes.Replace(text, []byte(`"outcome":"ok"`), []byte(`"outcome":"engine-hang"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, a)
	m := merge(t, a, b)
	if len(m.Conflicts) != 1 || m.Lines != 1 {
		t.Fatalf("merged %+v, want one conflict of one line", m)
	}
	after := snapshot(t, a)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
	h := read(t, a)
	if len(h.Faults) != 1 || !strings.Contains(h.Faults[0].Message, "a different record of the same") || h.Runs[0].Trials[0].Outcome != "ok" {
		t.Errorf("faults %v, outcome %s; want the second version reported and the first used", h.Faults, h.Runs[0].Trials[0].Outcome)
	}
	if m := merge(t, a, b); m.Lines != 0 || len(m.Conflicts) != 0 {
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
	if m := merge(t, dst, src); len(m.Faults) != 2 || m.Faults[1].Line != 2 {
		t.Errorf("faults = %v, want two of %s", m.Faults, foreign)
	}
	if h := read(t, dst); len(h.Runs) != 1 || len(h.Faults) > 0 {
		t.Errorf("%d runs, faults %v", len(h.Runs), h.Faults)
	}
	if _, err := Merge(dst, filepath.Join(src, "missing")); err == nil {
		t.Error("merging a folder that does not exist is no error")
	}
}
