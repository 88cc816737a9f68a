// Package connect picks the Go client of the engine at an endpoint.
package connect

import (
	"context"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/docker"
	"github.com/stratbench/stratbench/runtimes/podman"
)

// Engine connects to the engine that listens at e.
func Engine(ctx context.Context, e runtimes.Endpoint) (runtimes.Engine, error) {
	switch e.Runtime {
	case trial.Docker:
		return engine(docker.Connect(ctx, e))
	case trial.Podman:
		return engine(podman.Connect(ctx, e))
	}
	return nil, fmt.Errorf("connecting to %s: no engine is known for the runtime %q", e, e.Runtime)
}

// engine keeps a failed connection from becoming an Engine that is not nil.
func engine[E runtimes.Engine](e E, err error) (runtimes.Engine, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}
