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

// somethingToLoad waits until there is a cluster, and an image to load into it.
func (t *run) somethingToLoad(ctx context.Context) error {
	select {
	case <-t.there:
	case <-ctx.Done():
		return waited(ctx)
	}
	if len(t.cfg.Preload) > 0 || len(t.cfg.Images) == 0 {
		return nil
	}
	select {
	case first := <-t.built:
		t.built <- first // for the phase to take
		return nil
	case <-ctx.Done():
		return waited(ctx)
	}
}

// load is the phase load: it streams the images from the engine's store into that of
// each node, or has the nodes pull them, after the engine has pushed what it built.
func (t *run) load(ctx context.Context, ph *phase) (err error) {
	defer func() {
		if err == nil && t.cfg.asLoaded() {
			close(t.loaded)
		}
	}()
	for _, archive := range t.cfg.Preload {
		if err := t.preload(ctx, ph, archive); err != nil {
			return err
		}
		t.arrived(archive.Names...)
	}
	if t.cfg.nodePull() {
		return strategies.Runner{}.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
			image := t.images[name]
			return ph.within("pull "+name, name, "", func() error {
				return t.named(ctx, image, t.cluster.Pull(ctx, image.Ref, image.Tag, t.cfg.RegistryPlainHTTP, ph.touch))
			})
		})
	}
	if t.cfg.Settings.Load.Together && t.cfg.LoadRegistry == "" && !t.cfg.asBuilt() && len(t.cfg.Images) > 0 {
		return t.loadArchive(ctx, ph, "", t.cfg.Images)
	}
	for _, image := range t.cfg.Images {
		if t.cfg.asBuilt() {
			if image, err = t.nextBuilt(ctx, ph); err != nil {
				return err
			}
		}
		if t.cfg.LoadRegistry != "" {
			err = t.loadByRegistry(ctx, ph, image)
		} else {
			err = t.loadArchive(ctx, ph, image.Name, []Image{image})
		}
		if err != nil {
			return &PhaseError{Phase: ph.name, Image: image.Name, Err: err}
		}
	}
	return nil
}

// nextBuilt waits for the next image that is built. No limit of the load counts this
// wait.
func (t *run) nextBuilt(ctx context.Context, ph *phase) (Image, error) {
	defer ph.pause()()
	select {
	case image := <-t.built:
		return image, nil
	case <-ctx.Done():
		return Image{}, waited(ctx)
	}
}

// preload loads an archive of images that are not built.
func (t *run) preload(ctx context.Context, ph *phase, a Archive) error {
	names := kindcluster.Names{}
	for _, name := range a.Names {
		names[name] = name
	}
	name := "preload " + strings.Join(a.Names, " ")
	return ph.sending(name, "", name, func(seen io.Writer) error {
		return t.cluster.Import(ctx, names, func(w io.Writer) error {
			f, err := os.Open(a.Path)
			if err != nil {
				return fmt.Errorf("reading the archive of %s: %w", strings.Join(a.Names, ", "), err)
			}
			defer f.Close()
			_, err = io.Copy(w, f)
			return err
		}, seen)
	})
}

// loadArchive loads images in one archive, in which they share layers, or what the
// nodes lack of it. In the nodes they get the names that manifests use.
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
	bring := t.cluster.Import
	if t.cfg.Settings.Load.Path == trial.LoadShared {
		bring = t.cluster.ImportLacking
	}
	return ph.sending(name, image, "", func(seen io.Writer) error {
		// What the engine saves counts as a sign of life, though nodes may lack none of it.
		save := func(w io.Writer) error { return t.engine.Save(ctx, refs, io.MultiWriter(touching{ph}, w)) }
		err := bring(ctx, names, save, seen)
		for _, i := range images {
			err = t.named(ctx, i, err)
		}
		return err
	})
}

// loadByRegistry pushes an image to the trial's registry, from which the nodes pull it.
func (t *run) loadByRegistry(ctx context.Context, ph *phase, image Image) error {
	ref := t.cfg.LoadRegistry + "/" + strings.ToLower(image.Name) + ":loaded"
	err := ph.within("push "+image.Name, image.Name, "", func() error {
		if err := t.engine.Tag(ctx, image.Ref, ref); err != nil {
			return err
		}
		return t.engine.Push(ctx, ref, true, touching{ph})
	})
	if err != nil {
		return err
	}
	return ph.within("pull "+image.Name, image.Name, "", func() error {
		return t.named(ctx, image, t.cluster.Pull(ctx, ref, image.Tag, true, ph.touch))
	})
}

// touching notes, at each write, that something happened in the phase.
type touching struct{ ph *phase }

func (t touching) Write(p []byte) (int, error) { t.ph.touch(); return len(p), nil }

// named gives an image its further names in the nodes, unless loading it failed.
func (t *run) named(ctx context.Context, i Image, err error) error {
	if err == nil && len(i.Tags) > 0 {
		err = t.cluster.Tag(ctx, i.Tag, i.Tags)
	}
	if err == nil {
		t.arrived(append([]string{i.Tag}, i.Tags...)...)
	}
	return err
}

// arrived notes that an image is in the nodes, by all of its names.
func (t *run) arrived(names ...string) {
	if t.cfg.asLoaded() {
		t.loaded <- names
	}
}

// sending runs work within a span that notes how much work sent to each node: what it
// writes to seen.
func (p *phase) sending(name, image, step string, work func(seen io.Writer) error) error {
	span, seen := p.span(name, image, step), &meter{ph: p, image: image}
	err := work(seen)
	span.span.Sent = seen.sent
	span.end(err)
	p.touch()
	return err
}

// meter counts what is sent, and reports it once a second.
type meter struct {
	ph       *phase
	image    string
	sent     trial.Bytes
	reported time.Time
}

func (m *meter) Write(p []byte) (int, error) {
	m.sent += trial.Bytes(len(p))
	m.ph.touch()
	if now := time.Now(); now.Sub(m.reported) >= time.Second {
		m.reported = now
		m.ph.log(m.image, m.sent.String()+" sent")
	}
	return len(p), nil
}
