package docker

import (
	"os"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Subject { return open(t, true) })
}

// TestClassicBuilder has the same engine build without its BuildKit.
func TestClassicBuilder(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Subject { return open(t, false) })
}

func open(t *testing.T, buildKit bool) enginetest.Subject {
	endpoint := os.Getenv("STRATBENCH_TEST_DOCKER_ENDPOINT")
	if endpoint == "" {
		enginetest.Missing(t, "STRATBENCH_TEST_DOCKER_ENDPOINT names no engine")
	}
	e, err := Connect(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	e.buildKit = e.buildKit && buildKit
	t.Cleanup(func() { e.Close() })
	return enginetest.Subject{Engine: e, Runtime: trial.Docker, Endpoint: endpoint,
		RegistryHost: os.Getenv("STRATBENCH_TEST_REGISTRY_HOST")}
}
