package run

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// onlyDocker makes the test see one engine, Docker's, that answers.
func onlyDocker(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	if _, err := os.Stat("/run/podman/podman.sock"); err == nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("this computer has a Podman at the usual socket, which the test takes for the user's")
		}
		t.Skip("this computer has a Podman at the usual socket")
	}
	l, err := net.Listen("unix", home+"/docker.sock")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	for name, value := range map[string]string{
		"HOME": home, "XDG_RUNTIME_DIR": home, "CONTAINERS_CONF": os.DevNull, "PODMAN_CONNECTIONS_CONF": home + "/connections.json",
		"DOCKER_HOST": "unix://" + home + "/docker.sock", "CONTAINER_HOST": "", "CONTAINER_CONNECTION": "",
	} {
		t.Setenv(name, value)
	}
}

func runtimesFactor(levels ...string) trial.Factor {
	f := trial.Factor{Name: "runtime"}
	for _, l := range levels {
		f.Levels = append(f.Levels, trial.Level{Name: l})
	}
	return f
}

func TestAsFoundLeavesOutWhatDoesNotAnswer(t *testing.T) {
	onlyDocker(t)
	spec := &spec.Spec{Factors: []trial.Factor{runtimesFactor("podman", "docker"), {Name: "memory"}}}
	spec.Settings.Memory = 7 << 30
	note, err := AsFound(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(note, "docker at unix://") || !strings.Contains(note, "left out: podman: ") {
		t.Errorf("the note does not tell: %s", note)
	}
	if len(spec.Factors) != 1 || len(spec.Factors[0].Levels) != 1 || spec.Factors[0].Levels[0].Name != "docker" || spec.Settings.Memory != 0 {
		t.Errorf("it left %+v", spec)
	}
}

// TestACancelledLookFindsNothingOut says that it was cancelled, and not that an engine
// or a lab is missing.
func TestACancelledLookFindsNothingOut(t *testing.T) {
	onlyDocker(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := AsFound(ctx, &spec.Spec{Factors: []trial.Factor{runtimesFactor("docker")}}); !errors.Is(err, context.Canceled) || errors.Is(err, ErrCannotRun) {
		t.Errorf("as found: %v", err)
	}
}

func TestAsFoundKeepsToTheRuntimeOfTheSpec(t *testing.T) {
	onlyDocker(t)
	spec := &spec.Spec{}
	spec.Settings.Runtime = trial.Podman
	if _, err := AsFound(t.Context(), spec); !errors.Is(err, ErrCannotRun) || !strings.Contains(err.Error(), "runs only on podman") {
		t.Errorf("got %v", err)
	}
	spec.Settings.Runtime = trial.Docker
	if note, err := AsFound(t.Context(), spec); err != nil || strings.Contains(note, "podman") {
		t.Errorf("got %q, %v", note, err)
	}
}

func TestAsFoundRefusesAMistake(t *testing.T) {
	onlyDocker(t)
	t.Setenv("CONTAINER_CONNECTION", "vn")
	spec := &spec.Spec{Factors: []trial.Factor{runtimesFactor("podman", "docker")}}
	if _, err := AsFound(t.Context(), spec); !errors.Is(err, ErrCannotRun) || !strings.Contains(err.Error(), `"vn"`) {
		t.Errorf("got %v", err)
	}
}
