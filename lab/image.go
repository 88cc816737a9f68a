package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// searchPath is what every image looks for its programs in.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// layer is a tar kept as it is. Images are loaded far more often than they are
// built and never cross a network, so compressing them would only cost time.
type layer struct {
	file string
	hash v1.Hash
	size int64
}

func newLayer(file string) (*layer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return nil, fmt.Errorf("hashing the layer %s: %w", file, err)
	}
	hash := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
	return &layer{file: file, hash: hash, size: size}, nil
}

func (l *layer) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.file) }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.file) }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.DockerUncompressedLayer, nil }

// newImage stacks layers, the lowest first.
func newImage(config v1.Config, layers ...*layer) (v1.Image, error) {
	var added []v1.Layer
	for _, l := range layers {
		added = append(added, l)
	}
	image, err := mutate.AppendLayers(empty.Image, added...)
	if err != nil {
		return nil, fmt.Errorf("stacking layers: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading an image's configuration: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, config
	return mutate.ConfigFile(image, file)
}

// writeImage leaves the archive of an image and its description in dir.
func writeImage(dir, ref string, image v1.Image) error {
	tag, err := name.NewTag(ref)
	if err != nil {
		return fmt.Errorf("naming an image: %w", err)
	}
	if err := tarball.WriteToFile(filepath.Join(dir, archiveName), tag, image); err != nil {
		return fmt.Errorf("writing the archive of %s: %w", ref, err)
	}
	id, err := image.ConfigName()
	if err != nil {
		return fmt.Errorf("reading the digest of %s: %w", ref, err)
	}
	data, err := json.Marshal(Image{Name: ref, ID: id.String()})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, imageName), append(data, '\n'), 0o644)
}
