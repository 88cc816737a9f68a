package runtimes_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/docker/go-connections/tlsconfig"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/docker"
	"github.com/stratbench/stratbench/runtimes/enginetest"
	"github.com/stratbench/stratbench/runtimes/podman"
)

// behindTLS is a fake engine that answers clients with a certificate of its authority.
func behindTLS(t *testing.T) (server *httptest.Server, dir string) {
	t.Helper()
	dir = t.TempDir()
	enginetest.Certificates(t, dir)
	config, err := tlsconfig.Server(tlsconfig.Options{CAFile: dir + "/ca.pem", CertFile: dir + "/server-cert.pem",
		KeyFile: dir + "/server-key.pem", ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.45")
		w.Header().Set("Libpod-API-Version", "5.4.2")
		w.Header().Set("Ostype", "linux")
		w.Write([]byte("OK"))
	}))
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, dir
}

func TestEngineBehindTLS(t *testing.T) {
	server, dir := behindTLS(t)
	e := runtimes.Endpoint{Address: "tcp://" + server.Listener.Addr().String(),
		TLS: runtimes.TLS{CA: dir + "/ca.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}}
	if err := e.Ping(t.Context()); err != nil {
		t.Errorf("a probe: %v", err)
	}
	e.Runtime = trial.Docker
	if _, err := docker.Connect(t.Context(), e); err != nil {
		t.Errorf("Docker's client: %v", err)
	}
	e.Runtime = trial.Podman
	if _, err := podman.Connect(t.Context(), e); err != nil {
		t.Errorf("Podman's client: %v", err)
	}
	for name, other := range map[string]runtimes.TLS{
		"without TLS":           {},
		"without a certificate": {CA: e.TLS.CA},
		"of no known authority": {Cert: e.TLS.Cert, Key: e.TLS.Key},
	} {
		if err := (runtimes.Endpoint{Address: e.Address, TLS: other}).Ping(t.Context()); err == nil {
			t.Errorf("a client %s was answered", name)
		}
	}
	unverified := runtimes.Endpoint{Address: e.Address, TLS: runtimes.TLS{Cert: e.TLS.Cert, Key: e.TLS.Key, SkipVerify: true}}
	if err := unverified.Ping(t.Context()); err != nil {
		t.Errorf("unverified, as it was asked for: %v", err)
	}
}

func TestEnvironmentOfTheEnginesCommand(t *testing.T) {
	before := []string{"PATH=/bin", "DOCKER_HOST=tcp://other", "DOCKER_CONTEXT=other", "DOCKER_TLS_VERIFY=1", "CONTAINER_HOST=unix:///other", "CONTAINER_CONNECTION=other"}
	files := runtimes.TLS{CA: "/certs/client/ca.pem", Cert: "/certs/client/cert.pem", Key: "/certs/client/key.pem"}
	unverified := files
	unverified.SkipVerify = true
	for name, c := range map[string]struct {
		of   runtimes.Endpoint
		want string
	}{
		"Docker":              {runtimes.Endpoint{Runtime: trial.Docker, Address: "unix:///a"}, "DOCKER_HOST=unix:///a"},
		"Docker with TLS":     {runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://docker:2376", TLS: files}, "DOCKER_HOST=tcp://docker:2376 DOCKER_TLS=1 DOCKER_CERT_PATH=/certs/client DOCKER_TLS_VERIFY=1"},
		"Docker unverified":   {runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://docker:2376", TLS: unverified}, "DOCKER_HOST=tcp://docker:2376 DOCKER_TLS=1 DOCKER_CERT_PATH=/certs/client"},
		"a context of Docker": {runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://a:1", TLS: files, Name: "a"}, "DOCKER_CONTEXT=a"},
		"Podman":              {runtimes.Endpoint{Runtime: trial.Podman, Address: "ssh://a/b", Identity: "/key"}, "CONTAINER_HOST=ssh://a/b CONTAINER_SSHKEY=/key"},
		"Podman's own store":  {runtimes.Endpoint{Runtime: trial.Podman, Address: "unix:///a", Native: true}, ""},
		"Podman's connection": {runtimes.Endpoint{Runtime: trial.Podman, Address: "ssh://a/b", Identity: "/key", Name: "a"}, "CONTAINER_CONNECTION=a"},
	} {
		got := c.of.Environ(before)
		others := before[1:4] // Docker's
		if c.of.Runtime == trial.Docker {
			others = before[4:]
		}
		want := slices.Concat([]string{"PATH=/bin"}, others, strings.Fields(c.want))
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{"", "/run/docker.sock", "fd://", "tcp://%zz"} {
		if err := (runtimes.Endpoint{Address: address}).Ping(t.Context()); err == nil || strings.Contains(err.Error(), "panic") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestHoldEndsWithTheEngine checks that Hold returns when the engine closes the connection,
// and reports if there never was one.
func TestHoldEndsWithTheEngine(t *testing.T) {
	began := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1.") { // every version is too old for some engine
			t.Errorf("%s names a version", r.URL.Path)
		}
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		close(began)
		<-r.Context().Done()
	}))
	defer server.Close()
	e := runtimes.Endpoint{Address: "tcp://" + server.Listener.Addr().String()}
	go func() { <-began; server.CloseClientConnections() }()
	if held, err := e.Hold(t.Context()); !held || err == nil {
		t.Errorf("held is %v, %v", held, err)
	}
	server.Close()
	if held, err := e.Hold(t.Context()); held || err == nil || errors.Is(err, t.Context().Err()) {
		t.Errorf("without an engine held is %v, %v", held, err)
	}
}
