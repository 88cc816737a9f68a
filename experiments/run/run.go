// Package run works a plan: for each trial a machine in its golden state, a
// worker process, a record; it recovers, resumes and keeps to a budget. It is
// where everything meets.
package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// WorkerCommand is the hidden command under which the program works a job.
const WorkerCommand = "worker"

// lostInARow is how many trials in a row may end without a machine before the
// run stops.
const lostInARow = 3

// ErrUnrecovered says that machines could not be had several times in a row.
var ErrUnrecovered = errors.New("the engine cannot be recovered")

// Options say what to run and where to record it.
type Options struct {
	Spec *spec.Spec
	Plan plan.Plan
	// Root is the folder that holds runs; Resume is the folder of a run to
	// continue, or empty.
	Root   string
	Resume string
	// States are the levels of the factor state, where the plan has it. Spec is
	// then what the run as a whole goes by.
	States []State
	// Machine overrides the kind of machine that the spec asks for, unless it
	// is empty.
	Machine machine.Kind
	// Budget stops the run before a block that would not end in time; 0 is
	// the spec's, or none.
	Budget time.Duration
	// Look, unless nil, says before each block whether to go on. It must stay
	// valid however often it is asked.
	Look func(results.Run) (results.Look, error)
	// KeepGoing goes on when all warm-ups, or all of the first block, have
	// failed alike.
	KeepGoing bool
	// Report is told how far the run is, from one goroutine at a time.
	Report func(Update)
}

// runner is a run under way.
type runner struct {
	spec *spec.Spec
	plan plan.Plan
	env  results.Environment
	// me is how this run signs what it makes on engines.
	me      holder
	journal *results.Journal
	places  map[trial.Runtime]place
	// nowhere is why there is no machine for the runtimes, where that is so.
	nowhere error
	scratch *scratch
	states  []State
	// deployments are those that were prepared, by what they are prepared from.
	deployments map[string]prepared
	// archives are those of images that are loaded and not built, by entry.
	archives map[string]pipeline.Archive
	// oci are the registries that stratbench brings, by state.
	oci map[string]*ociRegistry
	// prebooted are the states of the store that cells with cluster: prebooted
	// start from.
	prebooted map[string]string
	report    func(Update)
	decide    func(results.Run) (results.Look, error)
	started   time.Time
	budget    time.Duration
	// done are the trials that need not be run.
	done map[string]bool
	// builds are what is expected of builds, where a strategy goes by it.
	builds   []results.Expected
	previous *results.Previous
	refused  []results.Refusal
	// warnings are what may go wrong, found before anything was created.
	warnings  []issue.Issue
	beginning beginning
	// counted are the recorded trials that were not broken on purpose; ready is
	// true when one of them became ready.
	counted int
	ready   bool
	unclean []error
	// unrecovered is set when a machine could not be had again.
	unrecovered error
	took        map[string][]time.Duration
	// referenced are the blocks before which this session did the reference
	// workload, with how long it took; references counts, by block, those of
	// all sessions.
	referenced map[int]time.Duration
	references map[int]int
}

// Run works the plan and returns the run's folder, which holds all that was
// recorded even when there is an error. Trials that fail are records and no
// errors. The error wraps ErrUnrecovered when machines could not be had, and
// the context's cause when the run was cancelled.
func Run(ctx context.Context, o Options) (dir string, err error) {
	r, err := open(ctx, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	r.report(Update{Note: "recording to " + r.journal.Dir()})
	if err := r.prepare(ctx); err != nil {
		return r.journal.Dir(), err
	}
	return r.journal.Dir(), r.trials(ctx)
}

func (r *runner) close() error {
	err := errors.Join(errors.Join(r.unclean...), r.closePlaces())
	if r.scratch != nil {
		err = errors.Join(err, r.scratch.Close())
	}
	return errors.Join(err, r.journal.Close())
}

func (r *runner) closePlaces() (err error) {
	for _, p := range r.distinctPlaces() {
		err = errors.Join(err, p.close())
	}
	return err
}

// trials runs what the plan has left, block by block.
func (r *runner) trials(ctx context.Context) error {
	lost := 0
	for i, t := range r.plan.Trials {
		if r.done[t.ID] {
			continue
		}
		if r.outOfBudget(i) {
			if t.Block == 1 {
				return fmt.Errorf("%w: the budget of %s has no room for the first block, by how long the warm-ups took; give it more, or take levels out, and continue with --resume", ErrNoneReady, r.budget)
			}
			r.report(Update{Note: fmt.Sprintf("the budget of %s has no room for another block: stopped before block %d; continue with --resume", r.budget, t.Block)})
			return r.noneReady()
		}
		if stop, err := r.look(i); stop || err != nil {
			return err
		}
		if r.done[t.ID] { // its cell was retired by the look
			continue
		}
		if err := r.beginning.stop(r.plan.Trials, i); err != nil {
			return err
		}
		if err := r.reference(ctx, t.Block); err != nil {
			return err
		}
		record, err := r.one(ctx, t, jobTrial)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.unrecovered != nil {
			return r.unrecovered
		}
		if record.Verdict.Outcome != trial.RunnerFault || measured(record) {
			lost = 0
			continue
		}
		if lost++; lost >= lostInARow {
			return fmt.Errorf("%w: %d trials in a row could not be measured, the last because of: %s; its log is %s; see stratbench doctor, then continue with --resume",
				ErrUnrecovered, lost, record.Verdict.InShort(), r.log(record))
		}
	}
	return r.noneReady()
}

// log is the path of a record's log.
func (r *runner) log(record results.Record) string {
	return filepath.Join(r.journal.Dir(), record.Log)
}

// one executes a trial or a preparation and has it on disk before it returns.
func (r *runner) one(ctx context.Context, t trial.Trial, do task) (results.Record, error) {
	settings, _, err := r.cell(t.Cell)
	if err == nil {
		err = r.awaitEngine(ctx, r.places[settings.Runtime])
	}
	if err != nil {
		return results.Record{}, err
	}
	if do != jobTrial {
		r.preparing(Preparation{What: do.what() + ": " + t.String()})
	} else {
		r.report(Update{Started: &t, Done: len(r.done), Total: len(r.plan.Trials), Left: r.left()})
	}
	record, err := r.execute(ctx, t, do)
	if err != nil {
		return record, err
	}
	if err := r.journal.Append(record); err != nil {
		return record, err
	}
	r.previous = &results.Previous{ID: t.ID, Cell: t.Cell.Key(), Outcome: record.Verdict.Outcome}
	if do == jobTrial && record.Verdict.Outcome != trial.Cancelled {
		r.settle(record)
		r.beginning.take(record, r.injected(t))
		r.count(record)
	}
	r.report(Update{Ended: &record, Log: r.log(record), Done: len(r.done), Total: len(r.plan.Trials), Left: r.left()})
	return record, nil
}
