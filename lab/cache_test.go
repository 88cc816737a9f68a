package lab

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testCache(t *testing.T) *cache { return &cache{dir: t.TempDir(), log: io.Discard} }

func writing(name, data string) func(context.Context, string) error {
	return func(_ context.Context, dir string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644)
	}
}

func TestEnsureBuildsOnce(t *testing.T) {
	c, built := testCache(t), 0
	a := artifact{name: "a", key: "1", build: func(ctx context.Context, dir string) error {
		built++
		return writing("f", "data")(ctx, dir)
	}}
	for range 2 {
		if err := c.ensure(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if built != 1 {
		t.Errorf("built %d times, want 1", built)
	}
}

func TestEnsureBuildsAgainWhatWasCutShort(t *testing.T) {
	c := testCache(t)
	a := artifact{name: "a", key: "1", build: writing("f", "data")}
	if err := c.ensure(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(c.path(a), "f"), 1); err != nil {
		t.Fatal(err)
	}
	if c.holds([]artifact{a}) {
		t.Fatal("the cache vouches for a file that was cut short")
	}
	if err := c.ensure(t.Context(), a); err != nil || !c.holds([]artifact{a}) {
		t.Errorf("not built again: %v", err)
	}
}

func TestFailedBuildLeavesNoArtifact(t *testing.T) {
	c, cause := testCache(t), errors.New("no network")
	a := artifact{name: "a", key: "1", build: func(context.Context, string) error { return cause }}
	if err := c.ensure(t.Context(), a); !errors.Is(err, cause) || !strings.Contains(err.Error(), "a-1") {
		t.Errorf("err = %v, want the cause and the artifact", err)
	}
	if c.holds([]artifact{a}) {
		t.Error("a failed build is held")
	}
}

func TestLockRemovesWhatAKilledBuildLeft(t *testing.T) {
	c := testCache(t)
	left := filepath.Join(c.partial(), "a-1", "half")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if fileExists(left) {
		t.Error("the leftovers are still there")
	}
}

func TestLockIsGivenUpWithTheContext(t *testing.T) {
	c := testCache(t)
	unlock, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v, want the deadline", err)
	}
	unlock()
	again, err := c.lock(t.Context())
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	again()
}

func TestImageOfAnArtifactKnowsItsArchive(t *testing.T) {
	c := testCache(t)
	a := artifact{name: "run", key: "1", build: writing(imageName, `{"name":"n:1","id":"sha256:0"}`)}
	if err := c.ensure(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	got, err := c.image(a)
	want := Image{Name: "n:1", ID: "sha256:0", Tar: filepath.Join(c.path(a), archiveName)}
	if err != nil || got != want {
		t.Errorf("image = %+v, %v; want %+v", got, err, want)
	}
}
