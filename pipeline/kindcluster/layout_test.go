package kindcluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	importer "github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/plugins/content/local"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
)

// savers are the files of a layer and of a configuration in the archives of engines.
var savers = map[string]struct{ layer, config string }{
	"docker":           {"blobs/sha256/%s", "blobs/sha256/%s"},
	"docker before 25": {"%s/layer.tar", "%s.json"},
	"podman":           {"%s.tar", "%s.json"},
}

// savedImage is an image with these layers.
type savedImage struct {
	ref    string
	layers []string
}

func (i savedImage) config() string {
	var diffs []string
	for _, layer := range i.layers {
		diffs = append(diffs, `"sha256:`+sum(layer)+`"`)
	}
	return fmt.Sprintf(`{"architecture": "amd64", "os": "linux", "config": {"Env": ["NAME=%s"]}, "rootfs": {"type": "layers", "diff_ids": [%s]}}`,
		i.ref, strings.Join(diffs, ", "))
}

// parts are the image's ID and its layers.
func (i savedImage) parts() []string {
	parts := []string{sum(i.config())}
	for _, layer := range i.layers {
		parts = append(parts, sum(layer))
	}
	return parts
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// layerOf returns content that is long enough for a layer.
func layerOf(text string) string { return strings.Repeat(text+"\n", 1<<10) }

// savedBy is an archive of images as an engine saves them, with what only older engines
// need.
func savedBy(t *testing.T, engine string, images ...savedImage) []byte {
	t.Helper()
	var files []string
	var manifest []map[string]any
	for _, i := range images {
		config := fmt.Sprintf(savers[engine].config, sum(i.config()))
		files = append(files, config, i.config())
		var layers []string
		for _, layer := range i.layers {
			name := fmt.Sprintf(savers[engine].layer, sum(layer))
			if layers = append(layers, name); !slices.Contains(files, name) {
				files = append(files, name, layer, "old-"+sum(layer)+"/VERSION", "1.0", "old-"+sum(layer)+"/json", `{"id": "old"}`)
			}
		}
		manifest = append(manifest, map[string]any{"Config": config, "RepoTags": []string{i.ref}, "Layers": layers})
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return archive(t, append(files, "manifest.json", string(text), "repositories", "{}")...)
}

// convert returns what is sent to nodes, and the layers that they have then.
func convert(from []byte, names Names, had map[string]v1.Descriptor) (sent []byte, has map[string]v1.Descriptor, err error) {
	var to bytes.Buffer
	l := layout{names: names, had: had, came: map[string]v1.Descriptor{}}
	err = passOn(func(w io.Writer) error { _, err := w.Write(from); return err }, l.convert, &to)
	maps.Copy(l.came, had)
	return to.Bytes(), l.came, err
}

// imported has containerd's own importer read what was sent into a store. It returns the
// parts of each image, and checks that the store has them.
func imported(t *testing.T, store content.Store, sent []byte) map[string][]string {
	t.Helper()
	index, err := importer.ImportIndex(t.Context(), store, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	read := func(digested string) io.Reader {
		of := index
		of.Digest = digest.Digest(digested)
		text, err := content.ReadBlob(t.Context(), store, of)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(text)
	}
	list, err := v1.ParseIndexManifest(read(index.Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	images := map[string][]string{}
	for _, m := range list.Manifests {
		manifest, err := v1.ParseManifest(read(m.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, part := range append([]v1.Descriptor{manifest.Config}, manifest.Layers...) {
			info, err := store.Info(t.Context(), digest.Digest(part.Digest.String()))
			if err != nil || info.Size != part.Size {
				t.Errorf("the store has %d bytes of %s (%v), want %d", info.Size, part.Digest, err, part.Size)
			}
			parts = append(parts, part.Digest.Hex)
		}
		images[m.Annotations[nameAnnotation]] = parts
	}
	return images
}

func newStore(t *testing.T) content.Store {
	t.Helper()
	store, err := local.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestNodesAreSentWhatTheyLack(t *testing.T) {
	base := layerOf("base")
	red := savedImage{"own.test/red:1", []string{base, layerOf("red")}}
	green := savedImage{"own.test/green:1", []string{base, layerOf("green"), base}}
	blue := savedImage{"own.test/blue:1", []string{base, layerOf("blue")}}
	names := Names{red.ref: "shop.test/red:v1", green.ref: "shop.test/green:v1", blue.ref: "blue"}
	for engine := range savers {
		store := newStore(t)
		sent, has, err := convert(savedBy(t, engine, red, green), names, nil)
		if err != nil {
			t.Fatalf("%s: %v", engine, err)
		}
		want := map[string][]string{"shop.test/red:v1": red.parts(), "shop.test/green:v1": green.parts()}
		if got := imported(t, store, sent); !maps.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%s: the nodes have %v, want %v", engine, got, want)
		}
		stored := 0
		if err := store.Walk(t.Context(), func(content.Info) error { stored++; return nil }); err != nil {
			t.Fatal(err)
		}
		if stored != 3+2+2+1 || bytes.Count(sent, []byte(base)) != 1 {
			t.Errorf("%s: a node stores %d files, want three layers, two configurations, two manifests and an index; the layer in common is sent %d times",
				engine, stored, bytes.Count(sent, []byte(base)))
		}

		sent, has, err = convert(savedBy(t, engine, blue), names, has)
		if err != nil {
			t.Fatalf("%s: %v", engine, err)
		}
		want = map[string][]string{"docker.io/library/blue:latest": blue.parts()}
		if got := imported(t, store, sent); !maps.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%s: the nodes have %v, want %v", engine, got, want)
		}
		if len(has) != 4 || bytes.Contains(sent, []byte(base)) {
			t.Errorf("%s: the nodes have %d layers, want 4; the one that they had is sent again: %v", engine, len(has), bytes.Contains(sent, []byte(base)))
		}
	}
}

// Docker before version 25 saves a layer once, and links to it where another one is the
// same.
func TestALinkIsALayerToo(t *testing.T) {
	layer := layerOf("twice")
	image := savedImage{"own.test/a:1", []string{layer, layer}}
	sent, _, err := convert(archive(t, "one/layer.tar", layer, "two/layer.tar", "-> ../one/layer.tar", "c.json", image.config(),
		"manifest.json", `[{"Config": "c.json", "RepoTags": ["own.test/a:1"], "Layers": ["one/layer.tar", "two/layer.tar"]}]`), Names{image.ref: "a.test/a:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := imported(t, newStore(t), sent)["a.test/a:1"]; !slices.Equal(got, image.parts()) {
		t.Errorf("got %v, want %v", got, image.parts())
	}
}

// An engine may keep layers compressed. They go into the nodes as they are.
func TestCompressedLayersStaySo(t *testing.T) {
	packed, short := "\x1f\x8b"+layerOf("packed"), "\x28\xb5\x2f\xfdshort"
	config := savedImage{"a", []string{"unpacked", "long"}}.config()
	sent, has, err := convert(archive(t, "blobs/sha256/"+sum(packed), packed, "blobs/sha256/"+sum(short), short, "c.json", config,
		"manifest.json", `[{"Config": "c.json", "RepoTags": ["a"], "Layers": ["blobs/sha256/`+sum(packed)+`", "blobs/sha256/`+sum(short)+`"]}]`), Names{"a": "a.test/a:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := imported(t, newStore(t), sent)["a.test/a:1"], []string{sum(config), sum(packed), sum(short)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for layer, want := range map[string]string{packed: "tar+gzip", short: "tar+zstd"} {
		if got := string(has["blobs/sha256/"+sum(layer)].MediaType); !strings.HasSuffix(got, want) {
			t.Errorf("got the type %s, want %s", got, want)
		}
	}
}

func TestArchivesThatLackSomething(t *testing.T) {
	config := savedImage{"a", []string{layerOf("a")}}.config()
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"no list":           {[]string{"c.json", config}, "manifest.json: "},
		"no configuration":  {[]string{"manifest.json", `[{"Config": "c.json"}]`}, "the configuration c.json: "},
		"another number":    {[]string{"c.json", config, "manifest.json", `[{"Config": "c.json"}]`}, "the configuration c.json has 1 layers, and manifest.json 0"},
		"no layer":          {[]string{"c.json", config, "manifest.json", `[{"Config": "c.json", "Layers": ["l.tar"]}]`}, "the layer l.tar is not in it"},
		"an unknown digest": {[]string{"c.json", config, "l.tar", "\x1f\x8b" + layerOf("a"), "manifest.json", `[{"Config": "c.json", "Layers": ["l.tar"]}]`}, "the layer l.tar is compressed, and its name is not its digest"},
	} {
		sent, _, err := convert(archive(t, c.files...), Names{}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "reading the archive of the images: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
		if _, err := importer.ImportIndex(t.Context(), newStore(t), bytes.NewReader(sent)); err == nil {
			t.Errorf("%s: nodes take a part of an archive for the whole", name)
		}
	}
}
