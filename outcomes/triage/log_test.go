package triage

import (
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestReadLog(t *testing.T) {
	lines := readLog(strings.NewReader("     1.500s build/api          STEP 1/2: FROM x\nsecond line of it\n   301.000s watch              ! engine ended: signal: killed\n"))
	want := []logLine{
		{trial.Seconds(1500 * time.Millisecond), "build/api", "STEP 1/2: FROM x"},
		{trial.Seconds(1500 * time.Millisecond), "", "second line of it"},
		{trial.Seconds(301 * time.Second), "watch", "! engine ended: signal: killed"},
	}
	if len(lines) != len(want) {
		t.Fatalf("read %+v", lines)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("line %d is %+v, want %+v", i+1, lines[i], want[i])
		}
	}
	if lines[0].phase() != trial.PhaseBuild || lines[2].phase() != "" {
		t.Errorf("phases are %q and %q", lines[0].phase(), lines[2].phase())
	}
}

func TestSilencesAreWithinPhases(t *testing.T) {
	lines := readLog(strings.NewReader("0.1s build > build\n0.2s build/api one\n40.2s build/api two\n41s build < build\n"))
	r := record(trial.Span{Name: "build", Phase: trial.PhaseBuild, Start: trial.Seconds(100 * time.Millisecond), End: trial.Seconds(41 * time.Second)},
		trial.Span{Name: "teardown", Start: trial.Seconds(41 * time.Second), End: trial.Seconds(99 * time.Second)})
	got := silences(r, lines)
	if len(got) != 1 || got[0].Mark != "SILENT 40s" || got[0].At != lines[1].at {
		t.Errorf("found %+v", got)
	}
}

// FuzzReadLog: whatever a log holds, it can be read, and time does not go back
// by a line that is none.
func FuzzReadLog(f *testing.F) {
	f.Add("     1.500s build/api          STEP 1/2: FROM x\n")
	f.Add("9999999999999999999h s x\n")
	f.Add("-5s  \x00\xff\n1.5s\n s s\n")
	f.Fuzz(func(t *testing.T, text string) {
		if lines := readLog(strings.NewReader(text)); len(lines) > strings.Count(text, "\n")+1 {
			t.Errorf("%d lines of %d", len(lines), strings.Count(text, "\n")+1)
		}
	})
}
