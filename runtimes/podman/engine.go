// Package podman drives a Podman service through its own Go client.
package podman

import (
	"context"
	"fmt"
	"net/http"
	"runtime"

	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/system"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Engine is a connected Podman service.
type Engine struct {
	// connection carries the client, as the bindings want it.
	connection context.Context
	// fresh opens a connection for each request, so that what it gets is
	// never the answer of an earlier one.
	fresh *http.Transport
	ping  string
	// local says that the service runs on this kernel, with its processes and
	// their limits open to us.
	local bool
}

var _ runtimes.Engine = (*Engine)(nil)

// Connect connects to the service at endpoint: "unix:///run/podman/podman.sock",
// "tcp://host:port" or "ssh://user@host/path". An SSH key is looked for where
// Podman's own command does, CONTAINER_SSHKEY first.
func Connect(ctx context.Context, endpoint string) (*Engine, error) {
	connection, err := bindings.NewConnection(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("connecting to podman at %s: %w", endpoint, err)
	}
	client, err := bindings.GetClient(connection)
	if err != nil {
		return nil, fmt.Errorf("connecting to podman at %s: %w", endpoint, err)
	}
	transport := client.Client.Transport.(*http.Transport)
	fresh := transport.Clone()
	fresh.DisableKeepAlives = true
	client.Client.Transport = once{transport}
	return &Engine{
		connection: context.WithoutCancel(connection),
		fresh:      fresh,
		ping:       pingURL(client),
		local:      runtime.GOOS == "linux" && client.URI.Scheme == "unix",
	}, nil
}

// pingURL is where the bindings' requests go, which differs by the kind of
// connection.
func pingURL(client *bindings.Connection) string {
	if client.URI.Scheme == "tcp" {
		return "http://" + client.URI.Host + client.URI.Path + "/_ping"
	}
	return "http://d/_ping"
}

// Ping implements runtimes.Engine. It does without the bindings, which try
// three times and pause in between, whatever ctx says.
func (e *Engine) Ping(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.ping, nil)
	if err != nil {
		return fmt.Errorf("pinging podman: %w", err)
	}
	answer, err := e.fresh.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("pinging podman: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("pinging podman: it answered %s", answer.Status)
	}
	return nil
}

// Info implements runtimes.Engine.
func (e *Engine) Info(ctx context.Context) (runtimes.Info, error) {
	info, err := system.Info(e.call(ctx), nil)
	if err != nil {
		return runtimes.Info{}, fmt.Errorf("asking podman for its description: %w", err)
	}
	return runtimes.Info{
		Runtime:       trial.Podman,
		Version:       info.Version.Version,
		APIVersion:    info.Version.APIVersion,
		Builder:       "buildah " + info.Host.BuildahVersion,
		StorageDriver: info.Store.GraphDriverName,
		CgroupVersion: trimV(info.Host.CgroupsVersion),
		Kernel:        info.Host.Kernel,
		CPUs:          info.Host.CPUs,
		Memory:        trial.Bytes(info.Host.MemTotal),
	}, nil
}

// trimV makes "v2" of a cgroup version the "2" that Docker says.
func trimV(version string) string {
	if len(version) > 1 && version[0] == 'v' {
		return version[1:]
	}
	return version
}

// Close implements runtimes.Engine.
func (e *Engine) Close() error {
	client, err := bindings.GetClient(e.connection)
	if err != nil {
		return fmt.Errorf("closing the connection to podman: %w", err)
	}
	client.Client.CloseIdleConnections()
	return nil
}
