package lab

import (
	"context"
	"embed"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed engine
var engineFiles embed.FS

// enginePackages are what both engines need to run, build and network without
// the help of an init system.
var enginePackages = []string{
	"docker.io", "podman", "crun", "netavark", "aardvark-dns", "catatonit",
	"iptables", "nftables", "iproute2", "ca-certificates", "kmod", "procps", "mount", "uidmap",
}

// suitePackages are what a suite splits off or has beside them.
var suitePackages = map[string][]string{
	"trixie":   {"docker-cli", "docker-buildx"},
	"bookworm": {},
}

// Suites are the Debian releases that engines can be taken from.
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

func buildEngine(ctx context.Context, dir, suite string, packages []string) error {
	staged := filepath.Join(dir, "staged")
	if err := stageEngineFiles(staged); err != nil {
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

// stageEngineFiles lays the embedded configuration out as below /etc.
func stageEngineFiles(dir string) error {
	files := map[string][]byte{}
	parts := contents(engineFiles, "engine")
	for i := 0; i < len(parts); i += 2 {
		name := strings.TrimPrefix(parts[i], "engine/")
		files[filepath.Join("etc/containers", name)] = []byte(parts[i+1])
	}
	return stage(dir, files)
}
