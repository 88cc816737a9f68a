// Package store keeps golden engine states and gives each trial a copy of one, which the
// trial may change.
//
// A store is one sparse file with a btrfs file system, on a loop device that this process
// attaches and a mount that only this process can reach. Neither outlives the process,
// however it ends. On a host without btrfs or loop devices, a plain folder serves instead,
// which copies and is slower.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
)

// The folders of a store. Every name in it consists of one of these and a key.
const (
	roots   = "roots"   // engine roots, read-only
	golden  = "golden"  // engine roots with an engine state, read-only
	live    = "live"    // what a running machine writes to
	partial = "partial" // what is being made; never used
)

// Root names the engine root with this key.
func Root(key string) string { return roots + "/" + key }

// Golden names the golden state with this key.
func Golden(key string) string { return golden + "/" + key }

// Live names the copy that the machine with this id writes to.
func Live(id string) string { return live + "/" + id }

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	path   string
	volume volume
	// making is held while a root is made.
	making sync.Mutex
}

// volume is what a store consists of: btrfs, or a plain folder.
type volume interface {
	dir() string
	create(name string) error
	snapshot(ctx context.Context, from, to string, readonly bool) error
	remove(name string) error
	mount(name string) (*os.File, error)
	settle(ctx context.Context) error
	traffic() (read, written trial.Bytes, err error)
	close(ctx context.Context) error
}

// InUseError is the error if another process has the store open.
type InUseError struct {
	Path string
	PID  int
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("the store %s is in use by process %d: wait for that run to end, or give this one another cache folder (XDG_CACHE_HOME)", e.Path, e.PID)
}

// ErrUnsupported is the error if the host cannot have a btrfs store.
var ErrUnsupported = errors.New("no btrfs on loop devices here")

// Open opens the store in the file at path. If the file is missing, Open creates it with
// room for size; it is sparse and takes only the space of its contents. One process at a
// time can have a store open; another gets an *InUseError.
func Open(ctx context.Context, path string, size trial.Bytes) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	v, err := openLoop(ctx, path, size)
	if errors.Is(err, ErrUnsupported) {
		v, err = openFolder(path + ".d")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	s := &Store{path: path, volume: v}
	for _, d := range []string{roots, golden, live, partial} {
		if err := os.MkdirAll(filepath.Join(v.dir(), d), 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("laying out the store %s: %w", path, err), v.close(ctx))
		}
	}
	return s, nil
}

// Path returns the path of name while the store is open. Only root can use it.
func (s *Store) Path(name string) string { return filepath.Join(s.volume.dir(), name) }

// Has reports whether name exists.
func (s *Store) Has(name string) bool {
	_, err := os.Lstat(s.Path(name))
	return checkName(name) == nil && err == nil
}

// ImportRoot makes Root(key) from a tar archive. It does nothing if the root exists. A root
// exists whole or not at all.
func (s *Store) ImportRoot(ctx context.Context, key string, archive io.Reader) error {
	if err := checkName(Root(key)); err != nil {
		return err
	}
	s.making.Lock()
	defer s.making.Unlock()
	if s.Has(Root(key)) {
		return nil
	}
	if err := s.unpack(ctx, key, archive); err != nil {
		return fmt.Errorf("making the engine root %s: %w", key, err)
	}
	return nil
}

func (s *Store) unpack(ctx context.Context, key string, archive io.Reader) (err error) {
	name := partial + "/" + key
	if s.Has(name) {
		if err := s.volume.remove(name); err != nil {
			return err
		}
	}
	if err := s.volume.create(name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.volume.remove(name)) }()
	tar := exec.CommandContext(ctx, "tar", "--extract", "--file=-", "--directory="+s.Path(name),
		"--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*")
	tar.Stdin = archive
	if out, err := tar.CombinedOutput(); err != nil {
		return fmt.Errorf("unpacking its archive: %w: %s", err, lastLine(out))
	}
	return s.volume.snapshot(ctx, name, Root(key), true)
}

// lastLine is where a program says why it failed.
func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[bytes.LastIndexByte(out, '\n')+1:]
}

// Snapshot makes to as a copy of from. The copy exists whole or not at all.
func (s *Store) Snapshot(ctx context.Context, from, to string, readonly bool) error {
	if err := errors.Join(checkName(from), checkName(to)); err != nil {
		return err
	}
	if err := s.volume.snapshot(ctx, from, to, readonly); err != nil {
		return fmt.Errorf("copying %s to %s in the store: %w", from, to, err)
	}
	return nil
}

// Delete removes name. It is no error if name does not exist.
func (s *Store) Delete(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if !s.Has(name) {
		return nil
	}
	if err := s.volume.remove(name); err != nil {
		return fmt.Errorf("deleting %s from the store: %w", name, err)
	}
	return nil
}

// Mount returns name as a mount that is not in the tree of mounts, for move_mount into a
// namespace. It vanishes when the file is closed.
func (s *Store) Mount(name string) (*os.File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := s.volume.mount(name)
	if err != nil {
		return nil, fmt.Errorf("mounting %s of the store: %w", name, err)
	}
	return f, nil
}

// Settle waits until the file system has finished deleting. It does so in the background,
// which would disturb what runs next.
func (s *Store) Settle(ctx context.Context) error {
	if err := s.volume.settle(ctx); err != nil {
		return fmt.Errorf("waiting for the store %s to settle: %w", s.path, err)
	}
	return nil
}

// Traffic returns how much was read from the store and written to it since it was opened,
// by any process. For a store without a disk of its own, the error is
// errors.ErrUnsupported.
func (s *Store) Traffic() (read, written trial.Bytes, err error) {
	read, written, err = s.volume.traffic()
	if err != nil {
		return 0, 0, fmt.Errorf("reading the traffic of the store %s: %w", s.path, err)
	}
	return read, written, nil
}

// List returns the names in the store, without those that are being made.
func (s *Store) List() ([]string, error) {
	return s.list(roots, golden, live)
}

// Sweep deletes what a killed run left: live copies, and unfinished roots. Call it before
// the first machine of this process starts: no other process's copies are in the store,
// because only one process at a time can have it open.
func (s *Store) Sweep() ([]string, error) {
	left, err := s.list(live, partial)
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := s.Delete(name); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (s *Store) list(folders ...string) ([]string, error) {
	var names []string
	for _, d := range folders {
		entries, err := os.ReadDir(s.Path(d))
		if err != nil {
			return nil, fmt.Errorf("listing the store %s: %w", s.path, err)
		}
		for _, e := range entries {
			names = append(names, d+"/"+e.Name())
		}
	}
	return names, nil
}

// Close closes the store. It returns when the loop device is gone.
func (s *Store) Close(ctx context.Context) error {
	if err := s.volume.close(ctx); err != nil {
		return fmt.Errorf("closing the store %s: %w", s.path, err)
	}
	return nil
}

var validName = regexp.MustCompile(`^(roots|golden|live|partial)/[A-Za-z0-9][A-Za-z0-9._-]*$`)

func checkName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q is not a name in a store: a key consists of letters, digits, dots, underscores and dashes", name)
	}
	return nil
}
