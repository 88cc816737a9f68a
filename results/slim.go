package results

import "github.com/stratbench/stratbench/internal/trial"

// Slim is the record as a history keeps it: how it ended, its times, and what
// may have changed between two nights. What is long is left out: the log and what
// was seen on the way, the steps of builds, tests that passed but for their
// number, and all samples but that of the most memory. A slim record is a record
// as any other; slimming it again changes nothing.
func (r Record) Slim() Record {
	r.Schema, r.Log, r.Observed, r.Silences, r.Previous = Schema, "", nil, nil, nil
	r.Started = r.Started.UTC().Round(0)
	spans, tests := r.Spans, r.Tests
	r.Spans, r.Tests = []trial.Span{}, []trial.TestResult{}
	for _, s := range spans {
		if s.Step == "" {
			r.Spans = append(r.Spans, s)
		}
	}
	for _, t := range tests {
		if t.Status == trial.TestPass {
			r.PassedTests++
			continue
		}
		t.Output = ""
		r.Tests = append(r.Tests, t)
	}
	most := -1
	for i, s := range r.Samples {
		if most < 0 || s.Peak() > r.Samples[most].Peak() {
			most = i
		}
	}
	if most >= 0 {
		r.Samples = []trial.Sample{r.Samples[most]}
	}
	return r
}
