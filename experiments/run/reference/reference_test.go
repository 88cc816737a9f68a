package reference

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestWorkTimesItsPartsAndLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("does the whole job; the next test begins one")
	}
	dir := t.TempDir()
	job, spans, err := Work(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if job.CPUs < 1 || job.Hashed != 2<<30 || job.Unpacked != 192<<20 || len(job.Layer) != 64 {
		t.Errorf("job = %+v", job)
	}
	var end trial.Seconds
	for i, name := range []string{"cpu", "unpack", "sync"} {
		if s := spans[i]; s.Name != name || s.Start < end || s.End <= s.Start || s.Error != "" {
			t.Errorf("part %d is %+v, after one that ended at %v", i, s, end)
		}
		end = spans[i].End
	}
	if left := entries(t, dir); len(left) != 0 || len(spans) != 3 {
		t.Errorf("%d parts; left: %v", len(spans), left)
	}
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAnInterruptedJobEndsAndLeavesNothing(t *testing.T) {
	dir, stopped := t.TempDir(), errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { stop(stopped) })
	_, spans, err := Work(ctx, dir)
	if !errors.Is(err, stopped) || len(spans) == 3 && spans[2].Error == "" {
		t.Errorf("spans %+v, error %v", spans, err)
	}
	if left := entries(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWorkSaysWhereItFailed(t *testing.T) {
	if _, _, err := Work(t.Context(), filepath.Join(t.TempDir(), "no-such-folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestTheLayerIsAlwaysTheSame(t *testing.T) {
	packed, hash := layer()
	if _, again := layer(); again != hash {
		t.Errorf("%s, then %s", hash, again)
	}
	if share := float64(len(packed)) / (filesInLayer * fileSize); share < 0.4 || share > 0.65 {
		t.Errorf("packed to %.2f of its size, want about half", share)
	}
	dir := filepath.Join(t.TempDir(), "layer")
	if err := unpack(t.Context(), packed, dir); err != nil {
		t.Fatal(err)
	}
	files := entries(t, dir)
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() != fileSize {
			t.Errorf("%s: %v, %v", f.Name(), info, err)
		}
	}
	if len(files) != filesInLayer {
		t.Errorf("%d files", len(files))
	}
}

func BenchmarkWork(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		_, spans, err := Work(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range spans {
			b.Logf("%s %v", s.Name, s.Length().Duration())
		}
	}
}
