package confirm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
)

// repository is the root of the git work tree that holds the present spec.
type repository string

// open finds the repository and makes sure that it has the good run's revision.
func open(ctx context.Context, dir string, good results.Run) (repository, error) {
	revision := good.Environment.GitRevision
	if revision == "" {
		return "", notBuilt("run %s records no git revision: its spec was in no repository then, or there was no git; choose a good run of a committed revision", good.ID())
	}
	if _, err := exec.LookPath("git"); err != nil {
		return "", notBuilt("%w; install git", err)
	}
	top, err := repository(dir).git(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", notBuilt("the spec's folder is in no git repository: %w; run with the spec in the repository that has revision %s", err, revision)
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

// checkOut writes the files of a revision to tree. It uses an index of its own,
// so that nothing of the repository changes, whatever happens.
func (r repository) checkOut(ctx context.Context, revision, tree string) error {
	index := []string{"GIT_INDEX_FILE=" + tree + ".index"}
	if _, err := r.git(ctx, index, "read-tree", revision); err != nil {
		return notBuilt("%w", err)
	}
	if _, err := r.git(ctx, index, "checkout-index", "--all", "--prefix="+tree+string(filepath.Separator)); err != nil {
		return notBuilt("%w", err)
	}
	return nil
}

// nothingIgnored makes sure that git has all that the present workload uses,
// and so had all of the last good one's.
func (r repository) nothingIgnored(ctx context.Context, spec *spec.Spec) error {
	args := []string{"ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "--"}
	ignored, err := r.git(ctx, nil, append(args, spec.Workload.Folders()...)...)
	if err != nil {
		return notBuilt("%w", err)
	}
	if names := strings.Fields(ignored); len(names) > 0 {
		return notBuilt("the workload has what git ignores (%s), so a copy of the revision lacks it; have it made there with --prepare COMMAND (the shipped workload: --prepare 'make vendor e2e'), or with --prepare true if it is not needed",
			strings.Join(names[:min(3, len(names))], ", "))
	}
	return nil
}

// inside makes sure that a spec of the tree uses nothing outside of it, which
// would be of the present and not of the revision.
func inside(spec *spec.Spec, tree string) error {
	for _, folder := range spec.Workload.Folders() {
		if rel, err := filepath.Rel(tree, folder); err != nil || !filepath.IsLocal(rel) {
			return notBuilt("the workload uses %s, which is outside the repository, so that its state then is not known; move it into the repository", folder)
		}
	}
	return nil
}

// stopGrace is how long a command may take to stop when the run is cancelled.
const stopGrace = 4 * time.Second

// prepare runs the user's command in the tree.
func prepare(ctx context.Context, command, tree string) error {
	if command == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = tree
	// What the command started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return notBuilt("%q in a copy of the revision: %w: %s", command, err, lastLines(out))
	}
	return nil
}

func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// find loads the spec of the good run from the tree: the file with its text
// whose workload is also the same. Where the run's folder is gone, any file
// that could be a spec is tried.
func find(good results.Run, tree string) (found *spec.Spec, err error) {
	text, candidate, err := asIn(good)
	if err != nil {
		return nil, notBuilt("%w", err)
	}
	why := fmt.Errorf("revision %s has no spec that is that of run %s: it was not committed, or is not below this repository", good.Environment.GitRevision, good.ID())
	walkErr := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !candidate(path, d) {
			return err
		}
		loaded, err := spec.Load(path)
		switch {
		case text == nil && (err != nil || loaded.SHA256 != good.Environment.SpecHash):
		case err != nil:
			why = fmt.Errorf("%w; what git does not have can be made with --prepare COMMAND", err)
		case loaded.SHA256 != good.Environment.SpecHash:
			why = fmt.Errorf("the workload's files in revision %s are not those of run %s: it had changes that were not committed", good.Environment.GitRevision, good.ID())
		default:
			found = loaded
			return fs.SkipAll
		}
		return nil
	})
	if found == nil {
		return nil, notBuilt("%w", errors.Join(walkErr, why))
	}
	return found, nil
}

// asIn says which files can be the spec of a run, whose text is nil where the
// run's folder is gone.
func asIn(good results.Run) (text []byte, candidate func(path string, d fs.DirEntry) bool, err error) {
	text, err = os.ReadFile(filepath.Join(good.Dir, results.SpecFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, func(path string, _ fs.DirEntry) bool { return looksLikeSpec(path) }, nil
	}
	return text, func(path string, d fs.DirEntry) bool { return sameText(path, d, text) }, err
}

// looksLikeSpec spares what is no spec from being loaded as one.
func looksLikeSpec(path string) bool {
	if end := filepath.Ext(path); end != ".yaml" && end != ".yml" {
		return false
	}
	text, err := os.ReadFile(path)
	return err == nil && bytes.Contains(text, []byte("stratbench/")) && bytes.Contains(text, []byte("\nfactors:"))
}

func sameText(path string, d fs.DirEntry, text []byte) bool {
	info, err := d.Info()
	if err != nil || info.Size() != int64(len(text)) {
		return false
	}
	found, err := os.ReadFile(path)
	return err == nil && bytes.Equal(found, text)
}
