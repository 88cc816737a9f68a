package podman

import (
	"os"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

func TestEngine(t *testing.T) { enginetest.Run(t, open) }

func open(t *testing.T) enginetest.Subject {
	endpoint := os.Getenv("STRATBENCH_TEST_PODMAN_ENDPOINT")
	if endpoint == "" {
		enginetest.Missing(t, "STRATBENCH_TEST_PODMAN_ENDPOINT names no engine")
	}
	e, err := Connect(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return enginetest.Subject{Engine: e, Runtime: trial.Podman, Endpoint: endpoint,
		RegistryHost: os.Getenv("STRATBENCH_TEST_REGISTRY_HOST")}
}
