package host

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/go-connections/tlsconfig"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

// alone hides the configuration of the user who runs the test.
func alone(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "DOCKER_CONFIG": filepath.Join(home, ".docker"), "XDG_RUNTIME_DIR": home,
		"CONTAINERS_CONF": os.DevNull, "PODMAN_CONNECTIONS_CONF": filepath.Join(home, "connections.json"),
		"DOCKER_HOST": "", "DOCKER_CONTEXT": "", "DOCKER_TLS": "", "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "", "CONTAINER_HOST": "", "CONTAINER_CONNECTION": "", "CONTAINER_SSHKEY": "",
	} {
		t.Setenv(name, value)
	}
	return home
}

// serve answers like an engine on a socket.
func serve(t *testing.T, path string, status int) string {
	t.Helper()
	return serveAs(t, path, func(w http.ResponseWriter) { w.WriteHeader(status) })
}

// servePodman answers a ping as Podman's handler does, also on Docker's path.
func servePodman(t *testing.T, path string) string {
	t.Helper()
	return serveAs(t, path, func(w http.ResponseWriter) {
		for name, value := range map[string]string{"Api-Version": "1.41", "Libpod-Api-Version": "5.4.2", "Libpod-Buildah-Version": "1.39.3", "Server": "Libpod/5.4.2 (linux)"} {
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, "OK")
	})
}

func serveAs(t *testing.T, path string, answer func(http.ResponseWriter)) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w) })}
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
	// docker context create colima makes this folder: the SHA-256 of the name.
	write(t, home+"/.docker/contexts/meta/f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16/meta.json",
		`{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"`+endpoint+`","SkipTLSVerify":false}}}`)
	expect(t, trial.Docker, runtimes.Endpoint{Address: endpoint, Name: "colima", Source: "docker context colima"})
}

func TestDockerBehindTLS(t *testing.T) {
	home := alone(t)
	enginetest.Certificates(t, home+"/certs")
	address := serveTLS(t, home+"/certs")
	files := func(dir string) runtimes.TLS {
		return runtimes.TLS{CA: dir + "/ca.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}
	}
	t.Run("as GitLab documents it", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", address)
		t.Setenv("DOCKER_TLS_VERIFY", "1")
		t.Setenv("DOCKER_CERT_PATH", home+"/certs")
		expect(t, trial.Docker, runtimes.Endpoint{Address: address, TLS: files(home + "/certs"), Source: "DOCKER_HOST"})
	})
	t.Run("with the files where docker looks for them", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", address)
		t.Setenv("DOCKER_TLS_VERIFY", "1")
		enginetest.Certificates(t, home+"/.docker")
		if _, err := Find(t.Context(), trial.Docker); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("certificates of another authority: %v", err)
		}
		copyFiles(t, home+"/certs", home+"/.docker")
		expect(t, trial.Docker, runtimes.Endpoint{Address: address, TLS: files(home + "/.docker"), Source: "DOCKER_HOST"})
	})
	t.Run("in a context", func(t *testing.T) {
		// docker context create ci makes these folders.
		contexts := home + "/.docker/contexts/"
		name := sha256.Sum256([]byte("ci"))
		dir := contexts + "tls/" + hex.EncodeToString(name[:]) + "/docker"
		write(t, contexts+"meta/"+hex.EncodeToString(name[:])+"/meta.json", `{"Name":"ci","Metadata":{},"Endpoints":{"docker":{"Host":"`+address+`","SkipTLSVerify":false}}}`)
		copyFiles(t, home+"/certs", dir)
		t.Setenv("DOCKER_CONTEXT", "ci")
		expect(t, trial.Docker, runtimes.Endpoint{Address: address, TLS: files(dir), Name: "ci", Source: "docker context ci"})
	})
}

// serveTLS answers clients of its authority like an engine behind TLS.
func serveTLS(t *testing.T, dir string) (address string) {
	t.Helper()
	config, err := tlsconfig.Server(tlsconfig.Options{CAFile: dir + "/ca.pem", CertFile: dir + "/server-cert.pem", KeyFile: dir + "/server-key.pem", ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String()
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, name), string(text))
	}
}

