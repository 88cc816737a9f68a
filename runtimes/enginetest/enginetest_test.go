package enginetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func TestMain(m *testing.M) {
	isolated.Main()
	os.Exit(m.Run())
}

func TestDocker(t *testing.T) { run(t, FindPlace(t, trial.Docker), "EOF", "connection reset by peer") }

// TestDockerBehindTLS checks that everything works at an address with TLS, the streams of
// builds included.
func TestDockerBehindTLS(t *testing.T) {
	run(t, DockerBehindTLS(t), "EOF", "connection reset by peer")
}

func TestPodman(t *testing.T) {
	run(t, FindPlace(t, trial.Podman), "server probably quit: unexpected EOF")
}

// suite is what every engine must pass, on a real engine and with no registry but its own.
type suite struct {
	Place
	Engine runtimes.Engine
	// LastWords are texts of which the error of a build must contain one when its
	// engine was killed.
	LastWords []string
}

// run runs the suite. It leaves no image of its own in the engine.
func run(t *testing.T, place Place, lastWords ...string) {
	engine, err := connect.Engine(t.Context(), place.Endpoint)
	must(t, err)
	t.Cleanup(func() { engine.Close() })
	s := suite{place, engine, lastWords}
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
