package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline"
)

// CacheDir is the folder in which stratbench keeps the lab, golden states and
// what it has fetched.
func CacheDir() (string, error) {
	dir, err := lab.CacheDir()
	return filepath.Dir(dir), err
}

// Scratch is a folder for what need not outlive a run. It stays locked while the run
// lives. The next run removes the unlocked folder of a killed run.
type Scratch struct {
	Dir  string
	lock io.Closer
}

const scratchPrefix = "scratch-"

// NewScratch makes a scratch folder in parent, and removes those of killed runs there.
func NewScratch(parent string) (*Scratch, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("creating stratbench's cache folder: %w; make it writable, or name another folder in XDG_CACHE_HOME", err)
	}
	ofKilled(filepath.Join(parent, scratchPrefix+"*"), 0, true)
	for last := false; ; last = true {
		dir, err := os.MkdirTemp(parent, scratchPrefix)
		if err != nil {
			return nil, fmt.Errorf("creating a scratch folder: %w", err)
		}
		lock, err := host.TryLock(dir)
		if info, gone := os.Stat(dir); err == nil && gone == nil && info.IsDir() {
			return &Scratch{Dir: dir, lock: lock}, nil
		}
		// Before it was locked, another run treated the folder as a killed run's.
		if err == nil {
			err = errors.Join(fs.ErrNotExist, os.RemoveAll(dir), lock.Close())
		}
		if last {
			return nil, fmt.Errorf("creating a scratch folder: %w", err)
		}
	}
}

func (s *Scratch) sub(name string) (string, error) {
	dir := filepath.Join(s.Dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// Close removes the folder.
func (s *Scratch) Close() error {
	return errors.Join(os.RemoveAll(s.Dir), s.lock.Close())
}

// ofKilled lists the files that match a pattern, are at least this old and are not locked,
// because their run was killed. If remove is true, it removes them, and lists those that
// are gone.
func ofKilled(pattern string, age time.Duration, remove bool) (all []string) {
	found, _ := filepath.Glob(pattern)
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || age > 0 && time.Since(info.ModTime()) < age {
			continue
		}
		lock, err := host.TryLock(path)
		if err != nil {
			continue // its run lives
		}
		if remove {
			err = os.RemoveAll(path)
		}
		if err == nil {
			all = append(all, path)
		}
		lock.Close()
	}
	return all
}

// How long the fetching of a deployment's file may take, and how large the file may be.
const (
	fetchLimit  = time.Minute
	largestFile = 64 << 20
)

// fetched is the path of a file. For a URL it is the copy in the cache that has
// its checksum, which is fetched first if it is not there.
func fetched(ctx context.Context, cache, file string) (string, error) {
	address, sum, remote := spec.Remote(file)
	if !remote {
		return file, nil
	}
	kept := filepath.Join(cache, "fetched", sum, path.Base(address))
	if text, err := os.ReadFile(kept); err == nil && sumOf(text) == sum {
		return kept, nil
	}
	text, err := fetch(ctx, address)
	switch {
	case err != nil:
		return "", fmt.Errorf("fetching %s: %w; make sure that this host reaches it, or keep a copy beside the workload and name that", address, err)
	case sumOf(text) != sum:
		return "", fmt.Errorf("the file at %s has the checksum %s and not the given one; if it is the right file, correct the checksum", address, sumOf(text))
	}
	if err := keep(cache, kept, func(name string) error { return os.WriteFile(name, text, 0o644) }); err != nil {
		return "", fmt.Errorf("keeping what was fetched from %s: %w", address, err)
	}
	return kept, nil
}

// keep makes a file of the cache, whole or not at all, even if another run makes it at the
// same time.
func keep(cache, path string, write func(name string) error) (err error) {
	s, err := NewScratch(cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	part := filepath.Join(s.Dir, filepath.Base(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), write(part)); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	if strings.HasPrefix(address, spec.OCI) {
		return fetchChart(ctx, address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("the server answered " + answer.Status)
	}
	return readWhole(answer.Body)
}

// readWhole reads a file that is not larger than one of a deployment may be.
func readWhole(from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, largestFile+1))
	if err == nil && len(text) > largestFile {
		err = fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	return text, err
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// preloads is the folder of the archives of fetched images, in the cache.
const preloads = "preload"

// archiveOf is the archive of an entry under preload. That of an image in a
// registry is fetched first if it is not in the cache.
func archiveOf(ctx context.Context, cache, entry string) (pipeline.Archive, error) {
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
	path := filepath.Join(cache, preloads, sumOf([]byte(ref.Name()+" "+digest.String()))+".tar")
	archive := pipeline.Archive{Path: path, Names: []string{entry}}
	if _, err := os.Stat(path); err == nil {
		return archive, nil
	}
	return archive, keep(cache, path, func(name string) error { return tarball.WriteToFile(name, ref, image) })
}

// lookUp asks a registry for an image, with the user's login.
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

// fetchChart returns the archive of the chart at an address in a registry.
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
	return nil, errors.New("it is an image, not a chart")
}

// namesInArchive lists the names of the images in a docker-archive.
func namesInArchive(path string) (names []string, err error) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		return nil, fmt.Errorf("%s is not an archive of images: %w; make one with docker save or podman save", path, err)
	}
	for _, image := range manifest {
		names = append(names, image.RepoTags...)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the archive %s holds no image with a name; save the image by its name", path)
	}
	return names, nil
}
