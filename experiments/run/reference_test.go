package run

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// referring is a runner that can do the reference workload, and nothing else.
func referring(t *testing.T, wanted bool) *runner {
	t.Helper()
	r := looking(t, nil)
	r.spec = &spec.Spec{Design: spec.Design{Reference: wanted}}
	scratch, err := NewScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { scratch.Close() })
	r.scratch = scratch
	return r
}

func (r *runner) recorded(t *testing.T) results.Run {
	t.Helper()
	run, err := results.ReadRun(r.journal.Dir())
	if err != nil || len(run.Damaged) > 0 {
		t.Fatal(err, run.Damaged)
	}
	return run
}

func TestTheReferenceIsDoneOncePerBlock(t *testing.T) {
	r := referring(t, true)
	for _, block := range []int{1, 1, 2} {
		if err := r.reference(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
	run := r.recorded(t)
	done := run.Done(results.KindReference)
	if len(done) != 2 || len(run.Trials()) != 0 || done[0].Trial.Block != 1 || done[1].Trial.ID != "r002" {
		t.Fatalf("recorded: %+v", run.Records)
	}
	first := done[0]
	if first.Elapsed <= 0 || first.Elapsed != first.Spans[2].End || first.Load.DiskFree == 0 || string(first.Settings) != string(done[1].Settings) {
		t.Errorf("%+v", first)
	}
	if r.referenced[1] != first.Elapsed.Duration() {
		t.Errorf("the budget counts %v of %v", r.referenced[1], first.Elapsed.Duration())
	}
}

func TestTheReferenceCanBeTurnedOff(t *testing.T) {
	r := referring(t, false)
	if err := r.reference(t.Context(), 1); err != nil || len(r.recorded(t).Records) != 0 {
		t.Error("a reference that nobody wanted", err)
	}
}

func TestAnInterruptedReferenceIsNotRecorded(t *testing.T) {
	r := referring(t, true)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("interrupted"))
	if err := r.reference(ctx, 1); err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v", err)
	}
	left, err := os.ReadDir(r.scratch.Dir)
	if err != nil || len(left) != 0 || len(r.recorded(t).Records) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestAReferenceThatFailsIsRecordedAndNotCompared(t *testing.T) {
	r := referring(t, true)
	if err := os.RemoveAll(r.scratch.Dir); err != nil {
		t.Fatal(err)
	}
	if err := r.reference(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	run := r.recorded(t)
	if len(run.Records) != 1 || run.Records[0].Verdict.Outcome != trial.RunnerFault || len(run.Done(results.KindReference)) != 0 {
		t.Errorf("recorded: %+v", run.Records)
	}
}

// A resumed run continues a block: its second reference is attempt 2, and the first
// does not count as a trial.
func TestAResumedRunRecallsReferences(t *testing.T) {
	again := referring(t, true)
	again.take(results.Record{Kind: results.KindReference, Trial: trial.Trial{ID: "r001", Block: 1}}, false)
	if again.previous != nil || len(again.done) != 0 {
		t.Errorf("previous %v, done %v", again.previous, again.done)
	}
	if err := again.reference(t.Context(), 1); err != nil || again.recorded(t).Records[0].Attempt != 2 {
		t.Error("a block that is continued has no second reference", err)
	}
}

// A runner killed in the middle of its reference leaves files: the kernel releases
// the lock, and the next start removes them.
func TestTheNextStartRemovesAKilledReference(t *testing.T) {
	parent := t.TempDir()
	killed, err := NewScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := killed.sub("reference-1/0"); err != nil {
		t.Fatal(err)
	}
	killed.lock.Close()
	next, err := NewScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if _, err := os.Stat(killed.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", killed.Dir, err)
	}
}
