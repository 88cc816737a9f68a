package trial

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

func TestSeen(t *testing.T) {
	for want, e := range map[string]Evidence{
		"lives": {Source: SourceEngine, State: StateLives},
		"killed for want of memory: cc1 (process 7)":             {Source: SourceOOM, State: StateKilled, Detail: "cc1 (process 7)"},
		"reported as build-failed":                               {Source: SourceError, State: StateReported, Outcome: BuildFailed},
		"refuted by the watch, though it reads like engine-hang": {Source: SourceLog, State: StateReadsRefuted, Outcome: EngineHang},
	} {
		if got := e.Seen(); got != want || e.Unknown() != nil {
			t.Errorf("%+v is %q, unknown %q; want %q", e, got, e.Unknown(), want)
		}
	}
}

// TestNamesNobodyKnows: a record of another version is read, and its unknown names
// are kept and reported.
func TestNamesNobodyKnows(t *testing.T) {
	const text = `{"outcome":"engine-crash","cause":"gremlins","confidence":1,"evidence":[{"source":"tea leaves","state":"12 kills"}]}`
	var v Verdict
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if _, known := v.Cause.Text(); known || v.Cause != "gremlins" {
		t.Errorf("the cause is %q, known: %v", v.Cause, known)
	}
	if got, want := v.Evidence[0].Unknown(), []string{`source "tea leaves"`, `state "12 kills"`}; !slices.Equal(got, want) {
		t.Errorf("unknown are %q, want %q", got, want)
	}
	again, err := json.Marshal(v)
	if err != nil || string(again) != text {
		t.Errorf("written again as %s, %v", again, err)
	}
}

func TestCausesHaveTexts(t *testing.T) {
	for _, c := range append(slices.Collect(maps.Keys(causes)), ExitStatus(3)) {
		if text, known := c.Text(); !known || text == "" || text[len(text)-1] != '.' {
			t.Errorf("%s: %q, known: %v", c, text, known)
		}
	}
	if _, known := Cause("exit-status-many").Text(); known {
		t.Error("exit-status-many is known")
	}
}

func TestDistinct(t *testing.T) {
	said := Evidence{Source: SourceLog, State: StateReads, Outcome: BuildFailed, Text: "boom", Line: 3}
	again, other := said, said
	again.Line, other.Text = 0, "bang"
	if got := Distinct([]Evidence{said}, []Evidence{again, other}); !slices.Equal(got, []Evidence{said, other}) {
		t.Errorf("distinct are %+v", got)
	}
}
