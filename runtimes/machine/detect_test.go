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
	t.Setenv("DOCKER_HOST", answering(t))
	got, err := machine.Detect(t.Context(), trial.Docker)
	if err != nil || got.Kind != machine.Host || !strings.Contains(got.Reason, "DOCKER_HOST") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDetectWithoutTheUsersEngines(t *testing.T) {
	bare(t)
	if machine.Look(t.Context(), trial.Docker).Missing[trial.Docker] == nil {
		t.Skip("this computer has a Docker at the usual socket")
	}
	got, err := machine.Detect(t.Context(), trial.Docker)
	possible := machine.Possible()
	switch {
	case possible == nil && (err != nil || got.Kind != machine.Isolated):
		t.Errorf("where isolated machines are possible: %+v, %v", got, err)
	case possible != nil && err == nil:
		t.Errorf("where they are not, because %v: %+v", possible, got)
	case possible != nil && !strings.Contains(err.Error(), "docker: it is not "):
		t.Errorf("the error does not tell of the user's engine: %v", err)
	}
}

// answering returns the address of a fake that answers like an engine.
func answering(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/engine.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "unix://" + path
}

// bare hides all engines from the test except those that it names.
func bare(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "DOCKER_CONFIG": home, "XDG_RUNTIME_DIR": home, "CONTAINERS_CONF": os.DevNull,
		"PODMAN_CONNECTIONS_CONF": home + "/connections.json",
		"DOCKER_HOST":             "", "DOCKER_CONTEXT": "", "CONTAINER_HOST": "", "CONTAINER_CONNECTION": "",
	} {
		t.Setenv(name, value)
	}
}

func TestWhatTheUserNamedIsFinal(t *testing.T) {
	for name, value := range map[string]string{
		"DOCKER_HOST": "unix:///none.sock", "DOCKER_CONTEXT": "colma", "CONTAINER_CONNECTION": "vn", "CONTAINER_HOST": "no-scheme",
	} {
		bare(t)
		t.Setenv(name, value)
		got, err := machine.Detect(t.Context(), trial.Runtimes()...)
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(value, "unix://")) {
			t.Errorf("%s=%s: %+v, %v", name, value, got, err)
		}
	}
}

func TestOneOfTwoEnginesIsNotEnough(t *testing.T) {
	bare(t)
	if _, err := os.Stat("/run/podman/podman.sock"); err == nil {
		t.Skip("this computer has a Podman at the usual socket")
	}
	t.Setenv("DOCKER_HOST", answering(t))
	got, err := machine.Detect(t.Context(), trial.Runtimes()...)
	if err == nil {
		t.Fatalf("it chose %+v", got)
	}
	for _, want := range []string{"docker at unix://", "podman: ", "--as-found", "--machine isolated"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not have %q:\n%v", want, err)
		}
	}
}
