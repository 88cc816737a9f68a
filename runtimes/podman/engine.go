// Package podman drives a Podman service through its own Go client.
package podman

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/containers/podman/v5/libpod/define"
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

// Connect connects to the service at endpoint.
func Connect(ctx context.Context, endpoint runtimes.Endpoint) (*Engine, error) {
	api, err := endpoint.API()
	if err != nil {
		return nil, fmt.Errorf("connecting to podman: %w", err)
	}
	connection, client, err := connect(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	transport := client.Client.Transport.(*http.Transport)
	fresh := transport.Clone()
	fresh.DisableKeepAlives = true
	client.Client.Transport = once{transport}
	return &Engine{
		connection: context.WithoutCancel(connection),
		fresh:      fresh,
		ping:       api.String() + "/_ping",
		local:      runtime.GOOS == "linux" && client.URI.Scheme == "unix",
	}, nil
}

func connect(ctx context.Context, endpoint runtimes.Endpoint) (context.Context, *bindings.Connection, error) {
	connection, err := bindings.NewConnectionWithOptions(ctx, bindings.Options{
		URI: endpoint.Address, Identity: endpoint.Identity, Machine: endpoint.Machine,
		TLSCAFile: endpoint.TLS.CA, TLSCertFile: endpoint.TLS.Cert, TLSKeyFile: endpoint.TLS.Key,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to podman at %s: %w", endpoint, err)
	}
	client, err := bindings.GetClient(connection)
	return connection, client, err
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
		ID:            storeID(info),
		Runtime:       trial.Podman,
		Version:       info.Version.Version,
		APIVersion:    info.Version.APIVersion,
		Builder:       "buildah " + info.Host.BuildahVersion,
		StorageDriver: info.Store.GraphDriverName,
		CgroupVersion: strings.TrimPrefix(info.Host.CgroupsVersion, "v"),
		Kernel:        info.Host.Kernel,
		CPUs:          info.Host.CPUs,
		Memory:        trial.Bytes(info.Host.MemTotal),
		Rootless:      info.Host.Security.Rootless,
		Root:          info.Store.GraphRoot,
		Controllers:   info.Host.CgroupControllers,
	}, nil
}

// storeID tells a store from others. Podman gives it no number: it is a folder
// of a host.
func storeID(info *define.Info) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", info.Host.Hostname, info.Store.GraphRoot, info.Store.VolumePath))
	return hex.EncodeToString(sum[:8])
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
