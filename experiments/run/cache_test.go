package run

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// serveImage serves one image from a registry of its own.
func serveImage(t *testing.T) (ref string, server *httptest.Server) {
	t.Helper()
	server = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref = strings.TrimPrefix(server.URL, "http://") + "/shop/db:17"
	image, err := random.Image(1<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	named, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(named, image); err != nil {
		t.Fatal(err)
	}
	return ref, server
}

func TestImagesAreFetchedOnce(t *testing.T) {
	cache := t.TempDir()
	ref, _ := serveImage(t)
	first, err := archiveOf(t.Context(), cache, ref)
	if err != nil {
		t.Fatal(err)
	}
	names, err := namesInArchive(first.Path)
	if err != nil || !slices.Equal(names, []string{ref}) || !slices.Equal(first.Names, names) {
		t.Errorf("the archive holds %q (%v), and is said to hold %q", names, err, first.Names)
	}
	before, err := os.Stat(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := archiveOf(t.Context(), cache, ref)
	if err != nil || again.Path != first.Path {
		t.Errorf("got %+v, %v", again, err)
	}
	if after, err := os.Stat(first.Path); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("it was fetched a second time")
	}
}

func TestPreloadsAreInspected(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ref, server := serveImage(t)
	archive := filepath.Join(t.TempDir(), "queue.tar")
	image, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("shop.test/queue:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
	with := func(preload string) map[string]string {
		files := works()
		files["w.yaml"] = strings.Replace(files["w.yaml"], "kindConfig:", "preload: ["+preload+"]\nkindConfig:", 1)
		files["m/more.yaml"] = "apiVersion: v1\nkind: Pod\nmetadata: {name: more}\nspec: {containers: [{name: a, image: \"" + ref + "\"}, {name: b, image: \"shop.test/queue:1\"}]}\n"
		files["broken.tar"] = "nothing"
		return files
	}
	both := "\"" + ref + "\", " + archive
	if certain, possible := inspected(t, with(both), isolatedSite(t)); certain+possible != "" {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
	for name, c := range map[string]struct{ preload, want string }{
		"one is missing":    {archive, "Pod more needs " + ref + ", which the workload neither builds nor preloads"},
		"no such image":     {both + ", \"" + strings.Replace(ref, "db", "gone", 1) + "\"", "w.yaml:4:"},
		"no archive at all": {both + ", broken.tar", "broken.tar is not an archive of images"},
	} {
		if certain, _ := inspected(t, with(c.preload), isolatedSite(t)); !strings.Contains(certain, c.want) {
			t.Errorf("%s: got %s, want %s", name, certain, c.want)
		}
	}
	server.Close()
	if certain, _ := inspected(t, with(both), isolatedSite(t)); !strings.Contains(certain, "cannot be fetched") {
		t.Errorf("a registry that is gone: got %s", certain)
	}
}
