package pipeline

import (
	"context"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// build is the phase build: every image of the workload in the engine's
// store, built or pulled as the strategy has it.
func (t *run) build(ctx context.Context, ph *phase) error {
	verb, obtain := "build ", t.buildImage
	if t.cfg.Schedule.Pull {
		verb, obtain = "pull ", t.pullImage
	}
	return strategies.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
		return ph.within(verb+name, name, "", func() error {
			image := t.inputs.images[name]
			id, err := obtain(ctx, ph, image)
			if err == nil {
				t.obtained(image, id)
			}
			return err
		})
	})
}

// obtained records an image that is in the engine's store.
func (t *run) obtained(image Image, id runtimes.ImageID) {
	built := BuiltImage{Name: image.Name, Ref: image.Tag, ID: id}
	t.set(func(r *Result) { r.Images = append(r.Images, built) })
}

func (t *run) buildImage(ctx context.Context, ph *phase, image Image) (runtimes.ImageID, error) {
	steps := newSteps(ph, image)
	id, err := t.engine.Build(ctx, runtimes.Build{
		ID:         image.Build,
		Tag:        image.Ref,
		Context:    image.Context,
		Dockerfile: image.Dockerfile,
		Target:     image.Target,
		Platform:   image.Platform,
		Args:       image.Args,
		Secrets:    image.Secrets,
		SSH:        image.SSH,
		NoCache:    t.cfg.NoCache,
	}, steps.report)
	steps.close(err)
	ph.made(id)
	return id, err
}

// pullImage pulls what was pushed beforehand.
func (t *run) pullImage(ctx context.Context, ph *phase, image Image) (id runtimes.ImageID, err error) {
	err = ph.within("pull", image.Name, "pull", func() error {
		id, err = t.engine.Pull(ctx, image.Ref, runtimes.Pull{PlainHTTP: t.cfg.RegistryPlainHTTP})
		return err
	})
	ph.made(id)
	return id, err
}
