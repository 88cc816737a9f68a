// Package enginetest has the suite that every engine must pass, as its tests, and what tests
// elsewhere need for a real engine: a place, certificates, an ssh server.
package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// Place is where an engine is.
type Place struct {
	// Endpoint is the engine's. An engine behind a unix socket is also tested while it
	// is stopped.
	Endpoint runtimes.Endpoint
	// RegistryHost is an address of this host at which the engine reaches
	// a registry without TLS.
	RegistryHost string
	// Expendable engines are killed at the end.
	Expendable bool
}

// FindPlace finds an engine of the runtime: the one that the environment names
// (STRATBENCH_TEST_DOCKER_ENDPOINT or STRATBENCH_TEST_PODMAN_ENDPOINT, with
// STRATBENCH_TEST_REGISTRY_HOST), or else one in a machine of its own, made from the
// engine root that package lab has built. STRATBENCH_TEST_SUITE selects the Debian
// release. The tests' TestMain must call isolated.Main.
func FindPlace(t *testing.T, runtime trial.Runtime) Place {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	address := os.Getenv("STRATBENCH_TEST_" + strings.ToUpper(string(runtime)) + "_ENDPOINT")
	if address != "" {
		return Place{Endpoint: runtimes.Endpoint{Runtime: runtime, Address: address}, RegistryHost: os.Getenv("STRATBENCH_TEST_REGISTRY_HOST")}
	}
	m := StartMachine(t, runtime)
	return Place{Endpoint: m.WatchEndpoint(), RegistryHost: m.RegistryHost(), Expendable: true}
}

// StartMachine starts a machine from the engine root that package lab has built, with
// an engine and nothing else in it.
func StartMachine(t *testing.T, runtime trial.Runtime) *isolated.Machine {
	t.Helper()
	archive, err := os.Open(engineRoot(t))
	must(t, err)
	defer archive.Close()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), filepath.Join(dir, "store"), 8<<30)
	must(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	must(t, s.ImportRoot(t.Context(), "test", archive))
	m, err := isolated.Start(within(t), isolated.Config{
		Store: s, From: store.Root("test"), Runtime: runtime, Log: filepath.Join(dir, "engine.log"),
		WayOut: &isolated.WayOut{Authorities: hostAuthorities()},
	})
	must(t, err)
	t.Cleanup(func() {
		if text, err := m.Log(4 << 10); err == nil && t.Failed() {
			t.Logf("the engine's log:\n%s", text)
		}
		m.Close(context.Background())
	})
	return m
}

func engineRoot(t *testing.T) string {
	t.Helper()
	suite := os.Getenv("STRATBENCH_TEST_SUITE")
	if suite == "" {
		suite = "trixie"
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	found, err := filepath.Glob(filepath.Join(cache, "stratbench", "lab", "engine-"+suite+"-*", "root.tar"))
	must(t, err)
	if os.Getuid() != 0 || len(found) == 0 {
		Missing(t, "the user is not root or package lab has built no engine root, and the environment names no engine")
	}
	return found[len(found)-1]
}

// hostAuthorities is the file of certificates of the authorities that this host trusts.
func hostAuthorities() string {
	if path := os.Getenv("SSL_CERT_FILE"); path != "" {
		return path
	}
	return "/etc/ssl/certs/ca-certificates.crt"
}

// Missing skips a test that cannot run here. If the variable CI says that all tests
// must run, it fails the test.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("this test must run where CI=true, but %s", what)
	}
	t.Skip(what)
}

// within is a context for calls that must not block the suite.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
