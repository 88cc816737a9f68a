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

func TestEngine(t *testing.T) { run(t, enginetest.FindPlace(t, trial.Docker)) }

// TestBehindTLS checks that everything works at an address with TLS, the streams of
// builds included.
func TestBehindTLS(t *testing.T) { run(t, enginetest.DockerBehindTLS(t)) }

func run(t *testing.T, place enginetest.Place) {
	t.Helper()
	e, err := Connect(t.Context(), place.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	enginetest.Run(t, enginetest.Subject{Place: place, Engine: e, LastWords: []string{"EOF", "connection reset by peer"}})
}
