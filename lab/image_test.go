package lab

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func testLayer(t *testing.T) *layer {
	t.Helper()
	tree, err := newTree(filepath.Join(t.TempDir(), "layer.tar"))
	if err != nil {
		t.Fatal(err)
	}
	tree.data("etc/motd", 0o644, []byte("hello"))
	tree.link("etc/greeting", "motd")
	l, err := tree.layer()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTreeMakesFoldersOnce(t *testing.T) {
	f, err := os.Open(testLayer(t).file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []string{"etc/", "etc/motd", "etc/greeting"}
	if got := names(t, f); !slices.Equal(got, want) {
		t.Errorf("entries = %q, want %q", got, want)
	}
}

func TestTreeGivesTheSameBytesTwice(t *testing.T) {
	if a, b := testLayer(t), testLayer(t); a.hash != b.hash {
		t.Errorf("hashes %s and %s differ", a.hash, b.hash)
	}
}

func TestTreeKeepsItsFirstError(t *testing.T) {
	tree, err := newTree(filepath.Join(t.TempDir(), "layer.tar"))
	if err != nil {
		t.Fatal(err)
	}
	tree.copy("a", "/nonexistent/a", time.Time{})
	tree.data("b", 0o644, nil)
	if _, err := tree.layer(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err = %v, want that the file does not exist", err)
	}
}

func TestTreeCopyAllSkips(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"bin/go", "test/a.go", "pkg/test/b.go"} {
		if err := stage(source, map[string][]byte{name: nil}); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := newTree(filepath.Join(t.TempDir(), "layer.tar"))
	if err != nil {
		t.Fatal(err)
	}
	tree.copyAll("go", source, time.Time{}, func(relative string) bool { return relative == "test" })
	l, err := tree.layer()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(l.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []string{"go/", "go/bin/", "go/bin/go", "go/pkg/", "go/pkg/test/", "go/pkg/test/b.go"}
	if got := names(t, f); !slices.Equal(got, want) {
		t.Errorf("entries = %q, want %q", got, want)
	}
}

func TestArchiveHoldsTheImageDescribed(t *testing.T) {
	lower := testLayer(t)
	dir := t.TempDir()
	if err := writeImage(dir, RunImageName, v1.Config{Env: []string{searchPath}}, lower); err != nil {
		t.Fatal(err)
	}
	var described Image
	data, err := os.ReadFile(filepath.Join(dir, imageName))
	if err == nil {
		err = json.Unmarshal(data, &described)
	}
	if err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(filepath.Join(dir, archiveName), nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := read.ConfigName(); described.ID != id.String() || described.Name != RunImageName {
		t.Errorf("described as %+v, the archive holds %s", described, id)
	}
	layers, err := read.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v; want one", len(layers), err)
	}
	if content, err := layers[0].DiffID(); err != nil || content != lower.hash {
		t.Errorf("the layer is %s, %v; want %s as it was", content, err, lower.hash)
	}
}
