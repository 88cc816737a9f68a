package pipeline

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// Clock measures the time since the trial's origin. The runner reads the origin
// with Now and passes it to the worker, so that both count from the same moment.
type Clock struct{ origin time.Time }

// NewClock returns a clock that counts from origin, a value of Now. An origin of 0
// means this moment.
func NewClock(origin int64) Clock {
	started, now := time.Now(), Now()
	if origin == 0 {
		origin = now
	}
	return Clock{started.Add(time.Duration(origin - now))}
}

// Elapsed is the time since the origin.
func (c Clock) Elapsed() trial.Seconds { return c.At(time.Now()) }

// At is the time from the origin to a moment in this process.
func (c Clock) At(t time.Time) trial.Seconds { return trial.Seconds(t.Sub(c.origin)) }

// Now reads the clock that all processes of a host share, in nanoseconds. It is
// never set back.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now().UnixNano()
	}
	return ts.Nano()
}

// Event is one thing that happened in a trial. It is reported at once, so that
// nothing is lost when the worker is killed.
type Event struct {
	Kind EventKind     `json:"kind"`
	At   trial.Seconds `json:"at_seconds"`
	// SpanID pairs the end of a span with its start. Both carry the whole Span, but
	// at the start its End is not set.
	SpanID int         `json:"span_id,omitempty"`
	Span   *trial.Span `json:"span,omitempty"`
	// Phase, Image, Text and Source describe a log line.
	Phase  trial.Phase `json:"phase,omitempty"`
	Image  string      `json:"image,omitempty"`
	Text   string      `json:"text,omitempty"`
	Source Source      `json:"source,omitempty"`

	Tests []trial.TestResult `json:"tests,omitempty"`
	// Seen is something that the pipeline observed and that may explain an outcome.
	Seen *trial.Evidence `json:"seen,omitempty"`
	// Result comes with the last event of a trial.
	Result *Result `json:"result,omitempty"`
}

// EventKind is a type of Event. It is empty for one that carries Tests, Seen or Result.
type EventKind string

// The types of Event.
const (
	SpanStart EventKind = "span-start"
	SpanEnd   EventKind = "span-end"
	// Log is a line that something printed, or one of the pipeline's own.
	Log EventKind = "log"
	// Made reports that the trial put the image Text into the engine's store: an
	// image of the workload, or one that a build step left behind.
	Made EventKind = "made"
)

// Source is where a log line comes from.
type Source string

// The sources of log lines.
const (
	// Said is a line that the phase's own work printed.
	Said Source = ""
	// Evidence is a line that was read elsewhere after a failure, such as in a
	// node's journal: it may explain the error and is never the error itself.
	Evidence Source = "evidence"
)

// Reporter takes events, one at a time.
type Reporter func(Event)

// recorder stamps events with the trial's clock and reports them one at a time.
type recorder struct {
	clock  Clock
	mu     sync.Mutex
	report Reporter
	spans  int
}

func (r *recorder) emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.At == 0 {
		e.At = r.clock.Elapsed()
	}
	r.report(e)
}

// openSpan is a span that has not ended.
type openSpan struct {
	rec  *recorder
	id   int
	span trial.Span
	once sync.Once
}

// start opens a span at this moment.
func (r *recorder) start(s trial.Span) *openSpan { return r.startAt(s, time.Now()) }

func (r *recorder) startAt(s trial.Span, at time.Time) *openSpan {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans++
	s.Start = r.clock.At(at)
	o := &openSpan{rec: r, id: r.spans, span: s}
	r.report(Event{Kind: SpanStart, At: r.clock.Elapsed(), SpanID: o.id, Span: &s})
	return o
}

// end closes the span at this moment. Only the first call counts.
func (o *openSpan) end(err error) { o.endAt(time.Now(), err) }

func (o *openSpan) endAt(at time.Time, err error) {
	o.once.Do(func() {
		s := o.span
		s.End = max(o.rec.clock.At(at), s.Start)
		if err != nil {
			s.Error = err.Error()
		}
		o.rec.emit(Event{Kind: SpanEnd, SpanID: o.id, Span: &s})
	})
}

// Trace collects the events of one trial. Its zero value is ready to use. It is read
// once no more events come.
type Trace struct {
	spans map[int]trial.Span
	open  map[int]bool
	// Tests are the results of the suite, and Seen is what the pipeline has observed.
	Tests []trial.TestResult
	Seen  []trial.Evidence
	// Result is how the trial ended. It is nil if no end was reported because the worker
	// was killed or crashed.
	Result *Result
}

// Add takes one event.
func (t *Trace) Add(e Event) {
	if t.spans == nil {
		t.spans, t.open = map[int]trial.Span{}, map[int]bool{}
	}
	if e.Span != nil {
		t.spans[e.SpanID] = *e.Span
		t.open[e.SpanID] = e.Kind == SpanStart
	}
	t.Tests = append(t.Tests, e.Tests...)
	if e.Seen != nil {
		t.Seen = append(t.Seen, *e.Seen)
	}
	if e.Result != nil {
		t.Result = e.Result
	}
}

// Spans returns all spans by their start; of two that start together, the longer
// one first. Spans still open get this end and are marked unfinished.
func (t *Trace) Spans(end trial.Seconds) []trial.Span {
	spans := make([]trial.Span, 0, len(t.spans))
	for id, s := range t.spans {
		if t.open[id] {
			s.End, s.Unfinished = max(end, s.Start), true
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b trial.Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Name, b.Name))
	})
	return spans
}

// Built reports whether the phase build has ended well.
func (t *Trace) Built() bool {
	for id, s := range t.spans {
		if s.Phase == trial.PhaseBuild && s.IsPhase() && !t.open[id] && s.Error == "" {
			return true
		}
	}
	return false
}

// Running returns the open phase that began last, for a trial whose end was never
// reported. With asLoaded, a deployment counts only if no other phase is open: it waits
// for those beside it.
func (t *Trace) Running(asLoaded bool) trial.Phase {
	var last, deployment trial.Span
	for id, s := range t.spans {
		of := &last
		if asLoaded && s.Phase == trial.PhaseDeploy {
			of = &deployment
		}
		if t.open[id] && s.Phase != "" && s.Start >= of.Start {
			*of = s
		}
	}
	return cmp.Or(last.Phase, deployment.Phase)
}
