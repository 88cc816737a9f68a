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
)

// load is the phase load: the images from the engine's store into the nodes',
// streamed from one to the other.
func (t *run) load(ctx context.Context, ph *phase) error {
	for _, archive := range t.cfg.Preload {
		if err := t.preload(ctx, ph, archive); err != nil {
			return err
		}
	}
	if t.cfg.LoadTogether {
		return t.loadArchive(ctx, ph, "", t.cfg.Images)
	}
	for _, image := range t.cfg.Images {
		if err := t.loadArchive(ctx, ph, image.Name, []Image{image}); err != nil {
			return &PhaseError{Phase: ph.name, Image: image.Name, Err: err}
		}
	}
	return nil
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
			if err == nil && len(i.Tags) > 0 {
				err = t.cluster.Tag(ctx, i.Tag, i.Tags)
			}
		}
		return err
	})
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
