package run

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
)

var (
	warmLocal    = spec.BuildSettings{Cache: trial.CacheLocal}
	warmRegistry = spec.BuildSettings{Cache: trial.CacheRegistry}
	coldLocal    = spec.BuildSettings{Cache: trial.CacheLocal, CacheStart: trial.CacheCold}
	coldRegistry = spec.BuildSettings{Cache: trial.CacheRegistry, CacheStart: trial.CacheCold}
)

// A cluster and the builds from before are in one state: the builds are made on the
// machine that has the cluster.
func TestWhatMachinesWithABuildCacheStartFrom(t *testing.T) {
	cell := trial.Cell{{Factor: "runtime", Level: "docker"}}
	r := &runner{prebooted: map[string]string{cell.Key(): "golden/cluster-1"}, caches: map[string]string{cell.Key(): "cache-1"}}
	for _, c := range []struct {
		do    pipeline.Task
		build spec.BuildSettings
		want  string
	}{
		{pipeline.Preboot, warmLocal, ""},
		{pipeline.Fill, warmLocal, "golden/cluster-1"},
		{pipeline.Trial, warmLocal, "live/cache-1"},
		{pipeline.Trial, coldLocal, "golden/cluster-1"},
		{pipeline.Trial, warmRegistry, "golden/cluster-1"},
		{pipeline.Trial, spec.BuildSettings{}, "golden/cluster-1"},
	} {
		x := &execution{r: r, do: c.do, resolved: resolved{Cell: cell, settings: spec.Settings{Build: c.build}}}
		if got, _ := x.states(); got != c.want {
			t.Errorf("%s, %+v: starts from %q, want %q", c.do, c.build, got, c.want)
		}
	}
}

// here is a machine that reaches this host's own address.
type here struct{ machine.Machine }

func (here) RegistryHost() string { return "127.0.0.1" }

func TestBuildCachesInRegistries(t *testing.T) {
	scratch, err := NewScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	cell := trial.Cell{{Factor: "runtime", Level: "docker"}}
	r := &runner{scratch: scratch, oci: map[string]http.Handler{}, caches: map[string]string{cell.Key(): "cache-1"}}
	if r.oci["cache-1"], err = r.newRegistry("cache-1"); err != nil {
		t.Fatal(err)
	}
	begin := func(do pipeline.Task, b spec.BuildSettings) (cfg pipeline.Config, stop func()) {
		t.Helper()
		x := &execution{r: r, do: do, trial: trial.Trial{ID: "t001"}, resolved: resolved{Cell: cell, settings: spec.Settings{Build: b}}}
		cfg.Task, cfg.Settings.Build = do, b
		if err := x.registry(&cfg, here{}); err != nil {
			t.Fatal(err)
		}
		return cfg, func() {
			for _, end := range slices.Backward(x.ends) {
				end()
			}
		}
	}
	has := func(repositories string) bool {
		t.Helper()
		_, err := remote.Image(cacheIn(t, repositories))
		return err == nil
	}

	fill, stop := begin(pipeline.Fill, warmRegistry)
	if fill.CacheTo == "" || fill.CacheFrom != "" {
		t.Errorf("the preparation imports from %q and exports to %q", fill.CacheFrom, fill.CacheTo)
	}
	image, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(cacheIn(t, fill.CacheTo), image); err != nil {
		t.Fatal(err)
	}
	stop()

	warm, stop := begin(pipeline.Trial, warmRegistry)
	if warm.CacheTo != "" || !has(warm.CacheFrom) {
		t.Errorf("a warm trial exports to %q, and finds nothing in %q", warm.CacheTo, warm.CacheFrom)
	}
	stop()

	cold, stop := begin(pipeline.Trial, coldRegistry)
	if cold.CacheFrom != "" || cold.CacheTo == "" || has(cold.CacheTo) {
		t.Errorf("a cold trial imports from %q, and exports to %q, which must be empty", cold.CacheFrom, cold.CacheTo)
	}
	stop()
	if _, err := os.Stat(filepath.Join(scratch.Dir, "cache-t001")); !os.IsNotExist(err) {
		t.Errorf("what a cold trial exported outlives it: %v", err)
	}

	for _, b := range []spec.BuildSettings{{}, warmLocal, coldLocal} {
		cfg, stop := begin(pipeline.Trial, b)
		if cfg.CacheFrom != "" || cfg.CacheTo != "" {
			t.Errorf("%+v imports from %q and exports to %q", b, cfg.CacheFrom, cfg.CacheTo)
		}
		stop()
	}
}

// cacheIn is an image's cache at a place.
func cacheIn(t *testing.T, repositories string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(repositories + "/app:cache")
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
