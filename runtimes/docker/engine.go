// Package docker drives a Docker engine through its own Go client, and its
// builds through BuildKit's.
package docker

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Engine is a connected Docker engine.
type Engine struct {
	api *client.Client
	// fresh opens a connection for each request, so that what it gets is
	// never the answer of an earlier one.
	fresh *client.Client
	// buildKit says that the engine has BuildKit within.
	buildKit bool
}

var _ runtimes.Engine = (*Engine)(nil)

// firstWithBuildKit is the API version from which on Linux engines carry it.
const firstWithBuildKit = "1.39"

// Connect connects to the engine at endpoint.
func Connect(ctx context.Context, endpoint runtimes.Endpoint) (*Engine, error) {
	e, err := connect(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("connecting to docker at %s: %w", endpoint, err)
	}
	return e, nil
}

func connect(ctx context.Context, endpoint runtimes.Endpoint) (*Engine, error) {
	api, err := newClient(endpoint, false)
	if err != nil {
		return nil, err
	}
	fresh, err := newClient(endpoint, true)
	if err != nil {
		return nil, err
	}
	pong, err := api.Ping(ctx)
	if err != nil {
		return nil, err
	}
	api.NegotiateAPIVersionPing(pong)
	buildKit := pong.OSType == "linux" && versions.GreaterThanOrEqualTo(pong.APIVersion, firstWithBuildKit)
	return &Engine{api: api, fresh: fresh, buildKit: buildKit}, nil
}

func newClient(endpoint runtimes.Endpoint, fresh bool) (*client.Client, error) {
	transport, err := endpoint.Transport()
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = fresh
	host, dial := endpoint.Address, transport.DialContext
	if strings.HasPrefix(host, "ssh://") {
		host = "http://engine" // the transport knows where
	}
	return client.NewClientWithOpts(
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithHost(host),
		client.WithDialContext(dial), // WithHost sets its own
		client.WithAPIVersionNegotiation(),
	)
}

// Ping implements runtimes.Engine.
func (e *Engine) Ping(ctx context.Context) error {
	if _, err := e.fresh.Ping(ctx); err != nil {
		return fmt.Errorf("pinging docker: %w", err)
	}
	return nil
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
		Builder:       e.builder(),
		StorageDriver: info.Driver,
		CgroupVersion: info.CgroupVersion,
		Kernel:        info.KernelVersion,
		CPUs:          info.NCPU,
		Memory:        trial.Bytes(info.MemTotal),
		Rootless:      slices.Contains(info.SecurityOptions, "name=rootless"),
		Root:          info.DockerRootDir,
		Controllers:   controllers(info),
	}, nil
}

// controllers are those that Docker says it can limit containers by. Without a
// driver what it says of them means nothing.
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

func (e *Engine) builder() string {
	if e.buildKit {
		return "buildkit"
	}
	return "classic"
}

// Build implements runtimes.Engine.
func (e *Engine) Build(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (runtimes.ImageID, error) {
	build := e.buildClassic
	if e.buildKit {
		build = e.buildWithBuildKit
	}
	id, err := build(ctx, b, report)
	if err != nil {
		return "", fmt.Errorf("building image %s: %w", b.Tag, err)
	}
	return id, nil
}

// Close implements runtimes.Engine.
func (e *Engine) Close() error {
	if err := e.api.Close(); err != nil {
		return fmt.Errorf("closing the connection to docker: %w", err)
	}
	return nil
}
