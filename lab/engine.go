package lab

import (
	"archive/tar"
	"context"
	"embed"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed engine
var engineFiles embed.FS

// enginePackages are what both engines need to run, build and network without an init
// system.
var enginePackages = []string{
	"docker.io", "podman", "crun", "netavark", "aardvark-dns", "catatonit",
	"iptables", "nftables", "iproute2", "ca-certificates", "kmod", "procps", "mount", "uidmap",
}

// suitePackages are further packages, into which a suite divides these programs.
var suitePackages = map[string][]string{
	"trixie":   {"docker-cli", "docker-buildx"},
	"bookworm": {},
}

// Suites returns the Debian releases from which engines can be taken.
func Suites() []string { return slices.Sorted(maps.Keys(suitePackages)) }

func engineArtifact(suite string) (artifact, error) {
	extra, ok := suitePackages[suite]
	if !ok {
		return artifact{}, fmt.Errorf("no engines are known for the suite %q; choose one of %s", suite, strings.Join(Suites(), ", "))
	}
	packages := slices.Concat(enginePackages, extra)
	inputs := slices.Concat([]string{suite}, packages, lean, contents(engineFiles, "engine"))
	return artifact{
		name: "engine-" + suite,
		key:  key(inputs...),
		build: func(ctx context.Context, dir string, _ io.Writer) error {
			return buildEngine(ctx, dir, suite, packages)
		},
	}, nil
}

// buildEngine puts the embedded configuration below /etc/containers.
func buildEngine(ctx context.Context, dir, suite string, packages []string) error {
	staged, files := filepath.Join(dir, "staged"), map[string][]byte{}
	for file := range slices.Chunk(contents(engineFiles, "engine"), 2) {
		files[filepath.Join("etc/containers", strings.TrimPrefix(file[0], "engine/"))] = []byte(file[1])
	}
	if err := stage(staged, files); err != nil {
		return err
	}
	root := debianRoot{
		suite: suite, variant: "minbase", packages: packages,
		hooks: []string{
			"sync-in '" + staged + "' /",
			listPackages(filepath.Join(dir, "packages.txt")),
		},
	}
	if err := root.make(ctx, filepath.Join(dir, "root.tar")); err != nil {
		return err
	}
	return os.RemoveAll(staged)
}

// Programs returns the programs in the PATH of a suite's engine root, or nil if the cache
// folder has none. It builds nothing.
func Programs(cacheDir, suite string) map[string]bool {
	roots, err := filepath.Glob(filepath.Join(cacheDir, "engine-"+suite+"-*", "root.tar"))
	if err != nil || len(roots) == 0 {
		return nil
	}
	f, err := os.Open(roots[len(roots)-1])
	if err != nil {
		return nil
	}
	defer f.Close()
	folders := strings.Split(strings.TrimPrefix(searchPath, "PATH="), ":")
	found := map[string]bool{}
	for archive := tar.NewReader(f); ; { // it skips the files' contents
		h, err := archive.Next()
		if err != nil {
			break
		}
		if name := path.Clean("/" + h.Name); slices.Contains(folders, path.Dir(name)) && h.Typeflag != tar.TypeDir {
			found[path.Base(name)] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
