package pipeline

import "github.com/stratbench/stratbench/internal/trial"

// Event is one thing that happened in a trial, reported as it happens, so
// that all that was known is known when the worker is killed.
type Event struct {
	Kind EventKind     `json:"kind"`
	At   trial.Seconds `json:"at_seconds"`
	// SpanID pairs the end of a span with its start. Span is complete in both, but
	// a start has no End.
	SpanID int         `json:"span_id,omitempty"`
	Span   *trial.Span `json:"span,omitempty"`
	// Phase, Image and Text are of a log line or of progress, Source of a line.
	Phase  trial.Phase `json:"phase,omitempty"`
	Image  string      `json:"image,omitempty"`
	Text   string      `json:"text,omitempty"`
	Source Source      `json:"source,omitempty"`

	Tests []trial.TestResult `json:"tests,omitempty"`
	// Seen is what the pipeline observed beside its own work.
	Seen *trial.Evidence `json:"seen,omitempty"`
	// Result is the last event of a trial; its spans and tests have been
	// reported before it and are not repeated.
	Result *Result `json:"result,omitempty"`
}

// EventKind is a kind of Event.
type EventKind string

// The kinds of Event.
const (
	SpanStart EventKind = "span-start"
	SpanEnd   EventKind = "span-end"
	// Log is a line that something printed; Progress is one of the pipeline's
	// own about how far it is, for a live display.
	Log      EventKind = "log"
	Progress EventKind = "progress"
	// Made says that the trial put the image Text into the engine's store: one
	// of the workload's, or one that a build's step left.
	Made  EventKind = "made"
	Tests EventKind = "tests"
	// Observed has what was Seen.
	Observed EventKind = "observed"
	Done     EventKind = "result"
)

// Source is where a line of the log comes from.
type Source string

// The sources of lines.
const (
	// Said is what the phase's own work printed.
	Said Source = ""
	// Evidence is what was read elsewhere after a failure, such as the journal
	// of a node: it may explain the error and is never the error.
	Evidence Source = "evidence"
)

// Reporter takes events. It is called from one goroutine at a time.
type Reporter func(Event)
