package classify

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stratbench/stratbench/internal/trial"
)

// Whatever the bytes, there is an outcome of the closed set that can happen in
// the phase, evidence that can be printed and marshalled, and line numbers that
// exist in the log.
func FuzzClassify(f *testing.F) {
	for _, r := range Rules() {
		f.Add([]byte(r.Case.Log), 1)
	}
	f.Add([]byte("\x1b[31mKilled\x1b]0;\n\xff\x00Error: EOF\r"), 137)
	f.Add(bytes.Repeat([]byte("no space left on device "), 20_000), 0)
	f.Fuzz(func(t *testing.T, log []byte, code int) {
		for _, phase := range append(trial.Phases(), "") {
			got, err := Classify(context.Background(), Options{Phase: phase, ExitCode: &code}, bytes.NewReader(log))
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.Count(log, []byte{'\n'}) + 1
			requireSane(t, got, lines)
			if code == 0 && got.Outcome != trial.OK {
				t.Errorf("exit code 0 is %s", got.Outcome)
			}
			if got, err = Classify(context.Background(), Options{Phase: phase}, bytes.NewReader(log)); err != nil {
				t.Fatal(err)
			}
			requireSane(t, got, lines)
		}
	})
}

func requireSane(t *testing.T, r Result, lines int) {
	t.Helper()
	if !slices.Contains(trial.Outcomes(), r.Outcome) {
		t.Errorf("outcome %q", r.Outcome)
	}
	if !r.Outcome.In(r.Phase) {
		t.Errorf("%s cannot happen in the phase %s", r.Outcome, r.Phase)
	}
	if r.Confidence <= 0 || r.Confidence > textAlone {
		t.Errorf("confidence %v", r.Confidence)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	for _, e := range r.Evidence {
		if e.Line < 1 || e.Line > lines || e.Rule == "" || !utf8.ValidString(e.Text) {
			t.Errorf("evidence %+v of a log of %d lines", e, lines)
		}
	}
}

func FuzzReadRules(f *testing.F) {
	f.Add(builtin)
	f.Add([]byte(ownRule))
	f.Add([]byte("rules: [{name: x, match: ['****']}]"))
	f.Add([]byte("rules: [{name: x, level: fatal}]"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rules, err := ReadRules(bytes.NewReader(file))
		if err != nil {
			return
		}
		c, err := New(rules)
		if err != nil {
			return
		}
		if _, err := c.Classify(context.Background(), Options{}, bytes.NewReader(file)); err != nil {
			t.Error(err)
		}
	})
}
