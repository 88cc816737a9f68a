package lab

import (
	"archive/tar"
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
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
	"forky":    {"docker-cli", "docker-buildx"},
	"trixie":   {"docker-cli", "docker-buildx"},
	"bookworm": {},
}

// Suites returns the Debian releases from which engines can be taken.
func Suites() []string { return slices.Sorted(maps.Keys(suitePackages)) }

// versions are those of the engines in a suite.
var versions = map[string]map[trial.Runtime]string{
	"bookworm": {trial.Docker: "20.10.24", trial.Podman: "4.3.1"},
	"trixie":   {trial.Docker: "26.1.5", trial.Podman: "5.4.2"},
}

// EngineVersion returns the version of an engine in a suite. It is empty if it is not
// known before the engine runs.
func EngineVersion(source string, r trial.Runtime) string { return versions[source][r] }

// CheckEngine reports what is wrong with a source of engines: a suite, or the tar of a
// user's own root file system.
func CheckEngine(source string) error {
	_, err := engineArtifact(source)
	return err
}

// EngineName names a source of engines, without the folders of a user's own.
func EngineName(source string) string {
	return notInNames.ReplaceAllString(strings.TrimSuffix(filepath.Base(source), ".tar"), "-")
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

func engineArtifact(source string) (artifact, error) {
	if strings.HasSuffix(source, ".tar") {
		return ownEngine(source)
	}
	suite := source
	extra, ok := suitePackages[suite]
	if !ok {
		return artifact{}, fmt.Errorf("no engines are known for the suite %q; choose one of %s, or give the path of a root file system's tar", suite, strings.Join(Suites(), ", "))
	}
	packages := slices.Concat(enginePackages, extra)
	return artifact{
		name: "engine-" + suite,
		key:  key(slices.Concat([]string{suite}, packages, lean, contents(engineFiles, "engine"))...),
		build: func(ctx context.Context, dir string) error {
			staged := filepath.Join(dir, "staged")
			if err := stageEngineFiles(staged); err != nil {
				return err
			}
			root := debianRoot{
				suite: suite, variant: "minbase", packages: packages,
				hooks: []string{"sync-in '" + staged + "' /", listPackages(filepath.Join(dir, "packages.txt"))},
			}
			if err := root.make(ctx, filepath.Join(dir, "root.tar")); err != nil {
				return err
			}
			return os.RemoveAll(staged)
		},
	}, nil
}

// ownEngine takes engines from a user's own root file system. Its file is known by
// place, size and time of change, as reading all of it takes seconds.
func ownEngine(tar string) (artifact, error) {
	info, err := os.Stat(tar)
	if err != nil {
		return artifact{}, fmt.Errorf("the root file system %s cannot be read: %w; give the path of an uncompressed tar, relative to the spec", tar, err)
	}
	inputs := append([]string{tar, fmt.Sprint(info.Size(), info.ModTime().UnixNano())}, contents(engineFiles, "engine")...)
	return artifact{
		name: "engine-own-" + EngineName(tar),
		key:  key(inputs...),
		build: func(ctx context.Context, dir string) error {
			staged, root := filepath.Join(dir, "staged"), filepath.Join(dir, "root.tar")
			if err := stageEngineFiles(staged); err != nil {
				return err
			}
			// A drop-in of the user's would win over the file itself.
			dropIns := filepath.Join(staged, "etc/containers/containers.conf.d")
			if err := os.Mkdir(dropIns, 0o755); err != nil {
				return fmt.Errorf("staging %s: %w", dropIns, err)
			}
			if err := os.Link(filepath.Join(staged, "etc/containers/containers.conf"), filepath.Join(dropIns, "99-stratbench.conf")); err != nil {
				return fmt.Errorf("staging a drop-in of containers.conf: %w", err)
			}
			if _, err := output(command(ctx, "cp", tar, root)); err != nil {
				return fmt.Errorf("copying the root file system %s: %w", tar, err)
			}
			if _, err := output(command(ctx, "tar", "--append", "--owner=0", "--group=0", "--file="+root, "--directory="+staged, ".")); err != nil {
				return fmt.Errorf("adding the configuration of a machine's engines to a copy of %s: %w; it must be an uncompressed tar", tar, err)
			}
			return os.RemoveAll(staged)
		},
	}, nil
}

// stageEngineFiles lays the embedded configuration out below /etc/containers.
func stageEngineFiles(dir string) error {
	files := map[string][]byte{}
	for file := range slices.Chunk(contents(engineFiles, "engine"), 2) {
		files[filepath.Join("etc/containers", strings.TrimPrefix(file[0], "engine/"))] = []byte(file[1])
	}
	return stage(dir, files)
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
