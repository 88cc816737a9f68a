// Package connect picks the engine that a runtime names.
package connect

import (
	"context"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/docker"
	"github.com/stratbench/stratbench/runtimes/podman"
)

// Engine connects to the engine of the runtime that listens at endpoint.
func Engine(ctx context.Context, runtime trial.Runtime, endpoint string) (runtimes.Engine, error) {
	switch runtime {
	case trial.Docker:
		return engine(docker.Connect(ctx, endpoint))
	case trial.Podman:
		return engine(podman.Connect(ctx, endpoint))
	}
	return nil, fmt.Errorf("connecting to %s: no engine is known for the runtime %q", endpoint, runtime)
}

// engine keeps a failed connection from becoming an Engine that is not nil.
func engine[E runtimes.Engine](e E, err error) (runtimes.Engine, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}
