package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// run is one trial under way.
type run struct {
	cfg    Config
	engine runtimes.Engine
	rec    *recorder
	inputs inputs
	gauge  Gauge

	mu     sync.Mutex
	result Result
	// builds counts the builds of each image.
	builds map[string]int
	// cluster is set by its phase, and used by those after it.
	cluster *kindcluster.Cluster
	// there is closed when the cluster is there, and built has each image once it
	// is in the engine's store: for a load beside the builds.
	there chan struct{}
	built chan Image
}

// Gauge reads the memory of the machine that the engine lives in, and returns
// false where nobody can.
type Gauge func() (strategies.Reading, bool)

// Run runs one trial: its cluster, builds, load, deployment and tests. Every
// event is reported as it happens, the result last. When ctx ends, Run stops
// within seconds, and the trial is cancelled. It leaves the cluster as it is;
// Delete removes it where the machine is not thrown away.
//
// Kind and the engines' CLI read the environment, which Run sets: it is made
// for a process of its own, and for one trial in it.
func Run(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, gauge Gauge, report Reporter) Result {
	return start(ctx, cfg, engine, clock, report, func(t *run) error {
		t.gauge = gauge
		return t.trial(ctx)
	})
}

// start reads the inputs, does the work and reports how it ended.
func start(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter, work func(*run) error) Result {
	trace := &Trace{}
	t := &run{cfg: cfg, engine: engine, there: make(chan struct{}), built: make(chan Image, len(cfg.Images)),
		rec: &recorder{clock: clock, report: func(e Event) {
			trace.Add(e)
			report(e)
		}}}
	t.result.Pull, t.result.NodePull = cfg.Schedule.Pull, cfg.NodePull
	var err error
	if t.inputs, err = cfg.read(); err != nil {
		err = &PhaseError{Err: err}
	} else {
		err = work(t)
	}
	t.mu.Lock()
	result := t.result
	t.mu.Unlock()
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
	if t.cfg.Setup != nil {
		end, err := t.ownSetup(ctx)
		defer end()
		if err != nil {
			return err
		}
		return t.tests(ctx)
	}
	started := t.rec.clock.Elapsed()
	if t.cfg.Again != nil {
		started = t.cfg.Again.Began
	}
	for _, part := range t.setup() {
		if err := part(ctx); err != nil {
			return err
		}
	}
	setup := t.rec.clock.Elapsed() - started
	t.set(func(r *Result) { r.Setup = &setup })
	return t.tests(ctx)
}

// tests is the phase test, where there is one of the workload's.
func (t *run) tests(ctx context.Context) error {
	if len(t.cfg.Test.Command) == 0 {
		return nil
	}
	return t.phase(trial.PhaseTest, t.test)(ctx)
}

// part is a phase, or several that run together.
type part func(context.Context) error

// setup lists the parts up to services ready.
func (t *run) setup() []part {
	cluster, build := t.phase(trial.PhaseCluster, t.createCluster), t.phase(trial.PhaseBuild, t.build)
	load, deploy := t.phase(trial.PhaseLoad, t.load), t.phase(trial.PhaseDeploy, t.deploy)
	if t.cfg.LoadAsBuilt {
		return append(arrange(t.cfg.ClusterStart, cluster, together(build, t.loading)), deploy)
	}
	return append(arrange(t.cfg.ClusterStart, cluster, build), load, deploy)
}

// arrange puts the cluster and the builds in the order that the cell asks for.
func arrange(start trial.ClusterStart, cluster, build part) []part {
	switch start {
	case trial.ClusterWith:
		return []part{together(cluster, build)}
	case trial.ClusterAfter:
		return []part{build, cluster}
	}
	return []part{cluster, build}
}

func (t *run) phase(p trial.Phase, work func(context.Context, *phase) error) part {
	return func(ctx context.Context) error {
		return t.runPhase(ctx, p, func(ctx context.Context, ph *phase) error {
			hooks := t.cfg.Hooks[p]
			if err := t.hook(ctx, ph, "before", hooks.Before); err != nil {
				return err
			}
			if err := work(ctx, ph); err != nil {
				return err
			}
			return t.hook(ctx, ph, "after", hooks.After)
		})
	}
}

// hook runs a command of the workload's, as a part of the phase.
func (t *run) hook(ctx context.Context, ph *phase, when string, c *deploy.Command) error {
	if c == nil {
		return nil
	}
	name := fmt.Sprintf("hook %s %s", when, ph.name)
	return ph.within(name, "", name, func() error { return t.command(ctx, ph, *c) })
}

// errSibling ends a phase whose sibling has failed.
var errSibling = errors.New("stopped because the phase beside it failed")

// together runs two parts at once. The first failure is the one that counts; it
// ends the other part.
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
