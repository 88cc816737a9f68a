package podman

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
	enginetest.Run(t, func(t *testing.T) enginetest.Subject {
		place := enginetest.FindPlace(t, trial.Podman)
		e, err := Connect(t.Context(), place.Endpoint)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return enginetest.Subject{Place: place, Engine: e, Runtime: trial.Podman,
			LastWords: []string{"server probably quit: unexpected EOF"}, Secrets: true}
	})
}
