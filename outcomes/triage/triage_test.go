package triage

import (
	"os"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

// TestOlderRecord: a record from before facts were typed is shown with what it
// has, and what this version cannot tell of it is said.
func TestOlderRecord(t *testing.T) {
	f, err := os.Open("testdata/older.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, faults, err := results.Read(f.Name(), f)
	if err != nil || len(faults) > 0 || len(records) != 1 {
		t.Fatalf("read %d records, faults %v, %v", len(records), faults, err)
	}
	var page strings.Builder
	if err := Of("run", records[0]).Write(&page, report.FormatTable); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"engine-crash in build, cause user defined signal 1, after",
		"[ENGINE LOST] engine ended: signal: user defined signal 1",
		"killed for want of memory: cc1 (process 7): the kernel killed",
		"[FAULT INJECTED] fault engine-kill: sent signal 10",
		"12, of which 0 wait for the disk or for memory",
		"build-oom, refuted by the watch",
		"the timeline has no silent stretches",
		`does not know: cause "user defined signal 1", state "12, of which 0 wait`,
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q:\n%s", want, &page)
		}
	}
}

// TestImportedRecord: a record that no run made is not shown as an older one.
func TestImportedRecord(t *testing.T) {
	r := record()
	r.Imported = &results.Imported{}
	r.Verdict = trial.Verdict{Outcome: trial.EngineHang, Evidence: []trial.Evidence{{Source: trial.SourceObserver, State: trial.StateNoted, Detail: "lock"}}}
	if got := Of("run", r); len(got.Notes) > 0 {
		t.Errorf("notes are %q", got.Notes)
	}
}

func TestTimelineOfFacts(t *testing.T) {
	r := record(trial.Span{Name: "build", Phase: trial.PhaseBuild, Start: 10e9, End: 320e9, Error: "nothing happened for 4m0s"})
	r.Silences = []trial.Silence{{Phase: trial.PhaseBuild, Start: 20e9, End: 272e9}}
	killed := trial.Evidence{Source: trial.SourceOOM, State: trial.StateKilled, Detail: "cc1 (process 7)", Text: "the kernel killed cc1", At: 15e9, Rule: trial.RuleWatch}
	ended := trial.Evidence{Source: trial.SourceTest, State: trial.StateEndedByWatch, Text: "engine does not answer", At: 300e9, Rule: trial.RuleWatch}
	r.Verdict = trial.Verdict{Outcome: trial.EngineHang, Phase: trial.PhaseBuild, Cause: trial.CauseNoAnswer, Evidence: []trial.Evidence{killed}}
	r.Observed = []trial.Evidence{killed, ended}
	got := Of("run", r)
	var lines []string
	for _, e := range got.Timeline {
		lines = append(lines, strings.TrimSpace(e.Mark+" "+e.Text))
	}
	want := []string{"> build", "OOM KILL killed for want of memory: cc1 (process 7): the kernel killed cc1", "SILENT 4m12s nothing was heard of build",
		"ended by the watch: engine does not answer", "< build: nothing happened for 4m0s", "end: engine-hang in build"}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") || len(got.Notes) > 0 {
		t.Errorf("the timeline is\n%s\nwith notes %q; want\n%s", strings.Join(lines, "\n"), got.Notes, strings.Join(want, "\n"))
	}
	if len(got.Evidence) != 2 || got.Evidence[0].State != trial.StateEndedByWatch {
		t.Errorf("evidence is %+v", got.Evidence)
	}
	if !strings.Contains(got.Cause, "its API did not answer") {
		t.Errorf("the cause is %q", got.Cause)
	}
}
