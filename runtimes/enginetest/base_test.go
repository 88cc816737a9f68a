package enginetest

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// baseImage is in the store and in no registry. Its host does not exist, so that a
// build that requests it over the network fails.
const baseImage = "stratbench.local/enginetest/base:1"

// loadBase loads an image that contains the probe.
func (s suite) loadBase(t *testing.T) {
	image := withProbe(t, buildProbe(t))
	r, w := io.Pipe()
	go func() { w.CloseWithError(tarball.Write(name.MustParseReference(baseImage), image, w)) }()
	must(t, s.Engine.Load(within(t), r))
	s.remove(t, baseImage)
	if _, err := s.Engine.Image(t.Context(), baseImage); err != nil {
		t.Fatalf("after loading it: %v", err)
	}
}

func buildProbe(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "probe")
	_, here, _, _ := runtime.Caller(0)
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "./testdata/probe")
	build.Dir = filepath.Dir(here)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	program, err := os.ReadFile(path)
	must(t, err)
	return program
}

func withProbe(t *testing.T, program []byte) v1.Image {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	must(t, w.WriteHeader(&tar.Header{Name: "probe", Mode: 0o755, Size: int64(len(program))}))
	_, err := w.Write(program)
	must(t, err)
	must(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	})
	must(t, err)
	image, err := mutate.AppendLayers(empty.Image, l)
	must(t, err)
	config, err := image.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	image, err = mutate.ConfigFile(image, config)
	must(t, err)
	return image
}
