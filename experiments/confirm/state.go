package confirm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
)

// rebuild makes the last good state in a copy of its revision, and checks that the copy
// has what the good run used.
func rebuild(ctx context.Context, o Options, folder string) (*spec.Spec, error) {
	env := o.Good.Environment
	if env.GitDirty && unrecorded(env, o.Present.Workload) {
		return nil, notBuilt("run %s was made with changes that were not committed, and what its images were built from is not recorded; choose a good run of a committed revision", o.Good.ID())
	}
	r, err := open(ctx, filepath.Dir(o.Present.Path), o.Good)
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(folder, "last-good")
	// An index of its own keeps the repository unchanged, whatever happens.
	index := []string{"GIT_INDEX_FILE=" + tree + ".index"}
	if _, err = r.git(ctx, index, "read-tree", env.GitRevision); err == nil {
		_, err = r.git(ctx, index, "checkout-index", "--all", "--prefix="+tree+string(filepath.Separator))
	}
	if err != nil {
		return nil, notBuilt("%w", err)
	}
	if err := prepare(ctx, o.Prepare, tree); err != nil {
		return nil, err
	}
	good, err := find(o, tree)
	if err != nil {
		return nil, err
	}
	// Folders outside of the tree have the present state, not the revision's.
	for _, used := range good.Workload.Folders() {
		if rel, err := filepath.Rel(tree, used); err != nil || !filepath.IsLocal(rel) {
			return nil, notBuilt("the workload uses %s, which is outside the repository, so its earlier state is not known; move it into the repository", used)
		}
	}
	built, err := asRun(ctx, good, r, o)
	if err != nil {
		return nil, err
	}
	if err := r.lendEngines(good, tree); err != nil {
		return nil, err
	}
	return good, somethingDiffers(ctx, o, good, built)
}

// repository is the root of the git work tree that holds the present spec.
type repository string

// open finds the repository and checks that it has the good run's revision.
func open(ctx context.Context, dir string, good results.Run) (repository, error) {
	revision := good.Environment.GitRevision
	if revision == "" {
		return "", notBuilt("run %s records no git revision: its spec was not in a repository, or there was no git; choose a good run of a committed revision", good.ID())
	}
	if _, err := exec.LookPath("git"); err != nil {
		return "", notBuilt("%w; install git", err)
	}
	top, err := repository(dir).git(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", notBuilt("the spec's folder is not in a git repository: %w; use the spec in the repository that has revision %s", err, revision)
	}
	r := repository(top)
	if _, err := r.git(ctx, nil, "cat-file", "-e", revision+"^{commit}"); err != nil {
		return "", notBuilt("revision %s of run %s is not in the repository %s; fetch it (git fetch origin %s; a shallow clone needs git fetch --unshallow)", revision, good.ID(), top, revision)
	}
	return r, nil
}

// git returns what a git command prints, without the last newline.
func (r repository) git(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", string(r)}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// stopGrace is how long a command may take to stop when the run is cancelled.
const stopGrace = 4 * time.Second

func prepare(ctx context.Context, command, tree string) error {
	if command == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = tree
	// The command's children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return notBuilt("the command of --prepare, %q, failed in a copy of the revision: %w: %s", command, err, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
	return nil
}

// find loads the spec of the good run from the tree: the file with the hash that the run
// recorded. If there is none, one with the name of the present spec may show why.
func find(o Options, tree string) (found *spec.Spec, err error) {
	env := o.Good.Environment
	why := fmt.Errorf("revision %s does not have the spec of run %s: it was not committed, or is not in this repository", env.GitRevision, o.Good.ID())
	walkErr := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		sameName := filepath.Base(path) == filepath.Base(o.Present.Path)
		if err != nil || !d.Type().IsRegular() || !sameName && !looksLikeSpec(path) {
			return err
		}
		loaded, err := spec.Load(path)
		switch {
		case err == nil && loaded.SHA256 == env.SpecHash:
			found = loaded
			return fs.SkipAll
		case !sameName:
		case err != nil:
			why = fmt.Errorf("%w; --prepare COMMAND can make what git does not have", err)
		case loaded.Workload.SHA256 != env.WorkloadHash:
			why = fmt.Errorf("the workload's files in revision %s are not those of run %s: it had changes that were not committed", env.GitRevision, o.Good.ID())
		}
		return nil
	})
	if found == nil {
		return nil, notBuilt("%w", errors.Join(walkErr, why))
	}
	return found, nil
}

// looksLikeSpec reports whether a file is worth loading as a spec.
func looksLikeSpec(path string) bool {
	if end := filepath.Ext(path); end != ".yaml" && end != ".yml" {
		return false
	}
	text, err := os.ReadFile(path)
	return err == nil && bytes.Contains(text, []byte("stratbench/")) && bytes.Contains(text, []byte("\nfactors:"))
}

