package lab

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const kubernetesVersion = "v1.34.3"

// The modules are kept as text: go:embed leaves out, without a word, a folder
// that has a go.mod of its own.
//
//go:embed modules
var moduleFiles embed.FS

//go:embed pause/main.go
var pauseSource []byte

// module is a small Go module that pins what is compiled.
type module struct {
	name string
	// packages are what to build, in one go command so that it can overlap
	// compiling and linking.
	packages []string
	// output is a file name for one package or a folder, ending in /, for many.
	output string
	flags  []string
}

var kubernetesCommands = []string{
	"kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubeadm", "kubectl", "kubelet",
}

func modules() []module {
	return []module{
		{name: "kubernetes", packages: kubernetesPackages(), output: "./", flags: []string{"-ldflags=" + kubernetesFlags()}},
		{name: "coredns", packages: []string{"."}, output: "coredns", flags: []string{"-ldflags=-s -w"}},
		{name: "etcd", packages: []string{"go.etcd.io/etcd/server/v3"}, output: "etcd", flags: []string{"-ldflags=-s -w"}},
	}
}

func kubernetesPackages() []string {
	var packages []string
	for _, c := range kubernetesCommands {
		packages = append(packages, "k8s.io/kubernetes/cmd/"+c)
	}
	return packages
}

// kubernetesFlags state the version where upstream's own build states it: a
// kubeadm without one refuses to set up a cluster of this version.
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
		name: "kubernetes",
		key:  key(inputs...),
		build: func(ctx context.Context, dir string, log io.Writer) error {
			return compileKubernetes(ctx, dir, log)
		},
	}
}

func compileKubernetes(ctx context.Context, dir string, log io.Writer) error {
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range modules() {
		g.Go(func() error { return m.compile(ctx, filepath.Join(dir, m.name), bin) })
	}
	g.Go(func() error { return compilePause(ctx, filepath.Join(dir, "pause"), bin) })
	if err := g.Wait(); err != nil {
		return err
	}
	return removeSources(dir)
}

// compile writes the module out below source and builds it into bin.
func (m module) compile(ctx context.Context, source, bin string) error {
	if err := writeModule(m.name, source); err != nil {
		return err
	}
	output := filepath.Join(bin, m.output)
	if strings.HasSuffix(m.output, "/") {
		output += "/"
	}
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-o", output}, m.flags, m.packages)
	if err := runGo(ctx, source, args...); err != nil {
		return fmt.Errorf("compiling %s: %w; can the Go module proxy be reached?", m.name, err)
	}
	return nil
}

func writeModule(name, dir string) error {
	files := map[string][]byte{}
	parts := contents(moduleFiles, "modules/"+name)
	for i := 0; i < len(parts); i += 2 {
		files[strings.TrimSuffix(filepath.Base(parts[i]), ".txt")] = []byte(parts[i+1])
	}
	return stage(dir, files)
}

func compilePause(ctx context.Context, source, bin string) error {
	if err := stage(source, map[string][]byte{"main.go": pauseSource}); err != nil {
		return err
	}
	output := filepath.Join(bin, "pause")
	if err := runGo(ctx, source, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", output, "main.go"); err != nil {
		return fmt.Errorf("compiling pause: %w", err)
	}
	return nil
}

func removeSources(dir string) error {
	names := []string{"pause"}
	for _, m := range modules() {
		names = append(names, m.name)
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
