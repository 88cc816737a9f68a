package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// choosePlaces settles where the machines of each runtime come from.
func (r *runner) choosePlaces(ctx context.Context, asked machine.Kind) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	shared := newIsolatedPlace(cache, r.binds())
	for _, rt := range trial.Runtimes() {
		r.places[rt] = shared
	}
	return nil
}

// CacheDir is the folder in which stratbench keeps the lab and golden states.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(dir, "stratbench"), nil
}

// binds are what a worker must see of the host: the workload.
func (r *runner) binds() []string {
	seen := map[string]bool{}
	var binds []string
	add := func(path string) {
		if path != "" && !seen[path] {
			seen[path] = true
			binds = append(binds, path)
		}
	}
	add(r.spec.Workload.Dir)
	for _, i := range r.spec.Workload.Images {
		add(i.Context)
	}
	for _, m := range r.spec.Workload.Manifests {
		add(filepath.Dir(m))
	}
	add(r.spec.Workload.KindConfig)
	add(r.spec.Workload.Test.Dir)
	return outermost(binds)
}

// outermost drops the paths that lie below another.
func outermost(paths []string) (kept []string) {
	for i, p := range paths {
		below := false
		for j, q := range paths {
			rel, err := filepath.Rel(q, p)
			below = below || i != j && err == nil && filepath.IsLocal(rel) && rel != "."
		}
		if !below {
			kept = append(kept, p)
		}
	}
	return kept
}
