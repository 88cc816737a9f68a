package triage

import (
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

func record(spans ...trial.Span) results.Record { return results.Record{Spans: spans} }

// TestEveryOutcomeHasCounsel: nobody is left alone with an outcome.
func TestEveryOutcomeHasCounsel(t *testing.T) {
	for _, o := range trial.Outcomes() {
		v := trial.Verdict{Outcome: o, Cause: "some cause", Confidence: 0.9}
		if likelyCause(v) == "" || o != trial.OK && (len(counselFor(v).next) == 0 || !strings.Contains(likelyCause(v), "0.90")) {
			t.Errorf("%s: %q, next %q", o, likelyCause(v), counselFor(v).next)
		}
	}
}

// TestCausesComeBeforeTheirOutcome: a cause's own counsel must stand before
// the general one, or nobody reads it.
func TestCausesComeBeforeTheirOutcome(t *testing.T) {
	for _, c := range counsels {
		if got := counselFor(trial.Verdict{Outcome: c.outcome, Cause: c.cause}); got.means != c.means {
			t.Errorf("%s, cause %q, is counselled with %q", c.outcome, c.cause, got.means)
		}
	}
}

func TestWhatSpeaksAgainst(t *testing.T) {
	r := record()
	r.Verdict = trial.Verdict{Outcome: trial.EngineCrash, Cause: "oom"}
	r.Observed = []trial.Evidence{{Source: trial.SourceEngineAPI, State: trial.StateAnswers}, {Source: trial.SourceOOM, State: trial.StateNone, Text: "the kernel killed nobody"}}
	got := strings.Join(against(r), "; ")
	if !strings.Contains(got, "API answered") || !strings.Contains(got, "killed nobody") {
		t.Errorf("against: %s", got)
	}
	r.Verdict.Cause = trial.CauseRestarted
	if got := strings.Join(against(r), "; "); strings.Contains(got, "API answered") {
		t.Errorf("that an engine is back speaks against its restart: %s", got)
	}
	r.Verdict = trial.Verdict{Outcome: trial.ClusterCreateFailed, Cause: "kubeadm"}
	r.Observed = []trial.Evidence{{Source: trial.SourceEngineAPI, State: trial.StateSilent, Text: "connection refused"}}
	if got := strings.Join(against(r), "; "); !strings.Contains(got, "did not answer") {
		t.Errorf("against a failure of the cluster's alone: %s", got)
	}
}
