package enginetest

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/stratbench/stratbench/runtimes"
)

func (s suite) names(t *testing.T) {
	name, other, missing := s.own(t, "named"), s.own(t, "named-too"), s.own(t, "missing")
	ctx := within(t)
	must(t, s.Engine.Tag(ctx, baseImage, name))
	must(t, s.Engine.Tag(ctx, name, other))
	id, err := s.Engine.Image(ctx, baseImage)
	must(t, err)
	s.is(t, name, id)
	s.is(t, other, id)
	must(t, s.Engine.Remove(ctx, name))
	s.is(t, other, id)
	s.is(t, baseImage, id)
	_, err = s.Engine.Image(ctx, name)
	for what, err := range map[string]error{
		"looking up a removed name": err,
		"tagging what is missing":   s.Engine.Tag(ctx, missing, name),
		"removing what is missing":  s.Engine.Remove(ctx, missing),
	} {
		if !runtimes.IsNotFound(err) || !strings.Contains(err.Error(), "image") {
			t.Errorf("%s: %v, want a not-found error with its text", what, err)
		}
	}
}

func (s suite) saveAndLoad(t *testing.T) {
	refs := []string{s.own(t, "saved-a"), s.own(t, "saved-b")}
	for _, ref := range refs {
		s.mustBuild(t, runtimes.Build{Tag: ref, Context: folder(t, "FROM "+baseImage+"\nCOPY own.txt /\nENV NAME="+ref+"\n", "own.txt")})
	}
	path := filepath.Join(t.TempDir(), "images.tar")
	s.save(t, path, refs)
	layersOnce(t, path, refs)
	for _, ref := range refs {
		must(t, s.Engine.Remove(within(t), ref))
		if _, err := s.Engine.Image(t.Context(), ref); !runtimes.IsNotFound(err) {
			t.Fatalf("after removing %s: %v", ref, err)
		}
	}
	archive, err := os.Open(path)
	must(t, err)
	defer archive.Close()
	must(t, s.Engine.Load(within(t), archive))
	for _, ref := range refs {
		if _, err := s.Engine.Image(t.Context(), ref); err != nil {
			t.Errorf("after loading: %v", err)
		}
	}
}

func (s suite) save(t *testing.T, path string, refs []string) {
	f, err := os.Create(path)
	must(t, err)
	must(t, s.Engine.Save(within(t), refs, f))
	must(t, f.Close())
}

// layersOnce checks that the archive names both images and contains their shared layer
// once.
func layersOnce(t *testing.T, path string, refs []string) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	must(t, err)
	archive, err := os.Open(path)
	must(t, err)
	defer archive.Close()
	sizes := map[string]int64{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		sizes[header.Name] = header.Size
	}
	if len(manifest) != len(refs) {
		t.Fatalf("the archive holds %d images, want %d", len(manifest), len(refs))
	}
	var tags []string
	for _, image := range manifest {
		tags = append(tags, image.RepoTags...)
		for _, layer := range image.Layers {
			if _, ok := sizes[layer]; !ok {
				t.Errorf("the archive lacks the layer %s", layer)
			}
		}
	}
	for _, ref := range refs {
		if !strings.Contains(strings.Join(tags, " "), ref) {
			t.Errorf("the archive names %q, want %s among them", tags, ref)
		}
	}
	if a, b := manifest[0].Layers[0], manifest[1].Layers[0]; a != b {
		t.Errorf("the first layer is %s of one image and %s of the other", a, b)
	}
	big := 0
	for _, size := range sizes {
		if size > 500<<10 {
			big++
		}
	}
	if big != 1 {
		t.Errorf("the archive holds the probe's layer %d times", big)
	}
}

func (s suite) loadRubbish(t *testing.T) {
	err := s.Engine.Load(within(t), strings.NewReader(strings.Repeat("this is no archive ", 1000)))
	if err == nil {
		t.Error("what is no archive was loaded")
	}
	broken := errors.New("the disk was pulled out")
	r, w := io.Pipe()
	go func() {
		w.Write(make([]byte, 10))
		w.CloseWithError(broken)
	}()
	if err := s.Engine.Load(within(t), r); !errors.Is(err, broken) {
		t.Errorf("loading from a reader that fails: %v, want %v", err, broken)
	}
}

func (s suite) registry(t *testing.T) {
	ref := s.serve(t, emptyRegistry()) + "/enginetest/pushed:1"
	s.remove(t, ref)
	ctx := within(t)
	if _, err := s.Engine.Pull(ctx, ref, true, io.Discard); err == nil {
		t.Error("an image that is not in the registry was pulled")
	} else {
		t.Log(err)
	}
	must(t, s.Engine.Tag(ctx, baseImage, ref))
	must(t, s.Engine.Push(ctx, ref, true, io.Discard))
	must(t, s.Engine.Remove(ctx, ref))
	id, err := s.Engine.Pull(ctx, ref, true, io.Discard)
	must(t, err)
	s.is(t, ref, id)
}
