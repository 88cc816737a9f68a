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
	// connection carries the client, as the bindings require.
	connection context.Context
	// local is true if the service runs on this kernel, where its processes and their
	// limits can be seen. ulimits are then what its builds must ask for.
	local   bool
	ulimits []string
}

// Connect connects to the service at endpoint.
func Connect(ctx context.Context, endpoint runtimes.Endpoint) (_ runtimes.Engine, err error) {
	defer runtimes.Doing(&err, "connecting to podman at %s", endpoint)
	if _, err := endpoint.API(); err != nil {
		return nil, err
	}
	connection, err := bindings.NewConnectionWithOptions(ctx, bindings.Options{
		URI: endpoint.Address, Identity: endpoint.Identity, Machine: endpoint.Machine,
		TLSCAFile: endpoint.TLS.CA, TLSCertFile: endpoint.TLS.Cert, TLSKeyFile: endpoint.TLS.Key,
	})
	if err != nil {
		return nil, err
	}
	client, err := bindings.GetClient(connection)
	if err != nil {
		return nil, err
	}
	client.Client.Transport = once{client.Client.Transport.(*http.Transport)}
	e := &Engine{
		connection: context.WithoutCancel(connection),
		local:      runtime.GOOS == "linux" && client.URI.Scheme == "unix",
	}
	if e.local {
		e.ulimits = ulimits(client.URI.Path)
	}
	return e, nil
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
		CPUs:          info.Host.CPUs,
		Memory:        trial.Bytes(info.Host.MemTotal),
		Rootless:      info.Host.Security.Rootless,
		Root:          info.Store.GraphRoot,
		Controllers:   info.Host.CgroupControllers,
	}, nil
}

// storeID identifies a store. Podman gives a store no ID; it is a folder on a host.
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

// call is a caller's context that also carries the connection. The bindings read the
// connection from the context, and nothing else.
type call struct {
	context.Context
	connection context.Context
}

func (c call) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.connection.Value(key)
}

// call prepares ctx for one call of the bindings.
func (e *Engine) call(ctx context.Context) context.Context {
	return call{context.WithValue(ctx, attemptKey{}, new(attempt)), e.connection}
}

// attempt records how a call's request failed.
type attempt struct{ err error }

type attemptKey struct{}

// once lets a call make only one request. The bindings repeat a failed request twice,
// although its body has been read by then: the later errors would hide the first, and
// half an archive might be loaded.
type once struct{ transport *http.Transport }

func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	made, ok := request.Context().Value(attemptKey{}).(*attempt)
	if !ok {
		return o.transport.RoundTrip(request)
	}
	if made.err != nil {
		return nil, made.err
	}
	response, err := o.transport.RoundTrip(request)
	made.err = err
	return response, err
}

// CloseIdleConnections is called by http.Client's method of that name.
func (o once) CloseIdleConnections() { o.transport.CloseIdleConnections() }
