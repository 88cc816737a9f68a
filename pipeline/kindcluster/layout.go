package kindcluster

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layout turns the docker-archive of an engine into an OCI layout of what nodes lack: the
// layers that they do not have, and a configuration and a manifest for each image. A
// layout need not have what is in the importer's store. What engines add to an archive
// for older engines is left out: a node would store it file by file, and wait for its
// disk at each.
type layout struct {
	names Names
	// had are the layers that all nodes have, came those of this archive's images, by
	// their files in the archive. An engine names these by what is in them.
	had, came map[string]v1.Descriptor

	to *tar.Writer
	// texts are the files of the archive that are no layers, and links what its symbolic
	// links lead to. passed are the files that were passed on, without their digests.
	texts  map[string][]byte
	links  map[string]string
	passed map[string]v1.Descriptor
}

// convert passes layers on as they come. All else is small, and waits for manifest.json,
// which may be the last file. The file that marks a layout is the last one, so that no
// node takes a part of the stream for the whole.
func (l *layout) convert(r io.Reader, w io.Writer) error {
	l.to, l.texts, l.links, l.passed = tar.NewWriter(w), map[string][]byte{}, map[string]string{}, map[string]v1.Descriptor{}
	if err := l.read(tar.NewReader(r)); err != nil {
		return err
	}
	index, err := l.index()
	if err == nil {
		err = l.pass("index.json", int64(len(index)), bytes.NewReader(index))
	}
	const mark = `{"imageLayoutVersion":"1.0.0"}`
	if err == nil {
		err = l.pass("oci-layout", int64(len(mark)), strings.NewReader(mark))
	}
	if err != nil {
		return err
	}
	if err := l.to.Close(); err != nil {
		return fmt.Errorf("passing the archive of the images on: %w", err)
	}
	_, err = io.Copy(io.Discard, r) // the padding of the archive
	return err
}

// read reads the archive, and passes on what may be a layer that the nodes lack.
func (l *layout) read(from *tar.Reader) error {
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive of the images: %w", err)
		}
		name := path.Clean(header.Name)
		if header.Typeflag == tar.TypeSymlink {
			l.links[name] = path.Join(path.Dir(name), header.Linkname)
		}
		if _, known := l.had[name]; known || header.Typeflag != tar.TypeReg {
			continue
		}
		begin := make([]byte, min(header.Size, 4))
		if _, err := io.ReadFull(from, begin); err != nil {
			return fmt.Errorf("reading the archive of the images: %s: %w", name, err)
		}
		content := io.MultiReader(bytes.NewReader(begin), from)
		// JSON waits, and so does a file that is too short for a layer: a tar has at least 1 KiB.
		if header.Size < 1<<10 || header.Size <= 4<<20 && (begin[0] == '{' || begin[0] == '[') {
			if l.texts[name], err = io.ReadAll(content); err != nil {
				return fmt.Errorf("reading the archive of the images: %s: %w", name, err)
			}
			continue
		}
		l.passed[name] = v1.Descriptor{MediaType: layerType(begin), Size: header.Size}
		if err := l.pass(name, header.Size, content); err != nil {
			return err
		}
	}
}

// layerType is the type of a layer that begins with these bytes. Engines save layers
// uncompressed, except those that Docker keeps compressed, in containerd's store.
func layerType(begin []byte) types.MediaType {
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		return types.OCILayer
	case bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return types.OCILayerZStd
	}
	return types.OCIUncompressedLayer
}

// index passes on the configuration and a manifest of each image, and returns the index
// of the images.
func (l *layout) index() ([]byte, error) {
	var images []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(l.texts["manifest.json"], &images); err != nil {
		return nil, fmt.Errorf("reading the archive of the images: manifest.json: %w", err)
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, image := range images {
		var config struct {
			RootFS v1.RootFS `json:"rootfs"`
		}
		if err := json.Unmarshal(l.texts[image.Config], &config); err != nil {
			return nil, fmt.Errorf("reading the archive of the images: the configuration %s: %w", image.Config, err)
		}
		if has, want := len(config.RootFS.DiffIDs), len(image.Layers); has != want {
			return nil, fmt.Errorf("reading the archive of the images: the configuration %s has %d layers, and manifest.json %d", image.Config, has, want)
		}
		described, err := l.blob(types.OCIConfigJSON, l.texts[image.Config])
		if err != nil {
			return nil, err
		}
		manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: described, Layers: []v1.Descriptor{}}
		for i, name := range image.Layers {
			layer, err := l.layer(name, config.RootFS.DiffIDs[i])
			if err != nil {
				return nil, err
			}
			manifest.Layers = append(manifest.Layers, layer)
		}
		text, _ := json.Marshal(manifest) // never fails
		if described, err = l.blob(types.OCIManifestSchema1, text); err != nil {
			return nil, err
		}
		for _, tag := range image.RepoTags {
			if as, ok := l.names.of(tag); ok {
				described.Annotations = map[string]string{nameAnnotation: as}
				index.Manifests = append(index.Manifests, described)
			}
		}
	}
	return json.Marshal(index)
}

// layer describes the layer of this name, whose content has the digest when it is not
// compressed.
func (l *layout) layer(name string, uncompressed v1.Hash) (v1.Descriptor, error) {
	name = path.Clean(name)
	if target, ok := l.links[name]; ok {
		name = target
	}
	for _, known := range []map[string]v1.Descriptor{l.had, l.came} {
		if layer, ok := known[name]; ok {
			return layer, nil
		}
	}
	layer, ok := l.passed[name]
	if text, waits := l.texts[name]; waits {
		layer, ok = v1.Descriptor{MediaType: layerType(text), Size: int64(len(text))}, true
		if err := l.pass(name, layer.Size, bytes.NewReader(text)); err != nil {
			return layer, err
		}
	}
	if !ok {
		return layer, fmt.Errorf("reading the archive of the images: the layer %s is not in it", name)
	}
	layer.Digest = uncompressed
	if layer.MediaType != types.OCIUncompressedLayer {
		var err error
		if layer.Digest, err = v1.NewHash("sha256:" + path.Base(name)); err != nil {
			return layer, fmt.Errorf("reading the archive of the images: the layer %s is compressed, and its name is not its digest: %w", name, err)
		}
	}
	l.came[name] = layer
	return layer, nil
}

// blob passes a small file on, by the name that it has in a layout, and describes it.
func (l *layout) blob(of types.MediaType, text []byte) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(text))
	if err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: of, Size: size, Digest: digest}, l.pass("blobs/sha256/"+digest.Hex, size, bytes.NewReader(text))
}

// pass passes a file on. The importer knows files by their digests, whatever their names.
func (l *layout) pass(name string, size int64, content io.Reader) error {
	err := l.to.WriteHeader(&tar.Header{Name: name, Mode: 0o444, Size: size})
	if err == nil {
		_, err = io.Copy(l.to, content)
	}
	if err != nil {
		return fmt.Errorf("passing the archive of the images on: %s: %w", name, err)
	}
	return nil
}
