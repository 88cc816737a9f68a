package host

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// alone makes the test see no configuration of whoever runs it.
func alone(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "DOCKER_CONFIG": filepath.Join(home, ".docker"), "XDG_RUNTIME_DIR": home,
		"CONTAINERS_CONF": os.DevNull, "PODMAN_CONNECTIONS_CONF": filepath.Join(home, "connections.json"),
		"DOCKER_HOST": "", "DOCKER_CONTEXT": "", "CONTAINER_HOST": "", "CONTAINER_CONNECTION": "", "CONTAINER_SSHKEY": "",
	} {
		t.Setenv(name, value)
	}
	return home
}

// serve answers like an engine on a socket.
func serve(t *testing.T, path string, status int) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "unix://" + path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, r trial.Runtime, want runtimes.Endpoint) {
	t.Helper()
	want.Runtime = r
	if got, err := Find(t.Context(), r); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestEnvironmentWins(t *testing.T) {
	home := alone(t)
	docker, podman := serve(t, home+"/a.sock", 200), serve(t, home+"/b.sock", 200)
	serve(t, home+"/docker.sock", 200)
	t.Setenv("DOCKER_HOST", docker)
	t.Setenv("CONTAINER_HOST", podman)
	expect(t, trial.Docker, runtimes.Endpoint{Address: docker, Source: "DOCKER_HOST"})
	expect(t, trial.Podman, runtimes.Endpoint{Address: podman, Source: "CONTAINER_HOST"})
}

func TestDockerContext(t *testing.T) {
	home := alone(t)
	endpoint := serve(t, home+"/colima.sock", 200)
	write(t, home+"/.docker/config.json", `{"auths":{},"currentContext":"colima"}`)
	// The folder is what docker context create colima makes: the SHA-256 of the name.
	write(t, home+"/.docker/contexts/meta/f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16/meta.json",
		`{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"`+endpoint+`","SkipTLSVerify":false}}}`)
	expect(t, trial.Docker, runtimes.Endpoint{Address: endpoint, Name: "colima", Source: "docker context colima"})
}

func TestDockerContextThatIsGone(t *testing.T) {
	alone(t)
	t.Setenv("DOCKER_CONTEXT", "gone")
	if _, err := Find(t.Context(), trial.Docker); err == nil || !strings.Contains(err.Error(), "docker context ls") {
		t.Errorf("got %v", err)
	}
}

func TestPodmanConnection(t *testing.T) {
	home := alone(t)
	endpoint := serve(t, home+"/machine.sock", 200)
	write(t, home+"/connections.json", `{"Connection":{"Default":"vm","Connections":{
		"other":{"URI":"ssh://root@127.0.0.1:1/run/podman/podman.sock","Identity":"/key"},
		"vm":{"URI":"`+endpoint+`","Identity":"/key"}}}}`)
	expect(t, trial.Podman, runtimes.Endpoint{Address: endpoint, Identity: "/key", Name: "vm", Source: "podman connection vm"})
}

func TestUsualSocketOfAUser(t *testing.T) {
	home := alone(t)
	endpoint := serve(t, home+"/podman/podman.sock", 200)
	e, err := Find(t.Context(), trial.Podman)
	// A host with podman as root has another usual socket, which is as good.
	if err != nil || e.Address != endpoint && e.Address != "unix:///run/podman/podman.sock" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestWhatTheUserNamedIsFinal(t *testing.T) {
	home := alone(t)
	serve(t, home+"/podman/podman.sock", 200)
	t.Setenv("CONTAINER_HOST", "unix://"+home+"/none.sock")
	_, err := Find(t.Context(), trial.Podman)
	var missing *NotFoundError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "none.sock, from CONTAINER_HOST") {
		t.Errorf("got %v", err)
	}
}

func TestEngineThatIsIllIsNotFound(t *testing.T) {
	home := alone(t)
	t.Setenv("DOCKER_HOST", serve(t, home+"/ill.sock", 500))
	if _, err := Find(t.Context(), trial.Docker); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("got %v", err)
	}
}

func TestCheckMemory(t *testing.T) {
	const level = 7 << 30
	for engine, fits := range map[trial.Bytes]bool{
		level:                   true,
		level * 95 / 100:        true, // a virtual machine, less what its kernel keeps
		level * 91 / 100:        false,
		level * 101 / 100:       true,
		level * 103 / 100:       false,
		trial.Bytes(8) << 30:    false,
		trial.Bytes(0):          false,
		trial.Bytes(7000) << 20: true,
	} {
		for _, r := range trial.Runtimes() {
			if err := CheckMemory(r, level, engine); (err == nil) != fits {
				t.Errorf("%s with %s at the level %s: %v", r, engine, trial.Bytes(level), err)
			}
		}
	}
	err := CheckMemory(trial.Podman, level, 2<<30)
	if err == nil || !strings.Contains(err.Error(), "podman machine set --memory 7168") {
		t.Errorf("the error names no cure: %v", err)
	}
}

func TestWorkersFindTheEngine(t *testing.T) {
	m, err := Open(runtimes.Endpoint{Runtime: trial.Docker, Address: "unix:///x.sock"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd := exec.Command("env")
	cmd.Stdout = &out
	if err := m.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "DOCKER_HOST=unix:///x.sock\n") {
		t.Errorf("a worker's environment, %v:\n%s", err, out.String())
	}
	if net.ParseIP(m.RegistryHost()) == nil {
		t.Errorf("the registry's address is %q", m.RegistryHost())
	}
}
