package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
)

// open checks what can be checked, takes every engine of a user's for this run
// alone, and only then creates or reopens the run's folder.
func open(ctx context.Context, o Options) (*runner, error) {
	if cluster := os.Getenv("STRATBENCH_CLUSTER"); cluster != "" {
		return nil, fmt.Errorf("%w: a command of a trial has started it (the trial's cluster is %s), so trials would start trials without end; take it out of the workload's hooks, steps, set-up and test, or unset STRATBENCH_CLUSTER", ErrCannotRun, cluster)
	}
	r, err := examined(ctx, o)
	if err != nil {
		return nil, err
	}
	dir := o.Resume
	if dir == "" {
		dir = filepath.Join(o.Root, RunID(r.started, o.Spec.Name))
	}
	r.me = newHolder(filepath.Base(dir))
	for _, p := range r.distinct {
		if err := p.claim(ctx, r.me); err != nil {
			return nil, errors.Join(refused(err), r.close())
		}
	}
	for _, w := range r.warnings {
		r.report.note("warning: %s", w)
	}
	if r.scratch, err = NewScratch(r.cache); err != nil { // before the folder of results is made, because this may fail
		return nil, errors.Join(refused(err), r.close())
	}
	if o.Resume != "" {
		err = r.reopen(dir)
	} else {
		err = r.create(ctx, dir, cmp.Or(o.Sources, filepath.Dir(o.Spec.Path)))
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func newRunner(o Options) *runner {
	return &runner{
		spec: o.Spec, plan: o.Plan, states: o.States, started: time.Now(), budget: o.Spec.Budget, decide: o.Look,
		done: map[string]bool{}, took: map[string][]time.Duration{}, referenced: map[int]time.Duration{}, references: map[int]int{},
		deployments: map[string]prepared{}, places: map[trial.Runtime]place{}, report: oneAtATime(o.Report), beginning: beginning{over: o.KeepGoing || o.Resume != ""},
	}
}

func oneAtATime(report func(Update)) reporter {
	var mu sync.Mutex
	return func(u Update) {
		mu.Lock()
		defer mu.Unlock()
		if report != nil {
			report(u)
		}
	}
}

// RunID names a run: when it began and what it runs.
func RunID(now time.Time, name string) string {
	return now.UTC().Format("20060102-150405") + "-" + name
}

// IsOf reports whether the run in the folder dir is of the experiment name.
func IsOf(dir, name string) bool {
	parts := strings.SplitN(filepath.Base(dir), "-", 3) // as RunID joins them
	return len(parts) == 3 && parts[2] == name
}

// create makes the run's folder, with all that a reader of its records needs.
func (r *runner) create(ctx context.Context, dir, sources string) (err error) {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%w: %s exists already; try again in a second", results.ErrInUse, dir)
	}
	if err := r.openJournal(dir); err != nil {
		return err
	}
	r.env = results.HostEnvironment(ctx, sources)
	r.env.RunID, r.env.Started, r.env.Seed = filepath.Base(dir), r.started, r.plan.Seed
	r.env.SpecHash, r.env.WorkloadHash = r.spec.SHA256, r.spec.Workload.SHA256
	r.env.Images = sourcesOf(r.spec.Workload)
	workload, err := os.ReadFile(r.spec.Workload.Path)
	if err != nil {
		return fmt.Errorf("keeping the workload's file: %w", err)
	}
	if err := r.keepStates(); err != nil {
		return err
	}
	planned := results.Plan{Schema: results.Schema, Seed: r.plan.Seed, Cells: r.plan.Cells, Trials: r.plan.Trials, Refused: r.refused, Indifference: float64(r.spec.Design.Indifference),
		Hypotheses: r.spec.Design.Hypotheses}
	err = errors.Join(
		r.journal.WriteFileOnce(results.SpecFile, r.spec.Source),
		r.journal.WriteFileOnce(results.WorkloadFile, workload),
		r.journal.WriteOnce(results.PlanFile, planned),
		r.journal.WriteOnce(results.EnvironmentFile, r.env))
	return errors.Join(err, r.expect(filepath.Dir(dir)))
}

func (r *runner) openJournal(dir string) (err error) {
	if r.journal, err = results.OpenJournal(dir); err != nil {
		return err
	}
	r.journal.Restored = func(note string) { r.report.note("%s", note) }
	return nil
}

// keepStates writes each state's spec and workload, as given, beside the run's.
func (r *runner) keepStates() (err error) {
	for _, s := range r.states {
		workload, readErr := os.ReadFile(s.Spec.Workload.Path)
		if readErr != nil {
			return fmt.Errorf("keeping the workload's file of the state %s: %w", s.Level, readErr)
		}
		err = errors.Join(err, r.journal.WriteFileOnce(results.StateFile(s.Level, results.SpecFile), s.Spec.Source),
			r.journal.WriteFileOnce(results.StateFile(s.Level, results.WorkloadFile), workload))
		r.env.States = append(r.env.States, s.State)
	}
	return err
}

// sourcesOf identifies what each image is built from, so that a history can
// distinguish a slower build of the same from a build of something else. What
// cannot be read stays empty: the build will report why.
func sourcesOf(w spec.Workload) (sources []results.ImageSource) {
	for _, image := range w.FromDockerfiles() {
		s := results.ImageSource{Image: image.Name}
		if dockerfile, err := os.ReadFile(filepath.Join(image.Context, image.Dockerfile)); err == nil {
			args, _ := json.Marshal(image.Args) // never fails
			s.Recipe = sumOf(append(append(dockerfile, 0), args...))
		}
		s.Context, _ = runtimes.ContextHash(image.Context, image.Dockerfile, image.Contexts)
		sources = append(sources, s)
	}
	return sources
}

// reopen continues a run with its own plan, without the trials that are recorded.
func (r *runner) reopen(dir string) (err error) {
	if err := r.openJournal(dir); err != nil {
		return err
	}
	run, err := results.ReadRun(dir)
	if err != nil {
		return err
	}
	if run.Environment.SpecHash != r.spec.SHA256 {
		return fmt.Errorf("the spec or its workload is not what %s was run with; continue with its own %s, or start a new run", run.ID(), results.SpecFile)
	}
	r.env, r.builds = run.Environment, run.Expected
	r.plan.Seed, r.plan.Cells, r.plan.Trials = run.Plan.Seed, run.Plan.Cells, run.Plan.Trials
	for _, rec := range run.Records {
		r.take(rec, false)
	}
	for _, l := range run.Looks {
		r.retire(l.Retired)
	}
	r.report.note("continuing %s: %d of %d trials are recorded", run.ID(), len(r.done), len(r.plan.Trials))
	return nil
}

// take counts a record of this session, or of an earlier one, whose trials are done
// again if they were not measured.
func (r *runner) take(rec results.Record, ofThisSession bool) {
	if rec.Kind == results.KindReference {
		r.references[rec.Trial.Block]++
		return
	}
	r.previous = &results.Previous{ID: rec.Trial.ID, Cell: rec.Trial.Cell.Key(), Outcome: rec.Verdict.Outcome}
	if rec.Kind != results.KindTrial || rec.Verdict.Outcome == trial.Cancelled {
		return
	}
	if ofThisSession || measured(rec) {
		key := rec.Trial.Cell.Key()
		r.done[rec.Trial.ID], r.took[key] = true, append(r.took[key], rec.Elapsed.Duration())
	}
	if rec.Fault != nil {
		return // broken on purpose, so it shows nothing of the experiment
	}
	r.beginning.take(rec.Verdict)
	if measured(rec) {
		r.counted++
		r.ready = r.ready || rec.Setup != nil
	}
}

// measured is false for a trial that shows nothing of its cell and is done again
// when the run is continued. An injected runner fault is what its cell is about.
func measured(rec results.Record) bool {
	switch rec.Verdict.Outcome {
	case trial.Cancelled:
		return false
	case trial.RunnerFault:
		return rec.Fault != nil && slices.Contains(rec.Fault.Truth, trial.RunnerFault)
	}
	return true
}
