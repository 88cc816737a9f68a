package pipeline

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Publish is the preparation of strategies that pull: it builds every image of
// the schedule and pushes it to the trial's registry, where Run finds it. It is
// reported like a trial that ends after its builds.
func Publish(ctx context.Context, cfg Config, engine runtimes.Engine, clock Clock, report Reporter) Result {
	cfg.Schedule.Pull = false
	return start(ctx, cfg, engine, clock, report, func(t *run) error {
		return t.runPhase(ctx, trial.PhaseBuild, t.publish)
	})
}

func (t *run) publish(ctx context.Context, ph *phase) error {
	return strategies.Runner{}.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
		image := t.inputs.images[name]
		return ph.within("publish "+name, name, "", func() error {
			id, err := t.buildImage(ctx, ph, image)
			if err != nil {
				return err
			}
			t.obtained(image, id)
			return t.pushImage(ctx, ph, image)
		})
	})
}

func (t *run) pushImage(ctx context.Context, ph *phase, image Image) error {
	return ph.within("push", image.Name, "push", func() error {
		return t.engine.Push(ctx, image.Ref, runtimes.Pull{PlainHTTP: t.cfg.RegistryPlainHTTP})
	})
}
