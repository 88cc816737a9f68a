package docker

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func TestMain(m *testing.M) {
	isolated.Main()
	os.Exit(m.Run())
}

// TestAnInterruptedTransferTakesNothingOfOthers stops a build while it sends a context that
// another one has sent before.
func TestAnInterruptedTransferTakesNothingOfOthers(t *testing.T) {
	e, err := Connect(t.Context(), enginetest.FindPlace(t, trial.Docker).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	dir := t.TempDir()
	send := func(ctx context.Context, sender string, content byte, report func(runtimes.Progress)) error {
		for name, text := range map[string][]byte{"Dockerfile": []byte("FROM scratch\nCOPY large /\n"), "large": bytes.Repeat([]byte{content}, 256<<20)} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := e.Build(ctx, runtimes.Build{ID: sender, Sender: sender, Context: dir}, report)
		return err
	}
	if err := send(t.Context(), "user", 1, func(runtimes.Progress) {}); err != nil {
		t.Fatal(err)
	}
	before, err := e.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := func(p runtimes.Progress) {
		if strings.Contains(p.Step, "load build context") {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
	}
	if err := send(ctx, "trial", 2, stop); err == nil || ctx.Err() == nil {
		t.Fatal("the build ended before it could be stopped")
	}
	time.Sleep(2 * time.Second) // for what the engine still tidies up
	after, err := e.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range before.BuildCache {
		if !slices.Contains(after.BuildCache, id) {
			t.Errorf("the record %s is lost", id)
		}
	}
	if _, err := e.Forget(t.Context(), []string{"user", "trial"}, nil); err != nil {
		t.Error(err)
	}
}
