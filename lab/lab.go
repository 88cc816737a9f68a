// Package lab builds what experiments need on a machine that reaches no registry: root file
// systems with container engines, a Kind node image, and the base images of a workload. It
// needs root on a Debian machine, the machine's apt sources and its Go module proxy.
//
// Everything is kept in a cache folder. Each artifact has a folder whose name contains a hash
// of all its inputs, so Build builds nothing twice. Folders with other hashes may be deleted
// at any time.
package lab

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// The names of the images after their archives are loaded.
const (
	NodeImageName = "stratbench.local/node:" + kubernetesVersion
	GoImageName   = "stratbench.local/go:1.26"
	RunImageName  = "stratbench.local/run:bookworm"
)

// NodeSubnet is the subnet of the pods on a node of the node image. It is the same for each
// node, and is set in node/10-ptp.conflist.
const NodeSubnet = "10.244.0.0/24"

// ClusterConfig is the Kind configuration that a cluster of the node image needs: nothing
// lowers oom_score_adj.
//
//go:embed kind.yaml
var ClusterConfig []byte

// Options say what to build.
type Options struct {
	// Engines are the sources to take engines from: Debian releases, or tars of root file
	// systems; if empty, trixie.
	Engines []string
	// Log, unless nil, gets a line for each step that begins or ends.
	Log io.Writer
	// Building, unless nil, gets the names of the artifacts that are being built, whenever
	// these change. It is called from one goroutine at a time.
	Building func(names []string)
}

// Lab is a complete set of artifacts.
type Lab struct {
	// EngineRoots are uncompressed tars of root file systems, by source. The file
	// packages.txt beside that of a suite lists the versions of its packages.
	EngineRoots map[string]string
	NodeImage   Image
	BaseImages  []Image
}

// Image is an archive for docker load and podman load.
type Image struct {
	Name string `json:"name"`
	// Tar is the path of the archive.
	Tar string `json:"-"`
	// ID is the digest of the image's configuration, which both engines print as its ID.
	ID string `json:"id"`
}

// CacheDir is the folder of the artifacts.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err == nil {
		dir, err = filepath.Abs(filepath.Join(dir, "stratbench", "lab"))
	}
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return dir, nil
}

// Build returns the lab, after building what the cache lacks. Several processes may call it
// at once, and may be killed at any time.
func Build(ctx context.Context, o Options) (*Lab, error) {
	c, err := o.cache()
	if err != nil {
		return nil, err
	}
	r, err := findRecipes(ctx, c, o.Engines)
	if err != nil {
		return nil, err
	}
	if c.holds(r.all()) {
		return r.lab(c)
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := buildAll(ctx, c, r); err != nil {
		return nil, err
	}
	return r.lab(c)
}

func (o Options) cache() (*cache, error) {
	dir, err := CacheDir()
	return &cache{dir: dir, log: &lineWriter{w: cmp.Or(o.Log, io.Discard)}, tell: o.Building}, err
}

// buildAll starts the compilation first: it takes by far the longest, and the others mostly
// wait for the network.
func buildAll(ctx context.Context, c *cache, r *recipes) error {
	// What is missing is found before minutes of work.
	if os.Geteuid() != 0 {
		return errors.New("building the lab: making root file systems needs root; run as root")
	}
	if packages := missingPackages(toBuild, exec.LookPath, fileExists); len(packages) > 0 {
		return fmt.Errorf("building the lab: not everything is installed; run: apt-get install %s", strings.Join(packages, " "))
	}
	g, ctx := errgroup.WithContext(ctx)
	kubernetes := make(chan struct{})
	g.Go(func() error {
		if err := c.ensure(ctx, r.kubernetes); err != nil {
			return err
		}
		close(kubernetes)
		return nil
	})
	r.node.build = func(ctx context.Context, dir string) error {
		n := &node{dir: dir, scratch: filepath.Join(dir, "scratch"), bin: filepath.Join(c.path(r.kubernetes), "bin")}
		return n.build(ctx, kubernetes)
	}
	for _, a := range r.all() {
		g.Go(func() error { return c.ensure(ctx, a) })
	}
	return g.Wait()
}

// lineWriter serialises the writes of concurrent steps.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// recipes are the artifacts of one lab, each with the key of its inputs.
type recipes struct {
	sources    []string // of the engines
	engines    []artifact
	kubernetes artifact
	node       artifact
	golang     artifact
	run        artifact
}

// findRecipes returns the recipes of a finished lab in the cache that this host can use,
// or else those of the lab to be built here.
func findRecipes(ctx context.Context, c *cache, sources []string) (*recipes, error) {
	if len(sources) == 0 {
		sources = []string{"trixie"}
	}
	h, err := thisBuilder(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range append(c.origins(), h.origin) {
		if !o.serves(h.origin) {
			continue
		}
		r, err := newRecipes(sources, o, h)
		if err != nil {
			return nil, err
		}
		if c.holds(r.all()) {
			return r, nil
		}
	}
	if h.withoutGo != nil {
		return nil, fmt.Errorf("building the lab, because %s has no finished one: %w", c.dir, h.withoutGo)
	}
	return newRecipes(sources, h.origin, h)
}

func newRecipes(sources []string, o origin, h builder) (*recipes, error) {
	r := &recipes{sources: slices.Compact(slices.Sorted(slices.Values(sources)))}
	for _, source := range r.sources {
		e, err := engineArtifact(source)
		if err != nil {
			return nil, err
		}
		r.engines = append(r.engines, e)
	}
	r.kubernetes = kubernetesArtifact(o.Go)
	r.node = artifact{name: "node", key: nodeKey(r.kubernetes.key)}
	r.golang = goImageArtifact(o, h)
	r.run = runImageArtifact(o, h)
	return r, nil
}

// all lists a lab's parts. The Kubernetes binaries are not among them: they are needed only
// to make a node image.
func (r *recipes) all() []artifact {
	return append(slices.Clone(r.engines), r.node, r.golang, r.run)
}

func (r *recipes) lab(c *cache) (*Lab, error) {
	l := &Lab{EngineRoots: map[string]string{}}
	for i, source := range r.sources {
		l.EngineRoots[source] = filepath.Join(c.path(r.engines[i]), "root.tar")
	}
	var err error
	if l.NodeImage, err = c.image(r.node); err != nil {
		return nil, err
	}
	for _, a := range []artifact{r.golang, r.run} {
		image, err := c.image(a)
		if err != nil {
			return nil, err
		}
		l.BaseImages = append(l.BaseImages, image)
	}
	return l, nil
}
