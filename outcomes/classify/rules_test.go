package classify

import (
	"context"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
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
			switch r.Level {
			case Marker:
				requireSeen(t, r)
				return
			case Ordinary:
				requireOrdinary(t, r)
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

// requireOrdinary runs the case of a rule that keeps other rules away. The case is no
// failure, and would be one without the rule.
func requireOrdinary(t *testing.T, r Rule) {
	t.Helper()
	if got := classify(t, Options{}, r.Case.Log); got.Outcome != trial.OK {
		t.Errorf("its case is %s by %+v", got.Outcome, got.Evidence)
	}
}

func requireSeen(t *testing.T, r Rule) {
	t.Helper()
	s := newScanner(builtinClassifier())
	if err := s.read(context.Background(), strings.NewReader(r.Case.Log)); err != nil {
		t.Fatal(err)
	}
	for i := range s.sightings[own] {
		if s.rules.rules[i].Name == r.Name && s.sightings[own][i].count > 0 {
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

// TestCausesAreKnown: a cause without a text in the table is a typing error.
func TestCausesAreKnown(t *testing.T) {
	for _, r := range Rules() {
		causes := []trial.Cause{r.Cause}
		for _, e := range r.Instead {
			causes = append(causes, e.Cause)
		}
		for _, c := range causes {
			if _, known := c.Text(); c != "" && !known {
				t.Errorf("rule %s concludes the cause %q, which is not in the table of internal/trial", r.Name, c)
			}
		}
	}
}
