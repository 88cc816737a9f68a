package kindcluster

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// archive makes a tar of files that are given as name and content in turn. Content that
// begins with "-> " makes a symbolic link.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if target, ok := strings.CutPrefix(files[i+1], "-> "); ok {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: files[i], Linkname: target, Mode: 0o777}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.Write(make([]byte, 8<<10)) // as engines pad it
	return b.Bytes()
}

func TestImagesAreRenamedInTheirArchive(t *testing.T) {
	names := Names{"own.test/t1/app:latest": "shop.test/app:v2", "own.test/t1/job:latest": "localhost/job"}
	from := archive(t,
		"blobs/sha256/aa", "own.test/t1/app:latest is a text here",
		"index.json", `{"schemaVersion":2,"manifests":[{"digest":"sha256:aa","size":1048576,"annotations":`+
			`{"io.containerd.image.name":"own.test/t1/app:latest","org.opencontainers.image.ref.name":"latest"}},{"digest":"sha256:bb","size":3}]}`,
		"manifest.json", `[{"Config":"c.json","RepoTags":["own.test/t1/app:latest","other.test/x:1"],"Layers":["l.tar"]},`+
			`{"Config":"d.json","RepoTags":["own.test/t1/job:latest"],"Layers":["l.tar"]},{"Config":"e.json","RepoTags":null}]`,
	)
	var to bytes.Buffer
	if err := passOn(func(w io.Writer) error { _, err := w.Write(from); return err }, names.rename, &to); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"blobs/sha256/aa": "own.test/t1/app:latest is a text here",
		"index.json": `{"manifests":[{"annotations":{"io.containerd.image.name":"shop.test/app:v2"},"digest":"sha256:aa","size":1048576},` +
			`{"digest":"sha256:bb","size":3}],"schemaVersion":2}`,
		"manifest.json": `[{"Config":"c.json","Layers":["l.tar"],"RepoTags":["shop.test/app:v2","other.test/x:1"]},` +
			`{"Config":"d.json","Layers":["l.tar"],"RepoTags":["localhost/job:latest"]},{"Config":"e.json","RepoTags":null}]`,
	}
	for r := tar.NewReader(&to); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || string(text) != want[header.Name] {
			t.Errorf("%s is %s (%v), want %s", header.Name, text, err, want[header.Name])
		}
		delete(want, header.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestErrorsOfRenaming(t *testing.T) {
	broken, gone := errors.New("the engine died"), errors.New("the node is gone")
	whole := archive(t, "manifest.json", `[]`)
	for name, c := range map[string]struct {
		save func(io.Writer) error
		to   io.Writer
		want string
	}{
		"saving":  {func(w io.Writer) error { w.Write(whole[:600]); return broken }, io.Discard, "the engine died"},
		"writing": {func(w io.Writer) error { _, err := w.Write(whole); return err }, failing{gone}, "the node is gone"},
		"rubbish": {func(w io.Writer) error { _, err := w.Write(archive(t, "manifest.json", "{")); return err }, io.Discard, "manifest.json"},
	} {
		err := passOn(c.save, Names{}.rename, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
