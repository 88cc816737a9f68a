package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/strategies"
)

// loading is the phase load beside the builds.
func (t *run) loading(ctx context.Context) error {
	if err := t.somethingToLoad(ctx); err != nil {
		return inPhase(trial.PhaseBuild, err)
	}
	return t.phase(trial.PhaseLoad, t.load)(ctx)
}

// somethingToLoad waits until there is something to load, and a cluster to load
// it into.
func (t *run) somethingToLoad(ctx context.Context) error {
	select {
	case <-t.there:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if len(t.cfg.Preload) > 0 || len(t.cfg.Images) == 0 {
		return nil
	}
	select {
	case first := <-t.built:
		t.built <- first // for the phase to take
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load is the phase load: the images from the engine's store into the nodes',
// streamed from one to the other.
func (t *run) load(ctx context.Context, ph *phase) error {
	for _, archive := range t.cfg.Preload {
		if err := t.preload(ctx, ph, archive); err != nil {
			return err
		}
	}
	if t.cfg.NodePull {
		return strategies.Runner{}.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
			image := t.inputs.images[name]
			return ph.within("pull "+name, name, "", func() error {
				return t.named(ctx, image, t.cluster.Pull(ctx, image.Ref, image.Tag, t.cfg.RegistryPlainHTTP, ph.touch))
			})
		})
	}
	if t.cfg.LoadTogether && !t.cfg.LoadAsBuilt {
		return t.loadArchive(ctx, ph, "", t.cfg.Images)
	}
	for _, image := range t.cfg.Images {
		if t.cfg.LoadAsBuilt {
			var err error
			if image, err = t.nextBuilt(ctx, ph); err != nil {
				return err
			}
		}
		if err := t.loadArchive(ctx, ph, image.Name, []Image{image}); err != nil {
			return &PhaseError{Phase: ph.name, Image: image.Name, Err: err}
		}
	}
	return nil
}

// nextBuilt is the image that was built next. Waiting for it is the builds'
// time and not the load's.
func (t *run) nextBuilt(ctx context.Context, ph *phase) (Image, error) {
	defer ph.pause()()
	select {
	case image := <-t.built:
		return image, nil
	case <-ctx.Done():
		return Image{}, context.Cause(ctx)
	}
}

// preload brings an archive of images that are not built into the nodes.
func (t *run) preload(ctx context.Context, ph *phase, a Archive) error {
	names := kindcluster.Names{}
	for _, name := range a.Names {
		names[name] = name
	}
	name := "preload " + strings.Join(a.Names, " ")
	return ph.within(name, "", name, func() error {
		return t.cluster.Import(ctx, names, func(w io.Writer) error {
			f, err := os.Open(a.Path)
			if err != nil {
				return fmt.Errorf("reading the archive of %s: %w", strings.Join(a.Names, ", "), err)
			}
			defer f.Close()
			_, err = io.Copy(&metered{to: w, ph: ph}, f)
			return err
		})
	})
}

// loadArchive loads images that share one archive, and in it their layers. In
// the nodes they have the names that the manifests use.
func (t *run) loadArchive(ctx context.Context, ph *phase, image string, images []Image) error {
	name := "load " + image
	if image == "" {
		name = fmt.Sprintf("load %d images together", len(images))
	}
	var refs []string
	names := kindcluster.Names{}
	for _, i := range images {
		refs, names[i.Ref] = append(refs, i.Ref), i.Tag
	}
	return ph.within(name, image, "", func() error {
		err := t.cluster.Import(ctx, names, func(w io.Writer) error {
			return t.engine.Save(ctx, refs, &metered{to: w, ph: ph, image: image})
		})
		for _, i := range images {
			err = t.named(ctx, i, err)
		}
		return err
	})
}

// named gives an image that came into the nodes well its further names there.
func (t *run) named(ctx context.Context, i Image, err error) error {
	if err != nil || len(i.Tags) == 0 {
		return err
	}
	return t.cluster.Tag(ctx, i.Tag, i.Tags)
}

// metered passes a stream on and reports how much has come, once a second.
type metered struct {
	to    io.Writer
	ph    *phase
	image string
	sent  trial.Bytes
	told  time.Time
}

func (m *metered) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.sent += trial.Bytes(n)
	m.ph.touch()
	if now := time.Now(); now.Sub(m.told) >= time.Second {
		m.told = now
		m.ph.progress(m.image, m.sent.String()+" sent")
	}
	return n, err
}
