// Package connect picks the Go client of the engine at an endpoint.
package connect

import (
	"bytes"
	"context"
	"fmt"

	"github.com/docker/cli/cli/config/configfile"

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

// UserConfig is the docker command's config.json, with which a client of the
// runtime is this user where no credential helper can be asked: it holds all of
// the user's logins. Proxies are those of the environment there.
func UserConfig(runtime trial.Runtime, proxies map[string]string) ([]byte, error) {
	config := func() (*configfile.ConfigFile, error) { return docker.UserConfig(proxies) }
	if runtime == trial.Podman {
		config = podman.UserConfig
	}
	file, err := config()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := file.SaveToWriter(&text); err != nil {
		return nil, fmt.Errorf("writing the user's logins: %w", err)
	}
	return text.Bytes(), nil
}

// UserProxies are the addresses of the proxies that the user has set for
// builds, with their passwords.
func UserProxies() []string { return docker.UserProxies() }

// engine keeps a failed connection from becoming an Engine that is not nil.
func engine[E runtimes.Engine](e E, err error) (runtimes.Engine, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}
