package pipeline

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Publish builds the workload's images and pushes them to cfg.Registry, from
// which trials that pull get them. It is a preparation: its phase is build,
// and no trial counts its time.
func Publish(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter) Result {
	return work(ctx, cfg, engine, clock, report, (*run).publish)
}

func (t *run) publish(ctx context.Context) error {
	images, err := t.cfg.scheduled()
	if err != nil {
		return &PhaseError{Err: err}
	}
	t.inputs.images = images
	return t.runPhase(ctx, trial.PhaseBuild, func(ctx context.Context, ph *phase) error {
		if err := t.build(ctx, ph); err != nil {
			return err
		}
		return strategies.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
			return t.push(ctx, ph, images[name])
		})
	})
}

func (t *run) push(ctx context.Context, ph *phase, image Image) error {
	ref := RegistryRef(t.cfg.Registry, image)
	return ph.within("push", image.Name, "push", func() error {
		if err := t.engine.Tag(ctx, image.Tag, ref); err != nil {
			return err
		}
		return t.engine.Push(ctx, ref, runtimes.Pull{PlainHTTP: t.cfg.RegistryPlainHTTP})
	})
}
