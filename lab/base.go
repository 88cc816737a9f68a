package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

var goRootPackages = []string{"ca-certificates"}

// unusedFolders are the parts of a Go installation that no build reads.
var unusedFolders = []string{"api", "doc", "misc", "test", "src/cmd"}

// notForBuilds reports whether the Go image leaves a file or folder out: these folders and
// the tests of the standard library, which are a third of all files. An engine unpacks a
// layer file by file.
func notForBuilds(relative string) bool {
	return slices.Contains(unusedFolders, relative) ||
		path.Base(relative) == "testdata" || strings.HasSuffix(relative, "_test.go")
}

var goImageEnvironment = []string{
	"PATH=/usr/local/go/bin:" + searchPath[len("PATH="):],
	"GOTOOLCHAIN=local", "GOCACHE=/go/cache", "GOPATH=/go", "CGO_ENABLED=0",
}

func goImageArtifact(o origin, h builder) artifact {
	inputs := slices.Concat([]string{GoImageName, o.Go}, o.Authorities, goImageEnvironment, goRootPackages, lean, unusedFolders)
	return artifact{
		name: "go",
		key:  key(inputs...),
		build: func(ctx context.Context, dir string) error {
			authorities, err := h.bundle()
			if err == nil {
				err = buildGoImage(ctx, dir, h.tools, authorities)
			}
			return errors.Join(err, noteOrigin(dir, o))
		},
	}
}

// buildGoImage makes an image with the toolchain and a build cache of the standard library,
// so that a timed build compiles only the project and its other imports.
func buildGoImage(ctx context.Context, dir string, tools toolchain, authorities []byte) error {
	scratch := filepath.Join(dir, "scratch")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return err
	}
	root := debianRoot{suite: "bookworm", variant: "minbase", packages: goRootPackages}
	lower, err := root.layer(ctx, filepath.Join(scratch, "root.tar"))
	if err != nil {
		return err
	}
	warm := filepath.Join(scratch, "cache")
	cmd := goCommand(ctx, tools.root, "build", "-trimpath", "std")
	cmd.Env = append(cmd.Env, "GOCACHE="+warm)
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("compiling the standard library: %w", err)
	}
	t, err := newTree(filepath.Join(scratch, "go.tar"))
	if err != nil {
		return err
	}
	t.copyAll("usr/local/go", tools.root, time.Time{}, notForBuilds)
	// The cache's files are dated far in the future, because the go command deletes old files
	// that it does not use, and updates the time of those that it uses, which in a container
	// copies each of them.
	t.copyAll("go/cache", warm, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), func(string) bool { return false })
	t.dir("src", 0o755)
	t.data(authoritiesPath, 0o644, authorities)
	upper, err := t.layer()
	if err != nil {
		return err
	}
	if err := writeImage(dir, GoImageName, v1.Config{Env: goImageEnvironment, WorkingDir: "/src"}, lower, upper); err != nil {
		return err
	}
	return os.RemoveAll(scratch)
}

// runFiles are all files that a static program may need, except certificates.
var runFiles = map[string]string{
	"etc/passwd":        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
	"etc/group":         "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n",
	"etc/nsswitch.conf": "hosts: files dns\n",
	"etc/os-release":    "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12, for static programs\"\n",
}

func runImageArtifact(o origin, h builder) artifact {
	return artifact{
		name: "run",
		key:  key(append(slices.Clone(o.Authorities), RunImageName, fmt.Sprint(runFiles))...),
		build: func(_ context.Context, dir string) error {
			authorities, err := h.bundle()
			if err != nil {
				return err
			}
			file := filepath.Join(dir, "layer.tar")
			t, err := newTree(file)
			if err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(runFiles)) {
				t.data(name, 0o644, []byte(runFiles[name]))
			}
			t.data(authoritiesPath, 0o644, authorities)
			t.dir("tmp", 0o1777)
			t.dir("root", 0o700)
			l, err := t.layer()
			if err != nil {
				return err
			}
			if err := writeImage(dir, RunImageName, v1.Config{Env: []string{searchPath}}, l); err != nil {
				return err
			}
			return os.Remove(file)
		},
	}
}
