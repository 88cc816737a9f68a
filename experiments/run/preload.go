package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/pipeline"
)

// preloads are the folder in which archives of images are kept that were
// fetched.
func preloads() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "preload"), nil
}

// preload fetches the images that trials load and do not build, as a
// preparation: a registry that fails costs no trial.
func (r *runner) preload(ctx context.Context) error {
	r.archives = map[string]pipeline.Archive{}
	for _, spec := range r.specs() {
		for _, entry := range spec.Workload.Preload {
			if _, known := r.archives[entry]; known {
				continue
			}
			r.preparing(Preparation{What: "fetching the image " + entry})
			archive, err := archiveOf(ctx, entry)
			if err != nil {
				return fmt.Errorf("%w: the image %s, which trials load: %w; correct its name, log in to its registry, or save it to an archive (docker save) and name that under preload", ErrNoneReady, entry, err)
			}
			r.archives[entry] = archive
		}
	}
	return nil
}

// archiveOf is the archive of an entry of preload.
func archiveOf(ctx context.Context, entry string) (pipeline.Archive, error) {
	if spec.IsArchive(entry) {
		names, err := namesInArchive(entry)
		return pipeline.Archive{Path: entry, Names: names}, err
	}
	ref, image, err := lookUp(ctx, entry)
	if err != nil {
		return pipeline.Archive{}, err
	}
	digest, err := image.Digest()
	if err != nil {
		return pipeline.Archive{}, err
	}
	dir, err := preloads()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return pipeline.Archive{}, err
	}
	named := sha256.Sum256([]byte(ref.Name() + " " + digest.String()))
	path := filepath.Join(dir, hex.EncodeToString(named[:])+".tar")
	archive := pipeline.Archive{Path: path, Names: []string{entry}}
	if _, err := os.Stat(path); err == nil {
		return archive, nil
	}
	if err := tarball.WriteToFile(path+".new", ref, image); err != nil {
		return archive, errors.Join(err, os.Remove(path+".new"))
	}
	return archive, os.Rename(path+".new", path)
}

// lookUp asks a registry for an image, with the user's logins.
func lookUp(ctx context.Context, entry string) (name.Reference, v1.Image, error) {
	ref, err := name.ParseReference(entry)
	if err != nil {
		return nil, nil, err
	}
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(http.DefaultTransport),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	return ref, image, err
}

// chartLayer is the media type of the archive of a chart in a registry.
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// fetchChart is the archive of the chart at an address in a registry.
func fetchChart(ctx context.Context, address string) ([]byte, error) {
	_, image, err := lookUp(ctx, strings.TrimPrefix(address, spec.OCI))
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		kind, err := layer.MediaType()
		if err != nil {
			return nil, err
		}
		if kind != chartLayer {
			continue
		}
		archive, err := layer.Compressed()
		if err != nil {
			return nil, err
		}
		defer archive.Close()
		return readWhole(archive)
	}
	return nil, errors.New("it is an image and no chart")
}

// namesInArchive are the names of the images in a docker-archive.
func namesInArchive(path string) (names []string, err error) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		return nil, fmt.Errorf("%s is no archive of images: %w; make one with docker save or podman save", path, err)
	}
	for _, image := range manifest {
		names = append(names, image.RepoTags...)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the archive %s holds no image with a name; save it by its name", path)
	}
	return names, nil
}

// preloaded looks at the images that are loaded and not built, and returns
// their names.
func (c *cellInspection) preloaded(ctx context.Context) (names []string) {
	for i, entry := range c.workload.Preload {
		setting := fmt.Sprintf("workload.preload.%d", i)
		if spec.IsArchive(entry) {
			in, err := namesInArchive(entry)
			if err != nil {
				c.at(&c.issues, setting, "%v", err)
			}
			names = append(names, in...)
			continue
		}
		names = append(names, entry)
		asking, done := context.WithTimeout(ctx, askLimit)
		_, _, err := lookUp(asking, entry)
		done()
		certain, doubt := judge("this host", err)
		switch {
		case certain != nil:
			c.at(&c.issues, setting, "the image %s, which trials load: %v, or save it to an archive and name that", entry, certain)
		case doubt != nil:
			c.at(&c.warnings, setting, "the image %s, which trials load: %v", entry, doubt)
		}
	}
	return names
}
