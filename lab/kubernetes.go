package lab

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const kubernetesVersion = "v1.34.3"

// The modules are text files, because go:embed silently leaves out a folder with a go.mod of
// its own.
//
//go:embed modules
var moduleFiles embed.FS

//go:embed pause/main.go
var pauseSource []byte

// module is a small Go module that pins the versions of what is compiled.
// The text of these values is part of a key.
type module struct {
	name string
	// packages are built by one go command, which can compile some while it links others.
	packages []string
	// output is a file name for one package, or a folder, ending in /, for several.
	output string
	flags  []string
}

var kubernetesCommands = []string{
	"kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubeadm", "kubectl", "kubelet",
}

func modules() []module {
	var packages []string
	for _, c := range kubernetesCommands {
		packages = append(packages, "k8s.io/kubernetes/cmd/"+c)
	}
	return []module{
		{name: "kubernetes", packages: packages, output: "./", flags: []string{"-ldflags=" + kubernetesFlags()}},
		{name: "coredns", packages: []string{"."}, output: "coredns", flags: []string{"-ldflags=-s -w"}},
		{name: "etcd", packages: []string{"go.etcd.io/etcd/server/v3"}, output: "etcd", flags: []string{"-ldflags=-s -w"}},
	}
}

// kubernetesFlags set the version in the same variables as upstream's own build does.
// Without it, kubeadm refuses to set up a cluster of this version.
func kubernetesFlags() string {
	flags := []string{"-s", "-w"}
	minor := strings.Split(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X "+pkg+".gitVersion="+kubernetesVersion,
			"-X "+pkg+".gitMajor="+minor[0],
			"-X "+pkg+".gitMinor="+minor[1])
	}
	return strings.Join(flags, " ")
}

func kubernetesArtifact(goVersion string) artifact {
	inputs := append([]string{goVersion, fmt.Sprint(modules()), string(pauseSource)}, contents(moduleFiles, "modules")...)
	return artifact{
		name:  "kubernetes",
		key:   key(inputs...),
		build: compileKubernetes,
	}
}

func compileKubernetes(ctx context.Context, dir string) error {
	bin, sources := filepath.Join(dir, "bin"), filepath.Join(dir, "sources")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range modules() {
		g.Go(func() error { return m.compile(ctx, filepath.Join(sources, m.name), bin) })
	}
	g.Go(func() error { return compilePause(ctx, filepath.Join(sources, "pause"), bin) })
	return errors.Join(g.Wait(), os.RemoveAll(sources))
}

// compile writes the module to the folder source and builds it into bin.
func (m module) compile(ctx context.Context, source, bin string) error {
	if err := writeModule(m.name, source); err != nil {
		return err
	}
	// The go command recognises a folder by the slash at its end.
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-o", bin + "/" + m.output}, m.flags, m.packages)
	if _, err := output(goCommand(ctx, source, args...)); err != nil {
		return fmt.Errorf("compiling %s: %w; can the Go module proxy be reached?", m.name, err)
	}
	return nil
}

func writeModule(name, dir string) error {
	files := map[string][]byte{}
	for file := range slices.Chunk(contents(moduleFiles, "modules/"+name), 2) {
		files[strings.TrimSuffix(filepath.Base(file[0]), ".txt")] = []byte(file[1])
	}
	return stage(dir, files)
}

func compilePause(ctx context.Context, source, bin string) error {
	if err := stage(source, map[string][]byte{"main.go": pauseSource}); err != nil {
		return err
	}
	build := goCommand(ctx, source, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, "pause"), "main.go")
	if _, err := output(build); err != nil {
		return fmt.Errorf("compiling pause: %w", err)
	}
	return nil
}
