package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containers/podman/v5/libpod/define"
	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/bindings/network"
	"github.com/containers/podman/v5/pkg/bindings/system"
	"github.com/containers/podman/v5/pkg/bindings/volumes"
	"github.com/containers/podman/v5/pkg/domain/entities/types"

	"github.com/stratbench/stratbench/runtimes"
)

// Contents implements runtimes.Engine.
func (e *Engine) Contents(ctx context.Context) (c runtimes.Contents, err error) {
	defer runtimes.Doing(&err, "listing what podman holds")
	ctx = e.call(ctx)
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

// containers lists all containers, with those that builds use, which Podman calls
// external. The bindings' own list would link the whole service into this program.
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

// Disconnect implements runtimes.Engine.
func (e *Engine) Disconnect(ctx context.Context, from, container string) error {
	err := network.Disconnect(e.call(ctx), from, container, new(network.DisconnectOptions).WithForce(true))
	if err != nil && !missing(err) && !runtimes.IsNotConnected(err) {
		return fmt.Errorf("taking container %s out of network %s: %w", container, from, err)
	}
	return nil
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

// Claim implements runtimes.Engine. If several create a volume at once, Podman fails
// all but one, with a status that says nothing about the cause.
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

// Forget implements runtimes.Engine. Podman's cache consists of images. But a build whose
// service was killed leaves its working containers forever, and one whose client has gone
// leaves them for a while; they keep images in use. If the store is on this host, marks
// show which containers belong to these builds. Forget repeats until none is left, because
// a build that still runs may be about to make another one.
func (e *Engine) Forget(ctx context.Context, builds, had []string) (left []string, err error) {
	defer runtimes.Doing(&err, "removing the working containers of builds")
	var marks []mark
	for _, b := range builds {
		marks = append(marks, markOf(b))
	}
	info, err := system.Info(e.call(ctx), nil)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(2 * grace); ; time.Sleep(grace / 10) {
		if e.local {
			for _, m := range marks {
				killMarked(m)
			}
		}
		held, err := containers(e.call(ctx))
		if err != nil {
			return nil, err
		}
		left = nil
		removed := 0
		for _, o := range held {
			switch {
			case !working(o) || slices.Contains(had, o.ID):
			case e.local && workingFor(info.Store, o.ID, marks) && time.Now().Before(end):
				removed++
				if err := e.removeContainer(ctx, o.ID); err != nil {
					return nil, err
				}
			default:
				left = append(left, o.ID)
			}
		}
		if removed == 0 {
			return left, nil
		}
	}
}

// working reports whether a container is the working container of a build.
func working(o types.ListContainer) bool {
	return o.State == "storage" && slices.Equal(o.Command, []string{"buildah"})
}

// workingFor reports whether a container works for a build with one of the marks.
// Buildah records the limits of a build's commands.
func workingFor(store *define.StoreInfo, id string, marks []mark) bool {
	text, err := os.ReadFile(filepath.Join(store.GraphRoot, store.GraphDriverName+"-containers", id, "userdata", "buildah.json"))
	if err != nil {
		return false
	}
	var state struct {
		CommonBuildOpts struct{ Ulimit []string }
	}
	if json.Unmarshal(text, &state) != nil {
		return false
	}
	return slices.ContainsFunc(marks, func(m mark) bool { return slices.Contains(state.CommonBuildOpts.Ulimit, m.ulimit()) })
}

// removeContainer removes a container. It is no error if there is no such container.
func (e *Engine) removeContainer(ctx context.Context, id string) error {
	ctx = e.call(ctx)
	client, err := bindings.GetClient(ctx)
	if err != nil {
		return err
	}
	answer, err := client.DoRequest(ctx, nil, http.MethodDelete, "/containers/%s", url.Values{"force": {"true"}, "ignore": {"true"}}, nil, id)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := answer.Process(nil); err != nil && !missing(err) {
		return err
	}
	return nil
}
