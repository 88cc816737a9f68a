package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// build is the phase build: every image of the workload in the engine's
// store, built or pulled as the strategy has it. What the nodes pull themselves is
// left to the phase load.
func (t *run) build(ctx context.Context, ph *phase) error {
	if t.cfg.NodePull {
		for _, image := range t.cfg.Images {
			t.obtained(image, "")
		}
		return nil
	}
	verb, obtain := "build ", t.buildImage
	if t.cfg.Schedule.Pull {
		verb, obtain = "pull ", t.pullImage
	}
	runner := strategies.Runner{Gauge: t.gauge, Notify: func(n strategies.Notice) { t.noticed(ph, n) }}
	return runner.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
		image := t.inputs.images[name]
		if t.kept(ctx, ph, image) {
			return nil
		}
		return ph.within(verb+name, name, "", func() error {
			id, err := obtain(ctx, ph, image)
			if err == nil {
				t.obtained(image, id)
			} else if errors.Is(context.Cause(ctx), strategies.ErrBackedOff) {
				err = fmt.Errorf("%w (%w)", strategies.ErrBackedOff, err)
			}
			return err
		})
	})
}

// noticed reports what an adaptive schedule decides. What the machine forced on
// it is evidence.
func (t *run) noticed(ph *phase, n strategies.Notice) {
	text := strings.TrimSpace(string(n.Kind)+" "+n.Image) + ": " + n.Text
	if n.Kind == strategies.Admitted {
		ph.log(n.Image, text)
		return
	}
	seen := trial.Evidence{Source: trial.SourceMemory, State: trial.StateNoted, Text: text, At: t.rec.clock.Elapsed(), Rule: trial.RuleAdmission}
	if n.Kind == strategies.BackedOff {
		seen.State, seen.Detail, seen.Text = trial.StateBackedOff, n.Image, n.Text
	}
	ph.log("", text)
	t.rec.emit(Event{Kind: Observed, Phase: ph.name, Seen: &seen})
}

// kept reports whether the image was finished before the engine was lost.
func (t *run) kept(ctx context.Context, ph *phase, image Image) bool {
	if t.cfg.Again == nil {
		return false
	}
	id, err := t.engine.Image(ctx, image.Ref)
	if err != nil {
		return false // it is made again, and a reason to fail shows there
	}
	ph.log(image.Name, "the engine still has "+image.Tag+", finished before it was lost")
	t.obtained(image, id)
	return true
}

// obtained records an image that is in the engine's store.
func (t *run) obtained(image Image, id runtimes.ImageID) {
	built := BuiltImage{Name: image.Name, Ref: image.Tag, ID: id}
	t.set(func(r *Result) { r.Images = append(r.Images, built) })
	t.built <- image
}

func (t *run) buildImage(ctx context.Context, ph *phase, image Image) (runtimes.ImageID, error) {
	steps := newSteps(ph, image)
	id, err := t.engine.Build(ctx, runtimes.Build{
		ID:         t.buildID(image),
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

// buildID is a name for a build that the engine has not seen: an image that gave
// way, or that the engine was lost with, is built once more.
func (t *run) buildID(image Image) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.builds == nil {
		t.builds = map[string]int{}
	}
	t.builds[image.Name]++
	switch n := t.builds[image.Name]; {
	case n > 1:
		return image.BuildAgain()
	case t.cfg.Again != nil:
		return image.Build + "-after"
	}
	return image.Build
}

// BuildAgain is Build for the second build of an image in one set-up.
func (i Image) BuildAgain() string { return i.Build + "-again" }

// pullImage pulls what was pushed beforehand.
func (t *run) pullImage(ctx context.Context, ph *phase, image Image) (id runtimes.ImageID, err error) {
	err = ph.within("pull", image.Name, "pull", func() error {
		id, err = t.engine.Pull(ctx, image.Ref, runtimes.Pull{PlainHTTP: t.cfg.RegistryPlainHTTP})
		return err
	})
	ph.made(id)
	return id, err
}
