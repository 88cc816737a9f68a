// Package lab builds what an experiment stands on where no registry can be
// reached: root file systems that hold container engines, a Kind node image
// and the base images of a workload. It needs root on a Debian machine, the
// machine's own apt sources and its Go module proxy, and nothing else.
//
// Everything is kept in a cache folder, each artifact in a folder named for
// what it is and for a hash of all that went into it, so a second Build only
// looks. Folders of hashes no longer in use may be deleted at any time.
package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// The names under which images are found once their archives are loaded.
const (
	NodeImageName = "stratbench.local/node:" + kubernetesVersion
	GoImageName   = "stratbench.local/go:1.26"
	RunImageName  = "stratbench.local/run:bookworm"
)

// NodeSubnet is what a node of the node image gives its pods, each node the same:
// it stands in node/10-ptp.conflist.
const NodeSubnet = "10.244.0.0/24"

// ClusterConfig is the Kind configuration a cluster of the node image needs: no
// lowering of oom_score_adj.
//
//go:embed kind.yaml
var ClusterConfig []byte

// Options say what to build and where to keep it.
type Options struct {
	// CacheDir is the folder of the artifacts; DefaultCacheDir when empty.
	CacheDir string
	// Suites are the Debian releases to take engines from; trixie when empty.
	Suites []string
	// Log receives a line for each thing begun and finished; nil for none.
	Log io.Writer
	// Building, unless nil, is told the names of what is being built whenever
	// that changes, from one goroutine at a time.
	Building func(names []string)
}

// Lab is a complete set of artifacts.
type Lab struct {
	// EngineRoots are uncompressed tars of root file systems, by suite. A file
	// packages.txt beside each lists the versions of what is inside.
	EngineRoots map[string]string
	NodeImage   Image
	BaseImages  []Image
}

// Image is an archive that docker load and podman load both take.
type Image struct {
	Name string `json:"name"`
	// Tar is the path of the archive.
	Tar string `json:"-"`
	// ID is the digest of the image's configuration, as both engines print it.
	ID string `json:"id"`
}

// DefaultCacheDir is the folder used when none is given.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the lab's cache folder: %w; give one with Options.CacheDir", err)
	}
	return filepath.Join(dir, "stratbench", "lab"), nil
}

// Build returns the lab, building what the cache does not hold. It is safe to
// call from several processes at once and to kill at any time.
func Build(ctx context.Context, o Options) (*Lab, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &cache{dir: o.CacheDir, log: o.Log, tell: o.Building}
	r, err := findRecipes(ctx, c, o.Suites)
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
	if len(o.Suites) == 0 {
		o.Suites = []string{"trixie"}
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

// buildAll starts the compilation first: it is the longest way by far, and
// what the others wait for is mostly the network.
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
	g.Go(func() error { return c.ensure(ctx, r.node(c, kubernetes)) })
	return g.Wait()
}

// lineWriter lets concurrent steps share one log.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
