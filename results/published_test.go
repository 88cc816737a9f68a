package results_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
)

// folder is a run's folder, with a log.
func folder(t *testing.T) string {
	t.Helper()
	run := simulated.Run(simulated.Matrix()[:4], 3, 1)
	dir := filepath.Join(t.TempDir(), "20260101-020000-simulated")
	var journal bytes.Buffer
	for _, r := range run.Records {
		if err := json.NewEncoder(&journal).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string][]byte{results.JournalFile: journal.Bytes(), "t001/build.log": []byte("a log"), results.SpecFile: []byte("name: simulated\n"),
		results.LookFile(2): []byte(`{"block": 2, "stopped": true, "reason": "decided"}`)}
	for name, value := range map[string]any{results.EnvironmentFile: run.Environment, results.PlanFile: run.Plan} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPublishedRecordsAreTheRun(t *testing.T) {
	dir, report := folder(t), t.TempDir()
	if err := results.Publish(report, []string{dir}); err != nil {
		t.Fatal(err)
	}
	published, err := results.Published(report)
	if err != nil || len(published) != 1 {
		t.Fatal(published, err)
	}
	want, err := results.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := results.ReadRun(published[0])
	if err != nil {
		t.Fatal(err)
	}
	if got.ID() != want.ID() || len(got.Records) != 12 || !reflect.DeepEqual(got.Records, want.Records) || len(got.Looks) != 1 {
		t.Errorf("%s with %d records and %d looks is not %s with %d", got.ID(), len(got.Records), len(got.Looks), want.ID(), len(want.Records))
	}
	if logs, _ := filepath.Glob(filepath.Join(published[0], "t001*")); len(logs) > 0 {
		t.Errorf("logs are published: %v", logs)
	}
	again := t.TempDir()
	if err := results.Publish(again, []string{dir}); err != nil {
		t.Fatal(err)
	}
	sums := func(report string) string {
		text, err := os.ReadFile(filepath.Join(report, results.PublishedFolder, want.ID(), results.ChecksumFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if sums(report) != sums(again) {
		t.Errorf("published twice, the bytes differ:\n%s\n%s", sums(report), sums(again))
	}
}

// What was changed after it was published is not read.
func TestChangedRecordsAreRefused(t *testing.T) {
	for _, name := range []string{results.JournalFile + ".zst", results.PlanFile} {
		report := t.TempDir()
		if err := results.Publish(report, []string{folder(t)}); err != nil {
			t.Fatal(err)
		}
		published, err := results.Published(report)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(published[0], name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := results.ReadRun(published[0]); err == nil || !strings.Contains(err.Error(), name+" has the checksum") {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
}

// A run that was published before goes, and one of which it is made does not.
func TestPublishedAgain(t *testing.T) {
	report, first, second := t.TempDir(), folder(t), folder(t)
	other := filepath.Join(filepath.Dir(second), "20260102-020000-simulated")
	if err := os.Rename(second, other); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{first, first, other} {
		if err := results.Publish(report, []string{dir}); err != nil {
			t.Fatal(err)
		}
	}
	published, err := results.Published(report)
	if err != nil || len(published) != 1 || filepath.Base(published[0]) != filepath.Base(other) {
		t.Errorf("%v %v", published, err)
	}
	if err := results.Publish(report, []string{first, filepath.Join(report, "none")}); err == nil {
		t.Error("published what is not there")
	}
	if left, err := os.ReadDir(report); err != nil || len(left) != 1 {
		t.Errorf("left beside the published records: %v, %v", left, err)
	}
	if err := results.Publish(report, published); err == nil {
		t.Error("published out of itself")
	}
	if run, err := results.ReadRun(published[0]); err != nil || len(run.Records) != 12 {
		t.Errorf("what was published is gone: %v", err)
	}
}
