package pipeline

import (
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// recorder puts events on the trial's clock and hands them on one at a time.
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

// openSpan is a span that has started.
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

// end closes the span at this moment; only the first call counts.
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
