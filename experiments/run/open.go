package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// open checks what can be checked and only then creates or reopens the run's
// folder.
func open(ctx context.Context, o Options) (*runner, error) {
	if cluster := os.Getenv("STRATBENCH_CLUSTER"); cluster != "" {
		return nil, fmt.Errorf("%w: this is started by a command of a trial (its cluster is %s), so trials would begin trials without an end; take it out of the workload's hooks, steps, set-up and test, or unset STRATBENCH_CLUSTER", ErrCannotRun, cluster)
	}
	r := newRunner(o)
	if err := r.choosePlaces(ctx, o.Machine, o.Resume); err != nil {
		return nil, err
	}
	if err := r.preflight(ctx); err != nil {
		return nil, err
	}
	for _, w := range r.warnings {
		r.report(Update{Note: "warning: " + w.String()})
	}
	dir := o.Resume
	if dir == "" {
		dir = filepath.Join(o.Root, RunID(r.started, o.Spec.Name))
	}
	if err := r.claim(ctx, filepath.Base(dir)); err != nil {
		return nil, err
	}
	reach := func() error { return r.create(ctx, dir) }
	if o.Resume != "" {
		reach = func() error { return r.reopen(dir) }
	}
	if err := reach(); err != nil {
		return nil, errors.Join(err, r.closePlaces())
	}
	return r, nil
}

// claim takes every engine of a user's for this run alone.
func (r *runner) claim(ctx context.Context, runID string) error {
	r.me = newHolder(runID)
	for _, p := range r.distinctPlaces() {
		if err := p.claim(ctx, r.me); err != nil {
			return errors.Join(fmt.Errorf("%w: %w", ErrCannotRun, err), r.closePlaces())
		}
	}
	return nil
}

func newRunner(o Options) *runner {
	return &runner{
		spec: o.Spec, plan: o.Plan, states: o.States, started: time.Now(), budget: o.Budget, decide: o.Look,
		done: map[string]bool{}, took: map[string][]time.Duration{}, referenced: map[int]time.Duration{}, references: map[int]int{},
		deployments: map[string]prepared{}, places: map[trial.Runtime]place{}, report: oneAtATime(o.Report), beginning: beginning{over: o.KeepGoing || o.Resume != ""},
	}
}

// oneAtATime lets a trial's worker and the run report side by side.
func oneAtATime(report func(Update)) func(Update) {
	var mu sync.Mutex
	return func(u Update) {
		mu.Lock()
		defer mu.Unlock()
		if report != nil {
			report(u)
		}
	}
}

// RunID names a run: when it began, and what it is.
func RunID(now time.Time, name string) string {
	return now.UTC().Format("20060102-150405") + "-" + name
}

func (r *runner) create(ctx context.Context, dir string) (err error) {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%w: %s exists already; try again in a second", results.ErrInUse, dir)
	}
	if r.journal, err = results.OpenJournal(dir); err != nil {
		return err
	}
	r.env = results.HostEnvironment(ctx, filepath.Dir(r.spec.Path))
	r.env.RunID, r.env.Started, r.env.Seed = filepath.Base(dir), r.started, r.plan.Seed
	r.env.SpecHash, r.env.WorkloadHash = r.spec.SHA256, r.spec.Workload.SHA256
	r.env.Images = sourcesOf(r.spec.Workload)
	workload, err := os.ReadFile(r.spec.Workload.Path)
	if err != nil {
		return errors.Join(fmt.Errorf("keeping the workload's file: %w", err), r.journal.Close())
	}
	if err := r.keepStates(); err != nil {
		return errors.Join(err, r.journal.Close())
	}
	planned := results.Plan{Schema: results.Schema, Seed: r.plan.Seed, Cells: r.plan.Cells, Trials: r.plan.Trials, Refused: r.refused, Indifference: float64(r.spec.Design.Indifference)}
	err = errors.Join(
		r.journal.WriteFileOnce(results.SpecFile, r.spec.Source),
		r.journal.WriteFileOnce(results.WorkloadFile, workload),
		r.journal.WriteOnce(results.PlanFile, planned),
		r.journal.WriteOnce(results.EnvironmentFile, r.env))
	if err = errors.Join(err, r.expect(filepath.Dir(dir))); err != nil {
		return errors.Join(err, r.journal.Close())
	}
	return nil
}

// reopen continues a run: its own plan, without the trials that have ended.
func (r *runner) reopen(dir string) (err error) {
	if r.journal, err = results.OpenJournal(dir); err != nil {
		return err
	}
	run, err := results.ReadRun(dir)
	if err != nil {
		return errors.Join(err, r.journal.Close())
	}
	if run.Environment.SpecHash != r.spec.SHA256 {
		return errors.Join(fmt.Errorf("the spec or its workload is not what %s was run with; continue with its own %s, or start a new run",
			run.ID(), results.SpecFile), r.journal.Close())
	}
	r.env, r.builds = run.Environment, run.Expected
	r.plan.Seed, r.plan.Cells, r.plan.Trials = run.Plan.Seed, run.Plan.Cells, run.Plan.Trials
	for _, rec := range run.Records {
		r.recall(rec)
	}
	for _, l := range run.Looks {
		r.retire(l.Retired)
	}
	r.report(Update{Note: fmt.Sprintf("continuing %s: %d of %d trials are recorded", run.ID(), len(r.done), len(r.plan.Trials))})
	return nil
}

// recall takes a record of an earlier session into account.
func (r *runner) recall(rec results.Record) {
	if rec.Kind == results.KindReference {
		r.references[rec.Trial.Block]++
		return
	}
	r.previous = &results.Previous{ID: rec.Trial.ID, Cell: rec.Trial.Cell.Key(), Outcome: rec.Verdict.Outcome}
	if rec.Kind == results.KindTrial && measured(rec) {
		r.settle(rec)
	}
	r.count(rec)
}

// measured is false for a trial that says nothing of its cell and is done
// again when the run is continued. A runner's fault that was injected is what
// its cell is about.
func measured(rec results.Record) bool {
	switch rec.Verdict.Outcome {
	case trial.Cancelled:
		return false
	case trial.RunnerFault:
		return rec.Fault != nil && slices.Contains(rec.Fault.Truth, trial.RunnerFault)
	}
	return true
}

// settle counts a trial as done.
func (r *runner) settle(rec results.Record) {
	r.done[rec.Trial.ID] = true
	key := rec.Trial.Cell.Key()
	r.took[key] = append(r.took[key], rec.Elapsed.Duration())
}

// IsOf says whether the run in the folder dir is of the experiment name.
func IsOf(dir, name string) bool {
	_, rest, found := strings.Cut(filepath.Base(dir), "-")
	_, of, again := strings.Cut(rest, "-")
	return found && again && of == name
}
