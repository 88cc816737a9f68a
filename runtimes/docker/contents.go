package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/stratbench/stratbench/runtimes"
)

// Contents implements runtimes.Engine.
func (e *Engine) Contents(ctx context.Context) (runtimes.Contents, error) {
	contents, err := e.contents(ctx)
	if err != nil {
		return contents, fmt.Errorf("listing what docker holds: %w", err)
	}
	return contents, nil
}

func (e *Engine) contents(ctx context.Context) (c runtimes.Contents, err error) {
	images, err := e.api.ImageList(ctx, image.ListOptions{All: true})
	if err != nil {
		return c, err
	}
	for _, i := range images {
		c.Images = append(c.Images, runtimes.Image{ID: runtimes.ImageID(i.ID), Names: names(i)})
	}
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return c, err
	}
	for _, o := range containers {
		name := ""
		if len(o.Names) > 0 {
			name = o.Names[0][1:] // it begins with a slash
		}
		found := runtimes.Object{ID: o.ID, Name: name, Labels: o.Labels}
		if o.NetworkSettings != nil {
			found.Networks = slices.Sorted(maps.Keys(o.NetworkSettings.Networks))
		}
		c.Containers = append(c.Containers, found)
	}
	networks, err := e.api.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return c, err
	}
	for _, o := range networks {
		c.Networks = append(c.Networks, runtimes.Object{ID: o.ID, Name: o.Name, Labels: o.Labels})
	}
	volumes, err := e.api.VolumeList(ctx, volume.ListOptions{})
	if err != nil {
		return c, err
	}
	for _, o := range volumes.Volumes {
		c.Volumes = append(c.Volumes, runtimes.Object{ID: o.Name, Name: o.Name, Labels: o.Labels})
	}
	c.BuildCache, err = e.buildCache(ctx)
	return c, err
}

// names are those of an image. One that has none is given "<none>" by engines
// of before version 25.
func names(i image.Summary) (names []string) {
	for _, name := range i.RepoTags {
		if name != "<none>:<none>" {
			names = append(names, name)
		}
	}
	for _, name := range i.RepoDigests {
		if name != "<none>@<none>" {
			names = append(names, name)
		}
	}
	return names
}

// RemoveNetwork implements runtimes.Engine.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	if err := e.api.NetworkRemove(ctx, name); err != nil && !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("removing network %s: %w", name, err)
	}
	return nil
}

// Claim implements runtimes.Engine.
func (e *Engine) Claim(ctx context.Context, name string, labels map[string]string) (map[string]string, error) {
	v, err := e.api.VolumeCreate(ctx, volume.CreateOptions{Name: name, Labels: labels})
	if err != nil {
		return nil, fmt.Errorf("creating volume %s: %w", name, err)
	}
	return v.Labels, nil
}

// Release implements runtimes.Engine.
func (e *Engine) Release(ctx context.Context, name string) error {
	if err := e.api.VolumeRemove(ctx, name, false); err != nil && !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("removing volume %s: %w", name, err)
	}
	return nil
}
