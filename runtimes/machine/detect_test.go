package machine_test

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
)

var (
	_ machine.Machine = (*host.Machine)(nil)
	_ machine.Machine = (*isolated.Machine)(nil)
	_ machine.Machine = (*podmanmachine.Machine)(nil)
)

func TestMain(m *testing.M) {
	isolated.Main() // the checks start this program again
	os.Exit(m.Run())
}

func TestDetectPrefersTheUsersEngines(t *testing.T) {
	path := t.TempDir() + "/engine.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+path)
	got, err := machine.Detect(t.Context(), trial.Docker)
	if err != nil || got.Kind != machine.Host || !strings.Contains(got.Reason, "DOCKER_HOST") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDetectWithoutTheUsersEngines(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///none.sock")
	got, err := machine.Detect(t.Context(), trial.Docker)
	possible := machine.Possible()
	switch {
	case possible == nil && (err != nil || got.Kind != machine.Isolated):
		t.Errorf("where isolated machines are possible: %+v, %v", got, err)
	case possible != nil && err == nil:
		t.Errorf("where they are not, because %v: %+v", possible, got)
	case possible != nil && !strings.Contains(err.Error(), "none.sock"):
		t.Errorf("the error does not tell of the user's engine: %v", err)
	}
}
