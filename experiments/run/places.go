package run

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// choosePlaces settles where the machines of each runtime come from: as asked
// on the command line, else by the spec, else by what there is. That there are
// none is for preflight to say, beside all else that it finds.
func (r *runner) choosePlaces(ctx context.Context, asked machine.Kind, resumed string) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.spec.Factors, func(f trial.Factor) bool { return f.Name == "machine.kind" }) {
		return fmt.Errorf("%w: machine.kind cannot be a factor: a run has machines of one kind; make a run of each, and analyse them together", ErrCannotRun)
	}
	choice, err := r.choose(ctx, asked, resumed)
	if err != nil {
		r.nowhere = err
	} else {
		r.report(Update{Note: fmt.Sprintf("machine: %s, because %s", choice.Kind, choice.Reason)})
	}
	shared := newIsolatedPlace(cache, r.binds())
	shared.preparing = r.preparing
	for _, rt := range r.runtimes() {
		if choice.Kind == machine.Isolated {
			r.places[rt] = shared
			continue
		}
		engine := choice.Engines[rt]
		engine.Runtime = rt
		r.places[rt] = &borrowedPlace{of: choice.Kind, engine: engine, own: r.strategies(), cache: cache,
			note: func(text string) { r.report(Update{Note: text}) }}
	}
	return nil
}

// choose settles the kind of machine for all runtimes. A run that is continued
// goes on where it began.
func (r *runner) choose(ctx context.Context, asked machine.Kind, resumed string) (machine.Choice, error) {
	reason := "--machine asks for it"
	if asked == "" {
		asked, reason = machine.Kind(r.spec.Settings.Machine.Kind), "the spec asks for it"
	}
	if asked == machine.Auto && resumed != "" {
		if kind := beganOn(resumed); kind != "" {
			asked, reason = kind, "the run began there"
		}
	}
	if asked == machine.Auto || asked == machine.Host {
		r.awaitFound(ctx)
	}
	switch asked {
	case machine.Auto:
		choice, err := machine.Detect(ctx, r.runtimes()...)
		if err == nil && choice.Kind == machine.Isolated {
			err = r.unasked(ctx)
		}
		return choice, err
	case machine.Isolated:
		return machine.Choice{Kind: asked, Reason: reason}, machine.Possible()
	case machine.PodmanMachine:
		return machine.Choice{Kind: asked, Reason: reason}, nil
	case machine.Host:
		found := machine.Look(ctx, r.runtimes()...)
		return machine.Choice{Kind: asked, Reason: reason, Engines: found.Engines}, found.Why()
	}
	_, err := machine.ParseKind(string(asked))
	return machine.Choice{}, err
}

// beganOn is the kind of machine that a run has trials of; empty for none.
func beganOn(dir string) machine.Kind {
	run, err := results.ReadRun(dir)
	if err != nil {
		return "" // said when the run is opened
	}
	for _, rec := range run.Records {
		if rec.Machine.Kind != "" {
			return machine.Kind(rec.Machine.Kind)
		}
	}
	return ""
}

// longest is how long may be prepared without being asked for.
const longest = 5 * time.Minute

// unasked refuses to spend a long time on a lab that nobody has asked for.
func (r *runner) unasked(ctx context.Context) error {
	all, err := r.settingsOf()
	if err != nil {
		return err
	}
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	work, err := lab.Remaining(ctx, labOptions(cache, all))
	if err != nil || work.Takes <= longest {
		return err
	}
	found := machine.Look(ctx, r.runtimes()...)
	return fmt.Errorf("no engine answers here:\n%w\nEngines of stratbench's own start from a lab that is not built (%s).\nStart an engine, or build the lab: stratbench lab --install-missing", found.Why(), work)
}

// runtimes are those that the plan's cells use.
func (r *runner) runtimes() (used []trial.Runtime) {
	for _, rt := range trial.Runtimes() {
		for _, cell := range r.plan.Cells {
			s, _, err := r.cell(cell)
			if err == nil && s.Runtime == rt {
				used = append(used, rt)
				break
			}
		}
	}
	return used
}

// strategies are the users' own of all specs; of two with one name, that of
// the run's spec.
func (r *runner) strategies() map[string]strategies.Own {
	own := map[string]strategies.Own{}
	for _, spec := range slices.Backward(r.specs()) {
		maps.Copy(own, spec.Strategies)
	}
	return own
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
	for _, spec := range r.specs() {
		for _, folder := range spec.Workload.Folders() {
			add(folder)
		}
		if dir, err := preloads(); err == nil && len(spec.Workload.Preload) > 0 && os.MkdirAll(dir, 0o755) == nil {
			add(dir)
		}
	}
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
