package kindcluster

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/stratbench/stratbench/experiments/spec"
)

// Names map the names under which an engine saves images to the names that they get
// in the nodes.
type Names map[string]string

// passOn passes the docker-archive that save writes on to w, changed. Nothing is stored
// in between.
func passOn(save func(io.Writer) error, change func(io.Reader, io.Writer) error, w io.Writer) error {
	archive, in := io.Pipe()
	saved := make(chan error, 1)
	go func() {
		err := save(in)
		in.CloseWithError(err)
		saved <- err
	}()
	changed := change(archive, w)
	archive.CloseWithError(changed)
	if err := <-saved; err != nil {
		return err // the cause of the other error
	}
	return changed
}

// rename copies a docker-archive. The names of its images are in manifest.json, and in
// index.json if it is an OCI layout as well. Both files are small, and no hash covers
// them.
func (names Names) rename(r io.Reader, w io.Writer) error {
	from, to := tar.NewReader(r), tar.NewWriter(w)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the archive of the images: %w", err)
		}
		var content io.Reader = from
		switch header.Name {
		case "manifest.json":
			content, err = rewrite(from, header, names.manifest)
		case "index.json":
			content, err = rewrite(from, header, names.index)
		}
		if err != nil {
			return fmt.Errorf("naming the images in their archive: %s: %w", header.Name, err)
		}
		if err = to.WriteHeader(header); err == nil {
			_, err = io.Copy(to, content)
		}
		if err != nil {
			return fmt.Errorf("passing the archive of the images on: %w", err)
		}
	}
	if err := to.Close(); err != nil {
		return fmt.Errorf("passing the archive of the images on: %w", err)
	}
	_, err := io.Copy(io.Discard, r) // the padding of the archive
	return err
}

// rewrite decodes a JSON file, changes it, and adjusts its header.
func rewrite[T any](r io.Reader, header *tar.Header, change func(T)) (io.Reader, error) {
	var value T
	if err := json.NewDecoder(r).Decode(&value); err != nil {
		return nil, err
	}
	change(value)
	text, err := json.Marshal(value)
	header.Size = int64(len(text))
	return bytes.NewReader(text), err
}

func (names Names) manifest(images []map[string]any) {
	for _, image := range images {
		tags, _ := image["RepoTags"].([]any)
		for i, tag := range tags {
			if as, ok := names.of(tag); ok {
				tags[i] = as
			}
		}
	}
}

// The annotations with which containerd names the images of an OCI layout.
const (
	nameAnnotation = "io.containerd.image.name"
	refAnnotation  = "org.opencontainers.image.ref.name"
)

func (names Names) index(index map[string]any) {
	manifests, _ := index["manifests"].([]any)
	for _, m := range manifests {
		manifest, _ := m.(map[string]any)
		annotations, _ := manifest["annotations"].(map[string]any)
		if as, ok := names.of(annotations[nameAnnotation]); ok {
			annotations[nameAnnotation] = as
			delete(annotations, refAnnotation) // only the tag of the old name
		}
	}
}

// of finds the new name of an image, however its old name is spelt.
func (names Names) of(saved any) (string, bool) {
	text, _ := saved.(string)
	for name, as := range names {
		if spec.FullName(name) == spec.FullName(text) {
			return spec.FullName(as), true
		}
	}
	return "", false
}
