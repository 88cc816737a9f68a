// Package enginetest is the suite that every engine must pass. It works on real
// engines and needs no registry but its own.
package enginetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// Subject is an engine to be tested. Whoever opens it closes it.
type Subject struct {
	Place
	Engine runtimes.Engine
	// LastWords are texts of which the error of a build must contain one when its
	// engine was killed.
	LastWords []string
}

// Place is where an engine is.
type Place struct {
	// Endpoint is the engine's. An engine behind a unix socket is also tested while it
	// is stopped.
	Endpoint runtimes.Endpoint
	// RegistryHost is an address of this machine at which the engine reaches
	// a registry without TLS.
	RegistryHost string
	// Expendable engines are killed at the end.
	Expendable bool
}

type suite struct{ Subject }

// Run runs the suite. It leaves no image of its own in the engine.
func Run(t *testing.T, subject Subject) {
	s := suite{subject}
	t.Run("info", s.info)
	s.loadBase(t)
	t.Run("build", s.build)
	t.Run("build failing", s.buildFailing)
	t.Run("build without context", s.buildWithoutContext)
	t.Run("build cancelled", s.buildCancelled)
	t.Run("builds in parallel", s.buildsInParallel)
	t.Run("ignore file", s.ignoreFile)
	t.Run("further contexts", s.contexts)
	t.Run("target", s.target)
	t.Run("common stage", s.commonStage)
	t.Run("names", s.names)
	t.Run("untag", s.untag)
	t.Run("forget", s.forget)
	t.Run("claims", s.claims)
	t.Run("disconnect", s.disconnect)
	t.Run("save and load", s.saveAndLoad)
	t.Run("load rubbish", s.loadRubbish)
	t.Run("registry", s.registry)
	t.Run("cache", s.cache)
	t.Run("logins", s.logins)
	t.Run("proxied", s.proxied)
	t.Run("download", s.download)
	if s.socket() != "" {
		t.Run("standstill", s.standstill)
	}
	if s.Expendable {
		t.Run("crash", s.crash)
	}
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

func (s suite) info(t *testing.T) {
	info, err := s.Engine.Info(t.Context())
	must(t, err)
	t.Logf("%+v", info)
	if info.Runtime != s.Endpoint.Runtime {
		t.Errorf("the runtime is %q, want %q", info.Runtime, s.Endpoint.Runtime)
	}
	for name, value := range map[string]string{
		"ID": info.ID, "version": info.Version, "API version": info.APIVersion, "builder": info.Builder,
		"storage driver": info.StorageDriver,
	} {
		if value == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if info.CgroupVersion != "1" && info.CgroupVersion != "2" {
		t.Errorf("the cgroup version is %q, want 1 or 2", info.CgroupVersion)
	}
	if info.CPUs < 1 || info.Memory < 1 {
		t.Errorf("there are %d CPUs and %s of memory", info.CPUs, info.Memory)
	}
}

// within is a context for calls that must not block the suite.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// own is the name of an image of this suite, which is removed when the test ends.
func (s suite) own(t *testing.T, name string) string {
	ref := "stratbench.local/enginetest/" + name + ":1"
	s.remove(t, ref)
	return ref
}

// remove removes images when the test ends, however it ends.
func (s suite) remove(t *testing.T, refs ...string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, ref := range refs {
			err := s.Engine.Remove(ctx, ref)
			if err != nil && !runtimes.IsNotFound(err) && s.Endpoint.Ping(ctx) == nil {
				t.Errorf("cleaning up: %v", err)
			}
		}
	})
}