// asRun checks that the images will be built from the same contexts as in the good run,
// and returns the hashes of these contexts. If the run did not record them, the revision
// must have everything: git must not ignore anything that the present workload uses.
func asRun(ctx context.Context, good *spec.Spec, r repository, o Options) (map[string]string, error) {
	env := o.Good.Environment
	if unrecorded(env, good.Workload) && o.Prepare == "" {
		args := []string{"ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "--"}
		ignored, err := r.git(ctx, nil, append(args, o.Present.Workload.Folders()...)...)
		if err != nil {
			return nil, notBuilt("%w", err)
		}
		if names := strings.Fields(ignored); len(names) > 0 {
			return nil, notBuilt("the workload has files that git ignores (%s), so a copy of the revision lacks them; make them there with --prepare COMMAND (the shipped workload: --prepare 'make vendor e2e'), or give --prepare true if they are not needed",
				strings.Join(names[:min(3, len(names))], ", "))
		}
	}
	hashes, err := contexts(good)
	if err != nil {
		return nil, notBuilt("%w", err)
	}
	for _, image := range env.Images {
		if hashes[image.Image] != image.Context {
			return nil, notBuilt("in revision %s, the build context of image %s is not what run %s had: it had changes that were not committed, or files that git ignores; make those with --prepare COMMAND, or choose another good run",
				env.GitRevision, image.Image, o.Good.ID())
		}
	}
	return hashes, nil
}

// lendEngines gives the last good state the present state's engines where git has none:
// like the packages of a suite, they are not part of a state. EngineChanges reports a
// version that has changed.
func (r repository) lendEngines(good *spec.Spec, tree string) error {
	lent := func(engine string) (string, error) {
		path := filepath.Join(filepath.Dir(good.Path), engine)
		if _, err := os.Stat(path); err == nil || !spec.IsArchive(engine) || filepath.IsAbs(engine) {
			return engine, nil
		}
		inTree, err := filepath.Rel(tree, path)
		if err != nil {
			return engine, notBuilt("finding the engines of %s: %w", engine, err)
		}
		path = filepath.Join(string(r), inTree)
		if _, err := os.Stat(path); err != nil {
			return engine, notBuilt("the last good state's engines are not in git, and not in the repository's folder now: %w; put the tar back, or make it in the copy with --prepare COMMAND", err)
		}
		return path, nil
	}
	var err error
	if good.Settings.Engine, err = lent(good.Settings.Engine); err != nil {
		return err
	}
	for _, factor := range good.Factors {
		for i, level := range factor.Levels {
			engine, isText := level.Value.(string)
			if factor.Name != "engine" || !isText {
				continue
			}
			if factor.Levels[i].Value, err = lent(engine); err != nil {
				return err
			}
		}
	}
	return nil
}

// unrecorded reports whether it is not recorded what an image was built from: a command
// built it, or the run is an old one.
func unrecorded(env results.Environment, w spec.Workload) bool {
	return len(env.Images) == 0 || len(env.Images) < len(w.Images)
}

// contexts are the hashes of the images' build contexts, by image.
func contexts(spec *spec.Spec) (map[string]string, error) {
	hashes := map[string]string{}
	for _, image := range spec.Workload.FromDockerfiles() {
		hash, err := runtimes.ContextHash(image.Context, image.Dockerfile, image.Contexts)
		if err != nil {
			return nil, err
		}
		hashes[image.Name] = hash
	}
	return hashes, nil
}

// somethingDiffers refuses to compare a state with itself: what changed cannot be undone here.
func somethingDiffers(ctx context.Context, o Options, good *spec.Spec, built map[string]string) error {
	if o.Present.SHA256 != good.SHA256 {
		return nil
	}
	now, err := contexts(o.Present)
	if err != nil {
		return notBuilt("%w", err)
	}
	if !maps.Equal(now, built) {
		return nil
	}
	changed := "nothing else that is recorded has changed either: the alarm may be false, or due to the host"
	if kept := notUndone(o.Good.Environment, results.HostEnvironment(ctx, filepath.Dir(o.Present.Path))); len(kept) > 0 {
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
			changed = append(changed, fmt.Sprintf("%s %s → %s", f.name, cmp.Or(f.then, "not recorded"), cmp.Or(f.now, "not recorded")))
		}
	}
	return changed
}

// EngineChanges lists the engines that have another version, in both states, than in the
// last good run, because a suite's packages were updated: "podman 5.4.2 → 5.4.3".
func EngineChanges(good, again results.Run) (changed []string) {
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

func states(ctx context.Context, good results.Run, present, spec *spec.Spec) []run.State {
	then, now := good.Environment, results.HostEnvironment(ctx, filepath.Dir(present.Path))
	return []run.State{
		{Spec: spec, State: results.State{Level: results.LastGood, RunID: good.ID(), GitRevision: then.GitRevision, GitDirty: then.GitDirty,
			SpecHash: spec.SHA256, WorkloadHash: spec.Workload.SHA256, NotUndone: notUndone(then, now)}},
		{Spec: present, State: results.State{Level: results.Present, GitRevision: now.GitRevision, GitDirty: now.GitDirty,
			SpecHash: present.SHA256, WorkloadHash: present.Workload.SHA256}},
	}
}
