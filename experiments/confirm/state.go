package confirm

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
)

// rebuild makes the last good state in a copy of its revision below folder,
// and makes sure that it is what was run then.
func rebuild(ctx context.Context, good results.Run, o Options, folder string) (*spec.Spec, error) {
	env := good.Environment
	if env.GitDirty && len(env.Images) == 0 {
		return nil, notBuilt("run %s was made with changes that were not committed, and what its images were built from is not recorded; choose a good run of a committed revision", good.ID())
	}
	repository, err := open(ctx, filepath.Dir(o.Present.Path), good)
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(folder, "last-good")
	if err := repository.checkOut(ctx, env.GitRevision, tree); err != nil {
		return nil, err
	}
	if err := prepare(ctx, o.Prepare, tree); err != nil {
		return nil, err
	}
	spec, err := find(good, tree)
	if err == nil {
		err = inside(spec, tree)
	}
	if err == nil {
		err = asRun(ctx, good, spec, repository, o)
	}
	if err == nil {
		err = somethingDiffers(ctx, good, o.Present, spec)
	}
	return spec, err
}

// asRun makes sure that the images are built from what they were built from.
// Of a run that did not record that, git alone can tell: it must have had all.
func asRun(ctx context.Context, good results.Run, spec *spec.Spec, r repository, o Options) error {
	if len(good.Environment.Images) == 0 {
		if o.Prepare != "" {
			return nil
		}
		return r.nothingIgnored(ctx, o.Present)
	}
	hashes, err := contexts(spec)
	if err != nil {
		return notBuilt("%w", err)
	}
	for _, image := range good.Environment.Images {
		if hashes[image.Image] != image.Context {
			return notBuilt("in revision %s, the build context of image %s is not what run %s had: it had changes that were not committed, or files that git ignores; have those made with --prepare COMMAND, or choose another good run",
				good.Environment.GitRevision, image.Image, good.ID())
		}
	}
	return nil
}

// contexts are the hashes of the images' build contexts, by image.
func contexts(spec *spec.Spec) (map[string]string, error) {
	hashes := map[string]string{}
	for _, image := range spec.Workload.Images {
		hash, err := runtimes.ContextHash(image.Context, image.Dockerfile)
		if err != nil {
			return nil, err
		}
		hashes[image.Name] = hash
	}
	return hashes, nil
}

// somethingDiffers says that two runs of one state would be compared: what
// changed cannot be built again.
func somethingDiffers(ctx context.Context, good results.Run, present, spec *spec.Spec) error {
	if present.SHA256 != spec.SHA256 {
		return nil
	}
	was, err := contexts(spec)
	if err != nil {
		return notBuilt("%w", err)
	}
	is, err := contexts(present)
	if err != nil {
		return err
	}
	for name, hash := range is {
		if was[name] != hash {
			return nil
		}
	}
	changed := "nothing else that is recorded has changed either: the alarm may be a false one, or the host's"
	if kept := notUndone(good.Environment, results.HostEnvironment(ctx, filepath.Dir(present.Path))); len(kept) > 0 {
		changed = "what has changed cannot be undone here: " + strings.Join(kept, "; ") + "; go back to it by hand and run the experiment again"
	}
	return notBuilt("spec, workload and build contexts are the same in both states, and %s", changed)
}

// notUndone lists what has changed since a run and is not part of a state.
func notUndone(then, now results.Environment) (changed []string) {
	for _, f := range []struct{ name, then, now string }{
		{"host", then.HostID, now.HostID},
		{"kernel", then.Kernel, now.Kernel},
		{"system", then.OS, now.OS},
		{"CPU", then.CPUModel, now.CPUModel},
		{"number of CPUs", fmt.Sprint(then.CPUs), fmt.Sprint(now.CPUs)},
		{"memory", then.Memory.String(), now.Memory.String()},
		{"stratbench", then.Stratbench, now.Stratbench},
		{"Kind", then.KindVersion, now.KindVersion},
	} {
		if f.then != f.now {
			changed = append(changed, fmt.Sprintf("%s %s → %s", f.name, orUnknown(f.then), orUnknown(f.now)))
		}
	}
	return changed
}

func orUnknown(text string) string {
	if text == "" {
		return "not recorded"
	}
	return text
}

// engineChanges says where the last good state ran on another engine than
// then: a suite's packages have moved on.
func engineChanges(good, again results.Run) (changed []string) {
	then := map[string]string{}
	for _, r := range good.Trials() {
		then[sortedKey(r.Trial.Cell)] = r.Machine.Runtime + " " + r.Machine.EngineVersion
	}
	for _, r := range again.Trials() {
		level, _ := r.Trial.Cell.Level(results.StateFactor)
		was, known := then[sortedKey(results.WithoutState(r.Trial.Cell))]
		text := was + " → " + r.Machine.EngineVersion
		if level == results.LastGood && known && r.Machine.EngineVersion != "" && was != r.Machine.Runtime+" "+r.Machine.EngineVersion && !slices.Contains(changed, text) {
			changed = append(changed, text)
		}
	}
	return changed
}

// states are the two that are run.
func states(ctx context.Context, good results.Run, present, spec *spec.Spec) []run.State {
	then, now := good.Environment, results.HostEnvironment(ctx, filepath.Dir(present.Path))
	return []run.State{
		{Spec: spec, State: results.State{Level: results.LastGood, RunID: good.ID(), GitRevision: then.GitRevision, GitDirty: then.GitDirty,
			SpecHash: spec.SHA256, WorkloadHash: spec.Workload.SHA256, NotUndone: notUndone(then, now)}},
		{Spec: present, State: results.State{Level: results.Present, GitRevision: now.GitRevision, GitDirty: now.GitDirty,
			SpecHash: present.SHA256, WorkloadHash: present.Workload.SHA256}},
	}
}
