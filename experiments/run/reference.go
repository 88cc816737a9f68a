package run

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/experiments/run/reference"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// reference does the reference workload before the first trial that this
// session runs of a block, and records it. One that was interrupted is not
// recorded; one that fails is, and the run goes on. Its files lie beside the
// store of machines, in a folder that the next run sweeps.
func (r *runner) reference(ctx context.Context, block int) error {
	if _, again := r.referenced[block]; again || !r.spec.Design.Reference {
		return nil
	}
	record := r.newReference(block)
	job, spans, err := reference.Work(ctx, r.scratch.dir)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	record.Spans = append(record.Spans, spans...)
	if len(spans) > 0 {
		record.Elapsed = spans[len(spans)-1].End
	}
	if err != nil {
		record.Verdict = notMeasured(ctx, fmt.Errorf("doing the reference workload: %w", err))
	}
	if record.Settings, err = json.Marshal(job); err != nil {
		return fmt.Errorf("settings of %s: %w", record.Trial.ID, err)
	}
	r.referenced[block] = record.Elapsed.Duration()
	r.report(Update{Note: referenceNote(record)})
	return r.journal.Append(record)
}

func (r *runner) newReference(block int) results.Record {
	r.references[block]++
	return results.Record{
		RunID: r.env.RunID, Kind: results.KindReference, Started: time.Now(), Attempt: r.references[block],
		Trial:   trial.Trial{ID: fmt.Sprintf("r%03d", block), Block: block, Cell: trial.Cell{}},
		Verdict: trial.Verdict{Outcome: trial.OK, Confidence: 1},
		Load:    results.HostLoad(r.scratch.dir),
		Spans:   []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
	}
}

func referenceNote(r results.Record) string {
	if r.Verdict.Outcome != trial.OK {
		return r.Trial.ID + ": " + r.Verdict.Error
	}
	return fmt.Sprintf("%s: the reference workload took %s", r.Trial.ID, r.Elapsed.Duration().Round(time.Millisecond))
}
