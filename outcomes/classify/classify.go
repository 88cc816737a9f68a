// Package classify reads from a log text how a pipeline ended: one outcome of
// the closed set of internal/trial, with cause, phase, confidence and the lines
// it rests on. It reads a log of any length in one pass and asks nobody else,
// so it is a witness and not the watch: its confidence never exceeds 0.9.
//
// Rules are data (rules.yaml). A rule recognises one mechanism. Its level is the
// sort of statement, and a higher level explains the lower ones. Markers only
// show where the log is. The order of judgement stands at the top of judge.go;
// docs/classification.md has how to add a rule, and how often the rules are right
// about texts that they had never met.
package classify

import (
	"context"
	"io"
	"sync"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
)

// Options is what the caller knows about the log. All of it is optional, and
// the more is known the better the verdict.
type Options struct {
	Phase   trial.Phase
	Runtime trial.Runtime
	// ExitCode is that of the command which wrote the log; nil if unknown.
	ExitCode *int
	// Evidence reports whether a line, counted from 1, was added to the log to
	// explain a failure and does not state one; nil if no line was.
	Evidence func(line int) bool
}

// Result is what happened, by the log.
type Result struct {
	Outcome    trial.Outcome `json:"outcome"`
	Cause      trial.Cause   `json:"cause"`
	Phase      trial.Phase   `json:"phase"`
	Confidence float64       `json:"confidence"`
	Evidence   []Evidence    `json:"evidence"`
	// Contradicted is set where the outcome is ok although a failure is stated:
	// the exit code, or what followed, shows a success.
	Contradicted bool `json:"contradicted,omitempty"`
}

// Evidence is one line that the result rests on, the deciding one first.
type Evidence struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Rule string `json:"rule"`
}

var builtinClassifier = sync.OnceValue(func() *Classifier {
	c, err := New(Rules())
	if err != nil {
		panic("classify: the built-in rules have issues: " + err.Error())
	}
	return c
})

// Classify reads a log to its end and decides what happened, by the rules that
// ship with stratbench.
func Classify(ctx context.Context, opts Options, log io.Reader) (Result, error) {
	return builtinClassifier().Classify(ctx, opts, log)
}

// Classify reads a log to its end and decides what happened. The only errors
// are the reader's and the context's.
func (c *Classifier) Classify(ctx context.Context, opts Options, log io.Reader) (Result, error) {
	s := newScanner(c)
	s.evidence = opts.Evidence
	text, _ := readable.UTF8(log)
	if err := s.read(ctx, text); err != nil {
		return Result{}, err
	}
	return judge(opts, s), nil
}

// Verdict returns the result in the terms of a trial's record.
func (r Result) Verdict() trial.Verdict {
	v := trial.Verdict{Outcome: r.Outcome, Phase: r.Phase, Cause: r.Cause, Confidence: r.Confidence}
	for _, e := range r.Evidence {
		v.Evidence = append(v.Evidence, trial.Evidence{Source: trial.SourceLog, State: trial.StateReads, Outcome: r.Outcome, Text: e.Text, Line: e.Line, Rule: e.Rule})
	}
	return v
}
