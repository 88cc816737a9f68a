package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/host"
)

// scratch is a folder for what need not outlive a run. It stays locked while
// the run lives; what a killed run left is unlocked, and removed by the next.
type scratch struct {
	dir  string
	lock io.Closer
}

const scratchPrefix = "scratch-"

// newScratch sweeps parent and makes a scratch folder in it.
func newScratch(parent string) (*scratch, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("creating stratbench's cache folder: %w", err)
	}
	sweepScratch(parent)
	dir, err := os.MkdirTemp(parent, scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("creating a scratch folder: %w", err)
	}
	lock, err := host.TryLock(dir)
	if err != nil {
		return nil, fmt.Errorf("creating a scratch folder: %w", err)
	}
	return &scratch{dir: dir, lock: lock}, nil
}

func sweepScratch(parent string) {
	for _, dir := range deadScratch(parent) {
		if lock, err := host.TryLock(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}

// deadScratch are the scratch folders of runs that were killed.
func deadScratch(parent string) (dead []string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
	for _, dir := range dirs {
		if lock, err := host.TryLock(dir); err == nil {
			dead = append(dead, dir)
			lock.Close()
		}
	}
	return dead
}

func (s *scratch) sub(name string) (string, error) {
	dir := filepath.Join(s.dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// Close removes the folder.
func (s *scratch) Close() error {
	return errors.Join(os.RemoveAll(s.dir), s.lock.Close())
}

// TempFolder makes a folder for what need not outlive a run, where machines
// can see it. Closing it removes it; what a killed process left is removed by
// the next run.
func TempFolder() (dir string, c io.Closer, err error) {
	cache, err := CacheDir()
	if err != nil {
		return "", nil, err
	}
	s, err := newScratch(cache)
	if err != nil {
		return "", nil, err
	}
	return s.dir, s, nil
}