func TestDockerContextThatIsGone(t *testing.T) {
	alone(t)
	t.Setenv("DOCKER_CONTEXT", "gone")
	if _, err := Find(t.Context(), trial.Docker); !Named(err) || !strings.Contains(err.Error(), "there are: default") {
		t.Errorf("got %v", err)
	}
}

func TestPodmanConnection(t *testing.T) {
	home := alone(t)
	endpoint := serve(t, home+"/machine.sock", 200)
	write(t, home+"/connections.json", `{"Connection":{"Default":"vm","Connections":{
		"other":{"URI":"ssh://root@127.0.0.1:1/run/podman/podman.sock","Identity":"/key"},
		"vm":{"URI":"`+endpoint+`","Identity":"/key"}}}}`)
	t.Setenv("CONTAINER_CONNECTION", "vm")
	expect(t, trial.Podman, runtimes.Endpoint{Address: endpoint, Identity: "/key", Name: "vm", Source: "podman connection vm"})
}

func TestUsualSocketOfAUser(t *testing.T) {
	home := alone(t)
	endpoint := serve(t, home+"/podman/podman.sock", 200)
	e, err := Find(t.Context(), trial.Podman)
	// A host with root's podman has another usual socket, which may be found instead.
	if err != nil || e.Address != endpoint && e.Address != "unix:///run/podman/podman.sock" {
		t.Errorf("got %+v, %v", e, err)
	}
}

// The programs document these paths. A fake listens there.
func TestSocketsOfProgramsThatKeepAMachine(t *testing.T) {
	for path, of := range map[string]string{
		".docker/run/docker.sock": "the usual socket", ".docker/desktop/docker.sock": "Docker Desktop", ".orbstack/run/docker.sock": "OrbStack", ".rd/docker.sock": "Rancher Desktop",
		".colima/default/docker.sock": "Colima", ".config/colima/default/docker.sock": "Colima", "c/default/docker.sock": "Colima", ".lima/docker/sock/docker.sock": "Lima",
	} {
		home := alone(t)
		t.Setenv("COLIMA_HOME", home+"/c")
		t.Setenv("XDG_CONFIG_HOME", "")
		address := serve(t, home+"/"+path, 200)
		// A host with Docker has another usual socket, which comes first.
		if e, err := Find(t.Context(), trial.Docker); err != nil || e.Address != "unix:///var/run/docker.sock" && (e.Address != address || e.Source != of) {
			t.Errorf("%s: got %+v, %v", path, e, err)
		}
	}
	home := alone(t)
	t.Setenv("TMPDIR", home)
	address := serve(t, home+"/podman/podman-machine-default-api.sock", 200)
	if e, err := Find(t.Context(), trial.Podman); err != nil || e.Address != "unix:///run/podman/podman.sock" && (e.Address != address || e.Source != "podman machine") {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestPodmanInThePlaceOfDocker(t *testing.T) {
	home := alone(t)
	address := servePodman(t, home+"/docker.sock")
	t.Setenv("DOCKER_HOST", address)
	t.Setenv("CONTAINER_HOST", address)
	_, err := Find(t.Context(), trial.Docker)
	var e *UnreachableError
	if !errors.As(err, &e) || e.Condition() != Other || !strings.Contains(err.Error(), "another engine answers at "+address) || !strings.Contains(err.Error(), "CONTAINER_HOST="+address) {
		t.Errorf("got %v", err)
	}
	expect(t, trial.Podman, runtimes.Endpoint{Address: address, Source: "CONTAINER_HOST"})
}

func TestWhatTheUserNamedIsFinal(t *testing.T) {
	home := alone(t)
	serve(t, home+"/podman/podman.sock", 200)
	t.Setenv("CONTAINER_HOST", "unix://"+home+"/none.sock")
	_, err := Find(t.Context(), trial.Podman)
	var missing *NotFoundError
	if !errors.As(err, &missing) || !Named(err) || !strings.Contains(err.Error(), "none.sock (CONTAINER_HOST names it, so no other engine is used)") {
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
