package lab

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// searchPath is the PATH of every image.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// layer is an uncompressed tar. Images are loaded far more often than they are built and
// never cross a network, so compression would only cost time.
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

// newImage makes an image of layers, the lowest first.
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

// writeImage writes the archive of an image of layers, the lowest first, and its description
// to dir.
func writeImage(dir, ref string, config v1.Config, layers ...*layer) error {
	image, err := newImage(config, layers...)
	if err != nil {
		return err
	}
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

// epoch is the time of all files in a layer whose time is not given, so that the same inputs
// give the same image.
var epoch = time.Unix(0, 0).UTC()

// tree writes a layer entry by entry, with the folders that the entries need. After an error
// it writes nothing more; layer returns the error.
type tree struct {
	file *os.File
	tar  *tar.Writer
	made map[string]bool
	err  error
}

func newTree(file string) (*tree, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &tree{file: f, tar: tar.NewWriter(f), made: map[string]bool{".": true}}, nil
}

func (t *tree) header(h *tar.Header) {
	if t.err != nil {
		return
	}
	if dir := path.Dir(strings.TrimSuffix(h.Name, "/")); !t.made[dir] {
		t.dir(dir, 0o755)
	}
	if h.ModTime.IsZero() {
		h.ModTime = epoch
	}
	if t.err = t.tar.WriteHeader(h); t.err != nil {
		t.err = fmt.Errorf("writing %s to a layer: %w", h.Name, t.err)
	}
}

func (t *tree) dir(name string, mode int64) {
	t.made[name] = true
	t.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (t *tree) link(name, target string) {
	t.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (t *tree) data(name string, mode int64, data []byte) {
	t.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))})
	if t.err == nil {
		_, t.err = t.tar.Write(data)
	}
}

// copy adds the file at source. If modified is zero, the file's time is epoch.
func (t *tree) copy(name, source string, modified time.Time) {
	if t.err != nil {
		return
	}
	f, err := os.Open(source)
	if err != nil {
		t.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.err = err
		return
	}
	mode := int64(0o644) | int64(info.Mode().Perm())&0o111
	t.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size(), ModTime: modified})
	if t.err == nil {
		_, t.err = io.Copy(t.tar, f)
	}
}

// copyAll adds the folder source as name, without paths for which skip is true. skip gets
// paths relative to source.
func (t *tree) copyAll(name, source string, modified time.Time, skip func(relative string) bool) {
	err := filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, file)
		switch {
		case err != nil:
			return err
		case skip(relative) && d.IsDir():
			return fs.SkipDir
		case skip(relative):
			return nil
		}
		switch entry := path.Join(name, relative); {
		case d.IsDir() && !t.made[entry]:
			t.dir(entry, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				t.err = err
				return err
			}
			t.link(entry, target)
		case d.Type().IsRegular():
			t.copy(entry, file, modified)
		}
		return t.err
	})
	if t.err == nil && err != nil {
		t.err = fmt.Errorf("adding %s to a layer: %w", source, err)
	}
}

// layer closes the tree and returns it as a layer of an image.
func (t *tree) layer() (*layer, error) {
	if err := errors.Join(t.err, t.tar.Close(), t.file.Close()); err != nil {
		return nil, err
	}
	return newLayer(t.file.Name())
}
