// Package connect chooses the Go client for the engine at an endpoint, and lends the
// user's logins to clients elsewhere.
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
		return docker.Connect(ctx, e)
	case trial.Podman:
		return podman.Connect(ctx, e)
	}
	return nil, fmt.Errorf("connecting to %s: no engine is known for the runtime %q", e, e.Runtime)
}

// Info connects to the engine that listens at e, and returns how it describes itself.
func Info(ctx context.Context, e runtimes.Endpoint) (runtimes.Info, error) {
	engine, err := Engine(ctx, e)
	if err != nil {
		return runtimes.Info{}, err
	}
	defer engine.Close()
	return engine.Info(ctx)
}

// UserConfig returns a config.json of the docker command, with which a client of the runtime
// acts as this user in a place without the user's credential helpers: it contains all of the
// user's logins. proxies are that place's environment variables.
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

// UserProxies returns the addresses of the proxies that the user has configured for builds,
// with their passwords.
func UserProxies() []string { return docker.UserProxies() }
