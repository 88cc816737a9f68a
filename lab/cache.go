package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/host"
)

// artifact is a folder that one function can fill.
type artifact struct {
	name  string
	key   string
	build func(ctx context.Context, dir string, log io.Writer) error
}

func (a artifact) String() string { return a.name + "-" + a.key }

// cache keeps finished artifacts. A folder under its final name is complete:
// it was renamed there from the folder "building" as the last thing done.
type cache struct {
	dir string
	log io.Writer
	// tell, unless nil, is told what is in hand.
	tell   func(names []string)
	mu     sync.Mutex
	inHand []string
}

// manifest is written last into an artifact and says what must be there.
type manifest struct {
	Files map[string]int64 `json:"files"`
	Image *Image           `json:"image,omitempty"`
}

const (
	manifestName = "manifest.json"
	imageName    = "image.json"
	archiveName  = "image.tar"
)

func (c *cache) path(a artifact) string { return filepath.Join(c.dir, a.String()) }

func (c *cache) holds(artifacts []artifact) bool {
	for _, a := range artifacts {
		if _, err := c.manifest(a); err != nil {
			return false
		}
	}
	return true
}

// manifest reads an artifact's manifest and compares the sizes of its files:
// a machine that lost power may have renamed a folder before its data.
func (c *cache) manifest(a artifact) (manifest, error) {
	var m manifest
	data, err := os.ReadFile(filepath.Join(c.path(a), manifestName))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	for name, size := range m.Files {
		info, err := os.Stat(filepath.Join(c.path(a), name))
		if err != nil {
			return m, err
		}
		if info.Size() != size {
			return m, fmt.Errorf("%s of %s has %d bytes instead of %d", name, a, info.Size(), size)
		}
	}
	return m, nil
}

func (c *cache) image(a artifact) (Image, error) {
	m, err := c.manifest(a)
	if err != nil {
		return Image{}, fmt.Errorf("reading the artifact %s: %w; build again", a, err)
	}
	if m.Image == nil {
		return Image{}, fmt.Errorf("artifact %s holds no image; delete %s and build again", a, c.path(a))
	}
	image := *m.Image
	image.Tar = filepath.Join(c.path(a), archiveName)
	return image, nil
}

// ensure builds an artifact unless the cache holds it.
func (c *cache) ensure(ctx context.Context, a artifact) error {
	if c.holds([]artifact{a}) {
		return nil
	}
	began := time.Now()
	fmt.Fprintf(c.log, "lab: building %s\n", a)
	c.change(func(names []string) []string { return append(names, a.name) })
	defer c.change(func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return n == a.name })
	})
	tmp := filepath.Join(c.building(), a.String())
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return fmt.Errorf("building %s: %w", a, err)
	}
	if err := a.build(ctx, tmp, c.log); err != nil {
		return fmt.Errorf("building %s: %w", a, err)
	}
	if err := c.keep(a, tmp); err != nil {
		return fmt.Errorf("keeping %s: %w; is %s full?", a, err, c.dir)
	}
	fmt.Fprintf(c.log, "lab: built %s in %.1f s\n", a, time.Since(began).Seconds())
	return nil
}

// change changes what is in hand, and tells.
func (c *cache) change(what func([]string) []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inHand = what(c.inHand)
	if c.tell != nil {
		c.tell(slices.Clone(c.inHand))
	}
}

func (c *cache) keep(a artifact, tmp string) error {
	if err := writeManifest(tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(c.path(a)); err != nil {
		return err
	}
	return os.Rename(tmp, c.path(a))
}

func writeManifest(dir string) error {
	m := manifest{Files: map[string]int64{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		m.Files[name] = info.Size()
		return err
	})
	if err != nil {
		return err
	}
	if m.Image, err = readImage(filepath.Join(dir, imageName)); err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(data, '\n'), 0o644)
}

func readImage(path string) (*Image, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var image Image
	return &image, json.Unmarshal(data, &image)
}

func (c *cache) building() string { return filepath.Join(c.dir, "building") }

// lock waits for its turn and removes what an earlier, killed build left.
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
	if err := os.RemoveAll(c.building()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("removing what an unfinished build left in %s: %w", c.building(), err)
	}
	return func() { lock.Close() }, nil
}
