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
	place := enginetest.FindPlace(t, trial.Podman)
	e, err := Connect(t.Context(), place.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	enginetest.Run(t, enginetest.Subject{Place: place, Engine: e, LastWords: []string{"server probably quit: unexpected EOF"}})
}
