package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// TestBuildCachesOnBothEngines builds with each cache, cold and warm, on real Podman and
// real Docker. No trial becomes ready: its cluster is made to fail after its builds.
func TestBuildCachesOnBothEngines(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/cached.yaml", t.TempDir(), "", machine.Isolated)
	if !errors.Is(err, ErrNoneReady) {
		t.Fatal(err)
	}
	recorded, trials := readTrials(t, dir)
	filled := recorded.Done(results.KindBuildCache)
	if len(trials) != 8 || len(filled) != 4 || len(recorded.Records) != 12 {
		t.Fatalf("%d trials, %d caches that were filled, %d records; want 8, 4 and nothing else", len(trials), len(filled), len(recorded.Records))
	}
	for _, r := range filled {
		cache, _ := r.Trial.Cell.Level("build.cache")
		built, found, exported := copies(*r)
		if built == 0 || found > 0 || exported != (cache == "registry") {
			t.Errorf("%s: %d steps were built, %d were cached, exported: %v", r.Trial, built, found, exported)
		}
	}
	for _, r := range trials {
		cache, _ := r.Trial.Cell.Level("build.cache")
		start, _ := r.Trial.Cell.Level("build.cacheStart")
		built, found, exported := copies(r)
		warm := start == "warm"
		if r.Verdict.Phase != trial.PhaseCluster || (built > 0) == warm || (found > 0) != warm || exported != (cache == "registry" && !warm) {
			logText, _ := os.ReadFile(filepath.Join(dir, r.Log))
			t.Errorf("%s: %s; %d steps were built, %d were cached, exported: %v\n%s", r.Trial, r.Verdict.Outcome, built, found, exported, tail(string(logText)))
		}
	}
	checkNoCacheLeft(t)
	checkNothingLeft(t)
}

// copies counts the steps that copy something and were built or found in a cache, and
// reports whether a cache was exported.
func copies(r results.Record) (built, found int, exported bool) {
	for _, s := range r.Spans {
		switch {
		case s.Step == trial.ExportStep:
			exported = exported || s.EndedWell()
		case s.Step == "" || !strings.Contains(s.Step, "COPY "):
		case s.Cached:
			found++
		default:
			built++
		}
	}
	return built, found, exported
}

// checkNoCacheLeft looks for states in the store that should have gone with their run.
func checkNoCacheLeft(t *testing.T) {
	t.Helper()
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(cache, "store.btrfs"), storeSize)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasPrefix(name, store.Live("")) {
			t.Errorf("left in the store: %s", name)
		}
	}
}
