package podman

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/bindings/network"
	"github.com/containers/podman/v5/pkg/bindings/volumes"
	"github.com/containers/podman/v5/pkg/domain/entities/types"

	"github.com/stratbench/stratbench/runtimes"
)

// Contents implements runtimes.Engine.
func (e *Engine) Contents(ctx context.Context) (runtimes.Contents, error) {
	contents, err := contents(e.call(ctx))
	if err != nil {
		return contents, fmt.Errorf("listing what podman holds: %w", err)
	}
	return contents, nil
}

func contents(ctx context.Context) (c runtimes.Contents, err error) {
	all, err := images.List(ctx, new(images.ListOptions).WithAll(true))
	if err != nil {
		return c, err
	}
	for _, i := range all {
		c.Images = append(c.Images, runtimes.Image{ID: imageID(i.ID), Names: append(i.RepoTags, i.RepoDigests...)})
	}
	held, err := containers(ctx)
	if err != nil {
		return c, err
	}
	for _, o := range held {
		c.Containers = append(c.Containers, runtimes.Object{ID: o.ID, Name: o.Names[0], Labels: o.Labels, Networks: o.Networks})
		if working(o) {
			c.BuildCache = append(c.BuildCache, o.ID)
		}
	}
	networks, err := network.List(ctx, nil)
	if err != nil {
		return c, err
	}
	for _, o := range networks {
		c.Networks = append(c.Networks, runtimes.Object{ID: o.ID, Name: o.Name, Labels: o.Labels})
	}
	kept, err := volumes.List(ctx, nil)
	if err != nil {
		return c, err
	}
	for _, o := range kept {
		c.Volumes = append(c.Volumes, runtimes.Object{ID: o.Name, Name: o.Name, Labels: o.Labels})
	}
	return c, nil
}

// containers lists them with those that builds use, which Podman calls
// external. The bindings' own list would draw in the whole of the service.
func containers(ctx context.Context) (held []types.ListContainer, err error) {
	client, err := bindings.GetClient(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := client.DoRequest(ctx, nil, http.MethodGet, "/containers/json", url.Values{"all": {"true"}, "external": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return held, answer.Process(&held)
}

// RemoveNetwork implements runtimes.Engine.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	removed, err := network.Remove(e.call(ctx), name, nil)
	for _, r := range removed {
		if err == nil {
			err = r.Err
		}
	}
	if err != nil && !missing(err) {
		return fmt.Errorf("removing network %s: %w", name, err)
	}
	return nil
}

// Claim implements runtimes.Engine. Of several that make a volume, Podman tells
// all but one that there is one of that name, with no status of its own.
func (e *Engine) Claim(ctx context.Context, name string, labels map[string]string) (map[string]string, error) {
	_, failed := volumes.Create(e.call(ctx), types.VolumeCreateOptions{Name: name, Labels: labels}, nil)
	v, err := volumes.Inspect(e.call(ctx), name, nil)
	switch {
	case err == nil:
		return v.Labels, nil
	case failed != nil:
		err = failed
	}
	return nil, fmt.Errorf("creating volume %s: %w", name, err)
}

// Release implements runtimes.Engine.
func (e *Engine) Release(ctx context.Context, name string) error {
	if err := volumes.Remove(e.call(ctx), name, nil); err != nil && !missing(err) {
		return fmt.Errorf("removing volume %s: %w", name, err)
	}
	return nil
}

func missing(err error) bool {
	code, failed := bindings.CheckResponseCode(err)
	return failed == nil && code == http.StatusNotFound
}
