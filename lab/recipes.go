package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// recipes are the artifacts of one lab, each with the key of its inputs.
type recipes struct {
	suites     []string
	engines    []artifact
	kubernetes artifact
	nodeKey    string
	golang     artifact
	run        artifact
}

// findRecipes returns the recipes of a finished lab in the cache that does for
// this machine, and otherwise those of the lab that is to be built here.
func findRecipes(ctx context.Context, c *cache, suites []string) (*recipes, error) {
	h, err := thisBuilder(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range append(c.origins(), h.origin) {
		if !o.serves(h.origin) {
			continue
		}
		r, err := newRecipes(suites, o, h)
		if err != nil {
			return nil, err
		}
		if c.holds(r.all()) {
			return r, nil
		}
	}
	if h.withoutGo != nil {
		return nil, fmt.Errorf("building the lab, of which %s holds no finished one: %w", c.dir, h.withoutGo)
	}
	return newRecipes(suites, h.origin, h)
}

func newRecipes(suites []string, o origin, h builder) (*recipes, error) {
	r := &recipes{suites: slices.Compact(slices.Sorted(slices.Values(suites)))}
	for _, suite := range r.suites {
		e, err := engineArtifact(suite)
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

// node is apart from the others because it is made from one of them.
func (r *recipes) node(c *cache, kubernetes <-chan struct{}) artifact {
	binaries := filepath.Join(c.path(r.kubernetes), "bin")
	return nodeArtifact(r.nodeKey, binaries, kubernetes)
}

// all lists what a lab is made of. The Kubernetes binaries are not in it: they
// are needed only where a node image is still to be made.
func (r *recipes) all() []artifact {
	return append(slices.Clone(r.engines), artifact{name: "node", key: r.nodeKey}, r.golang, r.run)
}

func (r *recipes) lab(c *cache) (*Lab, error) {
	l := &Lab{EngineRoots: map[string]string{}}
	for i, suite := range r.suites {
		l.EngineRoots[suite] = filepath.Join(c.path(r.engines[i]), "root.tar")
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
