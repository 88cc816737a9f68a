// Package lab builds what experiments need on a machine that reaches no registry: root file
// systems with container engines, a Kind node image, and the base images of a workload. It
// needs root on a Debian machine, the machine's apt sources and its Go module proxy.
//
// Everything is kept in a cache folder. Each artifact has a folder whose name contains a hash
// of all its inputs, so Build builds nothing twice. Folders with other hashes may be deleted
// at any time.
package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// Options say what to build and where to keep it.
type Options struct {
	// CacheDir is the folder of the artifacts; if empty, DefaultCacheDir.
	CacheDir string
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

// DefaultCacheDir is the cache folder if none is given.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the lab's cache folder: %w; give one with Options.CacheDir", err)
	}
	return filepath.Join(dir, "stratbench", "lab"), nil
}

// Build returns the lab, after building what the cache lacks. Several processes may call it
// at once, and may be killed at any time.
func Build(ctx context.Context, o Options) (*Lab, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &cache{dir: o.CacheDir, log: o.Log, tell: o.Building}
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

func (o Options) withDefaults() (Options, error) {
	if len(o.Engines) == 0 {
		o.Engines = []string{"trixie"}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.Log = &lineWriter{w: o.Log}
	if o.CacheDir == "" {
		var err error
		o.CacheDir, err = DefaultCacheDir()
		return o, err
	}
	absolute, err := filepath.Abs(o.CacheDir)
	if err != nil {
		return o, fmt.Errorf("finding the lab's cache folder %s: %w", o.CacheDir, err)
	}
	o.CacheDir = absolute
	return o, nil
}

// buildAll starts the compilation first: it takes by far the longest, and the others mostly
// wait for the network.
func buildAll(ctx context.Context, c *cache, r *recipes) error {
	if err := checkMachine(); err != nil {
		return err
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
	for _, a := range r.engines {
		g.Go(func() error { return c.ensure(ctx, a) })
	}
	g.Go(func() error { return c.ensure(ctx, r.run) })
	g.Go(func() error { return c.ensure(ctx, r.golang) })
	g.Go(func() error {
		return c.ensure(ctx, nodeArtifact(r.nodeKey, filepath.Join(c.path(r.kubernetes), "bin"), kubernetes))
	})
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
	nodeKey    string
	golang     artifact
	run        artifact
}

// findRecipes returns the recipes of a finished lab in the cache that this machine can use,
// or else those of the lab to be built here.
func findRecipes(ctx context.Context, c *cache, sources []string) (*recipes, error) {
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
	r.nodeKey = nodeKey(r.kubernetes.key)
	r.golang = goImageArtifact(o, h)
	r.run = runImageArtifact(o, h)
	return r, nil
}

// all lists a lab's parts. The Kubernetes binaries are not among them: they are needed only
// to make a node image.
func (r *recipes) all() []artifact {
	return append(slices.Clone(r.engines), artifact{name: "node", key: r.nodeKey}, r.golang, r.run)
}

func (r *recipes) lab(c *cache) (*Lab, error) {
	l := &Lab{EngineRoots: map[string]string{}}
	for i, source := range r.sources {
		l.EngineRoots[source] = filepath.Join(c.path(r.engines[i]), "root.tar")
	}
	var err error
	if l.NodeImage, err = c.image(artifact{name: "node", key: r.nodeKey}); err != nil {
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
