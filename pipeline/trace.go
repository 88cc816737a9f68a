package pipeline

import (
	"cmp"
	"slices"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
)

// Trace collects the events of one trial. Its zero value is ready to use.
type Trace struct {
	mu     sync.Mutex
	spans  map[int]trial.Span
	open   map[int]bool
	tests  []trial.TestResult
	seen   []trial.Evidence
	result *Result
}

// Add takes one event.
func (t *Trace) Add(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spans == nil {
		t.spans, t.open = map[int]trial.Span{}, map[int]bool{}
	}
	if e.Span != nil {
		t.spans[e.SpanID] = *e.Span
		t.open[e.SpanID] = e.Kind == SpanStart
	}
	t.tests = append(t.tests, e.Tests...)
	if e.Seen != nil {
		t.seen = append(t.seen, *e.Seen)
	}
	if e.Result != nil {
		t.result = e.Result
	}
}

// Spans returns all spans by their start; of two that start together, the longer
// one first. Spans still open get this end and are marked unfinished.
func (t *Trace) Spans(end trial.Seconds) []trial.Span {
	t.mu.Lock()
	defer t.mu.Unlock()
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

// Tests returns the results of the suite so far.
func (t *Trace) Tests() []trial.TestResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.tests)
}

// Seen returns what the pipeline has observed so far.
func (t *Trace) Seen() []trial.Evidence {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen)
}

// Result returns how the trial ended. It returns false if no end was reported
// because the worker was killed or crashed.
func (t *Trace) Result() (Result, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.result == nil {
		return Result{}, false
	}
	return *t.result, true
}

// Running returns the open phase that began last, for a trial whose end was never
// reported. With asLoaded, a deployment counts only if no other phase is open: it waits
// for those beside it.
func (t *Trace) Running(asLoaded bool) trial.Phase {
	t.mu.Lock()
	defer t.mu.Unlock()
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
