package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/host"
)

// artifact is a folder and the function that fills it.
type artifact struct {
	name  string
	key   string
	build func(ctx context.Context, dir string) error
}

func (a artifact) String() string { return a.name + "-" + a.key }

// cache keeps finished artifacts. A folder with its final name is complete: the last step of
// a build moves it there from the folder "building".
type cache struct {
	dir string
	log io.Writer
	// tell, unless nil, gets the names of the artifacts that are being built.
	tell     func(names []string)
	mu       sync.Mutex
	building []string
}

// manifest is written last into an artifact. It has the sizes of the artifact's files.
type manifest struct {
	Files map[string]int64 `json:"files"`
}

const (
	manifestName = "manifest.json"
	imageName    = "image.json"
	archiveName  = "image.tar"
)

func (c *cache) path(a artifact) string { return filepath.Join(c.dir, a.String()) }

func (c *cache) holds(artifacts []artifact) bool {
	return !slices.ContainsFunc(artifacts, func(a artifact) bool { return c.check(a) != nil })
}

// check compares the sizes of an artifact's files with its manifest: after a loss of power,
// the folder may have its final name and not yet its data.
func (c *cache) check(a artifact) error {
	data, err := os.ReadFile(filepath.Join(c.path(a), manifestName))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	for name, size := range m.Files {
		info, err := os.Stat(filepath.Join(c.path(a), name))
		if err != nil {
			return err
		}
		if info.Size() != size {
			return fmt.Errorf("%s of %s has %d bytes instead of %d", name, a, info.Size(), size)
		}
	}
	return nil
}

func (c *cache) image(a artifact) (image Image, err error) {
	data, err := os.ReadFile(filepath.Join(c.path(a), imageName))
	if err = errors.Join(err, c.check(a)); err == nil {
		err = json.Unmarshal(data, &image)
	}
	if err != nil {
		return Image{}, fmt.Errorf("reading the image of the artifact %s: %w; delete %s and build again", a, err, c.path(a))
	}
	image.Tar = filepath.Join(c.path(a), archiveName)
	return image, nil
}

// ensure builds an artifact, unless the cache has it.
func (c *cache) ensure(ctx context.Context, a artifact) error {
	if c.check(a) == nil {
		return nil
	}
	began := time.Now()
	fmt.Fprintf(c.log, "lab: building %s\n", a)
	c.change(func(names []string) []string { return append(names, a.name) })
	defer c.change(func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return n == a.name })
	})
	tmp := filepath.Join(c.partial(), a.String())
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return fmt.Errorf("building %s: %w", a, err)
	}
	if err := a.build(ctx, tmp); err != nil {
		return fmt.Errorf("building %s: %w", a, err)
	}
	if err := c.keep(a, tmp); err != nil {
		return fmt.Errorf("keeping %s: %w; is %s full?", a, err, c.dir)
	}
	fmt.Fprintf(c.log, "lab: built %s in %.1f s\n", a, time.Since(began).Seconds())
	return nil
}

// change changes and reports what is being built.
func (c *cache) change(what func([]string) []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.building = what(c.building)
	if c.tell != nil {
		c.tell(slices.Clone(c.building))
	}
}

// keep writes an artifact's manifest and gives its folder the final name.
func (c *cache) keep(a artifact, tmp string) error {
	m := manifest{Files: map[string]int64{}}
	err := filepath.WalkDir(tmp, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(tmp, path)
		m.Files[name] = info.Size()
		return err
	})
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, manifestName), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(c.path(a)); err != nil {
		return err
	}
	return os.Rename(tmp, c.path(a))
}

// partial is the folder for unfinished artifacts.
func (c *cache) partial() string { return filepath.Join(c.dir, "building") }

// lock waits for other builds and removes what a killed build left.
func (c *cache) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the lab's cache folder: %w", err)
	}
	path := filepath.Join(c.dir, "lock")
	lock, err := host.TryLock(path)
	if errors.Is(err, host.ErrLocked) {
		fmt.Fprintf(c.log, "lab: waiting for another build in %s\n", c.dir)
		lock, err = host.Lock(ctx, path)
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for a turn to build the lab: %w", err)
	}
	if err := os.RemoveAll(c.partial()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("removing what an unfinished build left in %s: %w", c.partial(), err)
	}
	return func() { lock.Close() }, nil
}

// key hashes the inputs of an artifact. Each part is preceded by its length, so that two
// lists of parts never give the same bytes.
func key(parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{runtime.GOARCH}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// contents returns, alternately, the paths and the contents of all files below root, in the
// order of their names, as parts of a key.
func contents(fsys fs.FS, root string) []string {
	var parts []string
	err := fs.WalkDir(fsys, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, path)
		parts = append(parts, path, string(data))
		return err
	})
	if err != nil || len(parts) == 0 {
		panic(fmt.Sprintf("lab: embedded files below %s: %v", root, err))
	}
	return parts
}
