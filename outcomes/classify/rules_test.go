package classify

import (
	"context"
	"strings"
	"testing"
)

func classify(t *testing.T, opts Options, log string) Result {
	t.Helper()
	got, err := Classify(context.Background(), opts, strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Every rule carries a log that it decides, and this runs them all.
func TestEachRuleDecidesItsCase(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			if r.Level == Marker {
				requireSeen(t, r)
				return
			}
			got := classify(t, Options{Phase: r.Case.Phase, Runtime: r.Case.Runtime, ExitCode: r.Case.Exit}, r.Case.Log)
			if len(got.Evidence) == 0 || got.Evidence[0].Rule != r.Name {
				t.Fatalf("decided by %v, want this rule", got.Evidence)
			}
			if r.Outcome != "" && got.Outcome != r.Outcome {
				t.Errorf("outcome %s, want %s", got.Outcome, r.Outcome)
			}
			if got.Cause != r.Cause {
				t.Errorf("cause %q, want %q", got.Cause, r.Cause)
			}
		})
	}
}

func requireSeen(t *testing.T, r Rule) {
	t.Helper()
	s := newScanner(builtinClassifier())
	if err := s.read(context.Background(), strings.NewReader(r.Case.Log)); err != nil {
		t.Fatal(err)
	}
	for i := range s.sightings {
		if s.rules.rules[i].Name == r.Name && s.sightings[i].count > 0 {
			return
		}
	}
	t.Fatal("the marker was not seen in its case")
}

// Where a rule says what it must leave alone, that is run too.
func TestRulesLeaveTheirGreenLogsAlone(t *testing.T) {
	for _, r := range Rules() {
		if r.Green == "" {
			continue
		}
		got := classify(t, Options{}, r.Green)
		for _, e := range got.Evidence {
			if e.Rule == r.Name {
				t.Errorf("%s recognised its green log", r.Name)
			}
		}
	}
}
