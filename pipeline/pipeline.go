package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// run is a trial that is running.
type run struct {
	cfg    Config
	engine runtimes.Engine
	rec    *recorder
	gauge  Gauge

	kind   *v1alpha4.Cluster
	images map[string]Image

	mu     sync.Mutex
	result Result
	// builds counts the builds of each image and common stage, by its identifier.
	builds map[string]int
	// groups are the process groups of commands that left processes running.
	groups []int
	// cluster is set by the phase cluster.
	cluster *kindcluster.Cluster
	// there is closed once the phase cluster is done, and built receives each image that
	// is in the engine's store: for a load beside the builds.
	there chan struct{}
	built chan Image
	// loaded receives the names of images that are in the nodes, and is closed when all
	// are: for a deployment beside the load. absent are the images that the deployment
	// does not know to be in the nodes yet, by their complete names.
	loaded chan []string
	absent map[string]bool
}

// Gauge reads the memory of the machine that the engine lives in. It returns false
// if that is unknown.
type Gauge func() (strategies.Reading, bool)

// Task is what the pipeline is run for.
type Task string

// The tasks. All but Trial are preparations, and reported like a trial that ends after
// their phase.
const (
	// Trial runs a trial.
	Trial Task = "trial"
	// Publish builds the images and pushes them to the registry, for strategies that pull.
	Publish Task = "publish"
	// Preboot makes the cluster that trials with cluster: prebooted start: it creates the
	// cluster, waits until its DNS is available, and stops its nodes. Such trials begin
	// with what is then on the machine's disk.
	Preboot Task = "preboot"
	// Fill builds the images, which fills the engine's own cache and that at CacheTo, for
	// trials with a warm build cache.
	Fill Task = "fill"
)

// Run runs one trial, or another task. Every event is reported as it happens, the result
// last. When ctx ends, Run stops within seconds, and the trial is cancelled. Run leaves
// the cluster as it is. Delete removes it, where the machine is not thrown away.
//
// Run sets environment variables, because Kind and the engine's CLI read them. It
// therefore needs a process of its own for each trial.
func Run(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, gauge Gauge, report Reporter) Result {
	return start(ctx, cfg, engine, clock, report, func(t *run) error {
		t.gauge = gauge
		switch cfg.Task {
		case Publish, Fill:
			return t.phase(trial.PhaseBuild, t.build)(ctx)
		case Preboot:
			return t.runPhase(ctx, trial.PhaseCluster, t.preboot)
		}
		return t.trial(ctx)
	})
}

// start reads the inputs, does the work and reports the result.
func start(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter, work func(*run) error) Result {
	t := &run{cfg: cfg, engine: engine, rec: &recorder{clock: clock, report: report}, there: make(chan struct{}),
		built: make(chan Image, len(cfg.Images)), loaded: make(chan []string, len(cfg.Images)+len(cfg.Preload))}
	err := t.read()
	if err != nil {
		err = &PhaseError{Err: err}
	} else {
		err = work(t)
		t.endGroups()
	}
	t.mu.Lock()
	result := t.result
	t.mu.Unlock()
	if err != nil {
		result.fail(err, cfg, ctx.Err() != nil)
	}
	t.rec.emit(Event{Result: &result})
	return result
}

// Delete removes the trial's cluster, or what is left of it.
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
		started = *t.cfg.Again
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

// tests is the phase test, if the workload has tests.
func (t *run) tests(ctx context.Context) error {
	if len(t.cfg.Test.Command) == 0 {
		return nil
	}
	return t.phase(trial.PhaseTest, t.test)(ctx)
}

// part is a phase, or several that run at the same time.
type part func(context.Context) error

// setup lists the parts of the set-up, in order.
func (t *run) setup() []part {
	cluster, build := t.phase(trial.PhaseCluster, t.createCluster), t.phase(trial.PhaseBuild, t.build)
	cluster = inTurn(cluster, func(context.Context) error {
		close(t.there) // its hooks have run
		return nil
	})
	load, deploy := t.phase(trial.PhaseLoad, t.load), t.phase(trial.PhaseDeploy, t.deploy)
	images := inTurn(build, t.loading)
	if t.cfg.asBuilt() {
		images = together(build, t.loading)
	}
	switch {
	case t.cfg.asLoaded() && t.cfg.Settings.ClusterStart == trial.ClusterWith:
		return []part{together(inTurn(cluster, deploy), images)}
	case t.cfg.asLoaded():
		return []part{cluster, together(images, deploy)}
	case t.cfg.asBuilt():
		return append(arrange(t.cfg.Settings.ClusterStart, cluster, images), deploy)
	}
	return append(arrange(t.cfg.Settings.ClusterStart, cluster, build), load, deploy)
}

// inTurn runs two parts one after the other.
func inTurn(a, b part) part {
	return func(ctx context.Context) error {
		if err := a(ctx); err != nil {
			return err
		}
		return b(ctx)
	}
}

// arrange orders the cluster and the builds as the cell asks.
func arrange(start trial.ClusterStart, cluster, build part) []part {
	switch start {
	case trial.ClusterWith:
		return []part{together(cluster, build)}
	case trial.ClusterAfter:
		return []part{build, cluster}
	}
	return []part{cluster, build}
}

// phase is the phase p with its hooks.
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

// errSibling ends a phase if a phase beside it failed.
var errSibling = errors.New("stopped because the phase beside it failed")

// errWaited is the error of a part that had not begun, or only waited for the one
// beside it.
var errWaited = errors.New("had nothing to do yet")

// waited is that error, once ctx has ended.
func waited(ctx context.Context) error { return fmt.Errorf("%w: %w", errWaited, context.Cause(ctx)) }

// together runs two parts at the same time. The first failure counts, and ends the
// other part. A part that only waited for the other one has not failed.
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
		if first == nil || second != nil && errors.Is(first, errWaited) {
			return second
		}
		return first
	}
}

// set changes the result.
func (t *run) set(change func(*Result)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.result)
}
