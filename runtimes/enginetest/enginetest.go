// Package enginetest is what every engine must pass. It works on real engines
// and needs no registry but its own.
package enginetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Subject is an engine to be tested. Whoever opens it closes it.
type Subject struct {
	Place
	Engine  runtimes.Engine
	Runtime trial.Runtime
	// LastWords has what the error of a build may say whose engine was killed:
	// one of these.
	LastWords []string
	// Secrets says that builds can mount secrets.
	Secrets bool
}

// Place is where an engine is.
type Place struct {
	// Endpoint is the engine's. The engine behind a unix socket is also tested
	// for what happens when it stands still.
	Endpoint runtimes.Endpoint
	// RegistryHost is an address of this machine at which the engine reaches
	// a registry without TLS.
	RegistryHost string
	// Expendable engines are killed in the end.
	Expendable bool
}

// Run runs the suite. It leaves no image of its own in the engine.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	s := suite{Subject: open(t)}
	t.Run("ping", s.ping)
	t.Run("info", s.info)
	s.loadBase(t)
	t.Run("build", s.build)
	t.Run("build failing", s.buildFailing)
	t.Run("build without context", s.buildWithoutContext)
	t.Run("build cancelled", s.buildCancelled)
	t.Run("builds in parallel", s.buildsInParallel)
	t.Run("ignore file", s.ignoreFile)
	t.Run("target", s.target)
	t.Run("names", s.names)
	t.Run("untag", s.untag)
	t.Run("forget", s.forget)
	t.Run("claims", s.claims)
	t.Run("save and load", s.saveAndLoad)
	t.Run("load rubbish", s.loadRubbish)
	t.Run("registry", s.registry)
	t.Run("logins", s.logins)
	t.Run("proxied", s.proxied)
	if s.Secrets {
		t.Run("download", s.download)
	}
	t.Run("events", s.events)
	if s.atSocket() {
		t.Run("standstill", s.standstill)
	}
	if s.Expendable {
		t.Run("crash", s.crash)
	}
}

type suite struct{ Subject }

// Missing ends a test that cannot run here. Where tests must all run, as the
// variable CI says, that is a failure.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("this test must run where CI=true, but %s", what)
	}
	t.Skip(what)
}

func (s suite) ping(t *testing.T) {
	if err := s.Engine.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s suite) info(t *testing.T) {
	info, err := s.Engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", info)
	if info.Runtime != s.Runtime {
		t.Errorf("the runtime is %q, want %q", info.Runtime, s.Runtime)
	}
	for name, value := range map[string]string{
		"ID": info.ID, "version": info.Version, "API version": info.APIVersion, "builder": info.Builder,
		"storage driver": info.StorageDriver, "kernel": info.Kernel,
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

// within is a context for one call that must not hang the suite.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// remove takes an image away, whatever became of the test.
func (s suite) remove(t *testing.T, refs ...string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, ref := range refs {
			err := s.Engine.Remove(ctx, ref)
			if err != nil && !runtimes.IsNotFound(err) && s.Engine.Ping(ctx) == nil {
				t.Errorf("cleaning up: %v", err)
			}
		}
	})
}
