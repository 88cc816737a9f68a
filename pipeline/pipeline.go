package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
)

// run is one trial under way.
type run struct {
	cfg    Config
	engine runtimes.Engine
	rec    *recorder
	inputs inputs

	mu     sync.Mutex
	result Result
	// cluster is set by its phase, and used by those after it.
	cluster *kindcluster.Cluster
}

// Run runs one trial: its cluster, builds, load, deployment and tests. Every
// event is reported as it happens, the result last. When ctx ends, Run stops
// within seconds, and the trial is cancelled. It leaves the cluster as it is;
// Delete removes it where the machine is not thrown away.
func Run(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter) Result {
	return work(ctx, cfg, engine, clock, report, (*run).trial)
}

// work does a worker's job, and reports how it ended last of all.
func work(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter, job func(*run, context.Context) error) Result {
	trace := &Trace{}
	t := &run{cfg: cfg, engine: engine, rec: &recorder{clock: clock, report: func(e Event) {
		trace.Add(e)
		report(e)
	}}}
	t.result.Pull = cfg.Schedule.Pull
	err := job(t, ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	result := t.result
	if err != nil {
		result.fail(err, ctx.Err() != nil)
	}
	result.Spans, result.Tests = trace.Spans(clock.Elapsed()), trace.Tests()
	t.rec.emit(Event{Kind: Done, Result: &result})
	return result
}

// Delete removes the trial's cluster, or what there is of it.
func Delete(ctx context.Context, cfg Config) error {
	return kindcluster.Delete(ctx, cfg.kind(nil))
}

func (t *run) trial(ctx context.Context) error {
	started := t.rec.clock.Elapsed()
	inputs, err := t.cfg.read()
	if err != nil {
		return &PhaseError{Err: err}
	}
	t.inputs = inputs
	for _, part := range t.setup() {
		if err := part(ctx); err != nil {
			return err
		}
	}
	setup := t.rec.clock.Elapsed() - started
	t.set(func(r *Result) { r.Setup = &setup })
	if len(t.cfg.Test.Command) == 0 {
		return nil
	}
	return t.runPhase(ctx, trial.PhaseTest, t.test)
}

// part is a phase, or two that run together.
type part func(context.Context) error

// setup lists the parts up to services ready, in the order that the cell asks
// for.
func (t *run) setup() []part {
	cluster := t.phase(trial.PhaseCluster, t.createCluster)
	build := t.phase(trial.PhaseBuild, t.build)
	load := t.phase(trial.PhaseLoad, t.load)
	deploy := t.phase(trial.PhaseDeploy, t.deploy)
	switch t.cfg.ClusterStart {
	case trial.ClusterWith:
		return []part{together(cluster, build), load, deploy}
	case trial.ClusterAfter:
		return []part{build, cluster, load, deploy}
	}
	return []part{cluster, build, load, deploy}
}

func (t *run) phase(p trial.Phase, work func(context.Context, *phase) error) part {
	return func(ctx context.Context) error { return t.runPhase(ctx, p, work) }
}

// errSibling ends a phase whose sibling has failed.
var errSibling = errors.New("stopped because the phase beside it failed")

// together runs both parts at once. The first failure is the one that counts;
// it ends the other part.
func together(a, b part) part {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ended := make(chan error, 2)
		for _, p := range []part{a, b} {
			go func() {
				err := p(ctx)
				ended <- err
				if err != nil {
					cancel(errSibling)
				}
			}()
		}
		first, second := <-ended, <-ended
		if first != nil {
			return first
		}
		return second
	}
}

// set changes the result.
func (t *run) set(change func(*Result)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.result)
}

// note adds what is worth knowing and no failure.
func (t *run) note(p *phase, format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	p.log("", text)
	t.set(func(r *Result) { r.Notes = append(r.Notes, text) })
}
