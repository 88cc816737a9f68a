package docker

import (
	"os"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/enginetest"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func TestMain(m *testing.M) {
	isolated.Main()
	os.Exit(m.Run())
}

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Subject { return open(t, true) })
}

// TestClassicBuilder has the engine build without its BuildKit.
func TestClassicBuilder(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Subject { return open(t, false) })
}

func open(t *testing.T, buildKit bool) enginetest.Subject {
	return connected(t, enginetest.FindPlace(t, trial.Docker), buildKit)
}

// TestBehindTLS has everything work at an address with TLS, the streams of
// builds included.
func TestBehindTLS(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Subject { return connected(t, enginetest.DockerBehindTLS(t), true) })
}

func connected(t *testing.T, place enginetest.Place, buildKit bool) enginetest.Subject {
	t.Helper()
	e, err := Connect(t.Context(), place.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	e.buildKit = e.buildKit && buildKit
	return enginetest.Subject{Place: place, Engine: e, Runtime: trial.Docker, LastWords: []string{"EOF", "connection reset by peer"}, Secrets: e.buildKit}
}
