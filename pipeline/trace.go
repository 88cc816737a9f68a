package pipeline

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

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
