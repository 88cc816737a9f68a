// Package docker drives a Docker engine through its own Go client, and its builds, with
// their caches, through BuildKit's.
package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Engine is a connected Docker engine.
type Engine struct{ api *client.Client }

// Connect connects to the engine at endpoint.
func Connect(ctx context.Context, endpoint runtimes.Endpoint) (_ runtimes.Engine, err error) {
	defer runtimes.Doing(&err, "connecting to docker at %s", endpoint)
	transport, err := endpoint.Transport()
	if err != nil {
		return nil, err
	}
	host, dial := endpoint.Address, transport.DialContext
	if strings.HasPrefix(host, "ssh://") {
		host = "http://engine" // the transport knows the address
	}
	api, err := client.NewClientWithOpts(
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithHost(host),
		client.WithDialContext(dial), // WithHost has set another
		client.WithAPIVersionNegotiation(),
	)
	if err != nil {
		return nil, err
	}
	pong, err := api.Ping(ctx)
	if err != nil {
		return nil, err
	}
	if v := pong.APIVersion; v != "" && versions.LessThan(v, "1.39") || pong.OSType == "windows" {
		return nil, errors.New("it has no BuildKit; use Docker 18.09 or later with Linux containers")
	}
	api.NegotiateAPIVersionPing(pong)
	return &Engine{api: api}, nil
}

// Info implements runtimes.Engine.
func (e *Engine) Info(ctx context.Context) (runtimes.Info, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return runtimes.Info{}, fmt.Errorf("asking docker for its description: %w", err)
	}
	version, err := e.api.ServerVersion(ctx)
	if err != nil {
		return runtimes.Info{}, fmt.Errorf("asking docker for its version: %w", err)
	}
	return runtimes.Info{
		ID:            info.ID,
		Runtime:       trial.Docker,
		Version:       version.Version,
		APIVersion:    version.APIVersion,
		Builder:       "buildkit",
		StorageDriver: info.Driver,
		CgroupVersion: info.CgroupVersion,
		CPUs:          info.NCPU,
		Memory:        trial.Bytes(info.MemTotal),
		Rootless:      slices.Contains(info.SecurityOptions, "name=rootless"),
		Root:          info.DockerRootDir,
		Controllers:   controllers(info),
	}, nil
}

// controllers are those by which Docker says it can limit containers. Without a
// cgroup driver its answer means nothing.
func controllers(info system.Info) (all []string) {
	for _, c := range []struct {
		name string
		can  bool
	}{{"cpu", info.CPUShares}, {"memory", info.MemoryLimit}, {"pids", info.PidsLimit}} {
		if c.can && info.CgroupDriver != "none" {
			all = append(all, c.name)
		}
	}
	return all
}

// Close implements runtimes.Engine.
func (e *Engine) Close() (err error) {
	defer runtimes.Doing(&err, "closing the connection to docker")
	return e.api.Close()
}

// Contents implements runtimes.Engine.
func (e *Engine) Contents(ctx context.Context) (c runtimes.Contents, err error) {
	defer runtimes.Doing(&err, "listing what docker holds")
	// An engine that keeps images in containerd fails if one is removed while it lists them,
	// so it is asked again.
	var images []image.Summary
	for range 20 {
		images, err = e.api.ImageList(ctx, image.ListOptions{All: true})
		if !cerrdefs.IsNotFound(err) {
			break
		}
	}
	if err != nil {
		return c, err
	}
	for _, i := range images {
		// Engines before version 25 name a nameless image "<none>".
		names := slices.DeleteFunc(append(i.RepoTags, i.RepoDigests...), func(name string) bool {
			return name == "<none>:<none>" || name == "<none>@<none>"
		})
		c.Images = append(c.Images, runtimes.Image{ID: runtimes.ImageID(i.ID), Names: names})
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
	client, err := e.dialBuildKit(ctx)
	if err != nil {
		return c, err
	}
	defer client.Close()
	records, err := client.DiskUsage(ctx)
	c.BuildCache = ids(records)
	return c, err
}

// Disconnect implements runtimes.Engine.
func (e *Engine) Disconnect(ctx context.Context, network, container string) error {
	if err := e.api.NetworkDisconnect(ctx, network, container, true); err != nil && !cerrdefs.IsNotFound(err) && !runtimes.IsNotConnected(err) {
		return fmt.Errorf("taking container %s out of network %s: %w", container, network, err)
	}
	return nil
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
	_, err := e.api.VolumeCreate(ctx, volume.CreateOptions{Name: name, Labels: labels})
	if err != nil {
		return nil, fmt.Errorf("creating volume %s: %w", name, err)
	}
	// After a restart of the engine, the answer to the request above has no labels.
	v, err := e.api.VolumeInspect(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading volume %s: %w", name, err)
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
