package buildcontext

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// sent packs a folder of files and returns the names that arrive.
func sent(t *testing.T, files map[string]string, dockerfile string, ignoreFiles ...string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	stream, err := Tar(nil, dir, dockerfile, ignoreFiles...)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var names []string
	for r := tar.NewReader(stream); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		text, err := io.ReadAll(r)
		if want := files[header.Name]; err != nil || string(text) != want {
			t.Errorf("%s holds %q (%v), want %q", header.Name, text, err, want)
		}
		if header.Uid != 0 || header.Uname != "" {
			t.Errorf("%s belongs to %d %q", header.Name, header.Uid, header.Uname)
		}
		if header.Name == "link" && header.Linkname != "a.txt" {
			t.Errorf("the link leads to %q", header.Linkname)
		}
	}
}

func TestTar(t *testing.T) {
	files := map[string]string{
		"a.txt": "a", "b.log": "b", "deep/er/c.txt": "c", "deep/d.txt": "d", "build/Dockerfile": "FROM x", ".git/config": "g",
		".dockerignore": "# nothing of git\n.git\n*.log\n", "only.ignore": "*\n", "except.ignore": "deep\n!deep/er/c.txt\n.git\nbuild\n",
	}
	for name, c := range map[string]struct {
		ignore []string
		want   string
	}{
		"everything":                 {nil, ".dockerignore .git/ .git/config a.txt b.log build/ build/Dockerfile deep/ deep/d.txt deep/er/ deep/er/c.txt except.ignore link only.ignore"},
		"with an ignore file":        {[]string{".dockerignore"}, ".dockerignore a.txt build/ build/Dockerfile deep/ deep/d.txt deep/er/ deep/er/c.txt except.ignore link only.ignore"},
		"the first that exists":      {[]string{".missing", "only.ignore", ".dockerignore"}, ".dockerignore build/Dockerfile only.ignore"},
		"with an exception":          {[]string{"except.ignore"}, ".dockerignore a.txt b.log build/Dockerfile deep/er/c.txt except.ignore link only.ignore"},
		"an ignore file not present": {[]string{".missing"}, ".dockerignore .git/ .git/config a.txt b.log build/ build/Dockerfile deep/ deep/d.txt deep/er/ deep/er/c.txt except.ignore link only.ignore"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sent(t, files, "build/Dockerfile", c.ignore...)
			if want := strings.Fields(c.want); !slices.Equal(got, want) {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

func TestAContextBehindALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "context")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	stream, err := Tar(nil, link, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if h, err := tar.NewReader(stream).Next(); err != nil || h.Name != "Dockerfile" {
		t.Errorf("got %+v, %v", h, err)
	}
}

// TestFilesBesideAContext sends a text that is in no file.
func TestFilesBesideAContext(t *testing.T) {
	stream, err := Tar(map[string][]byte{"secret": []byte("text")}, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	r := tar.NewReader(stream)
	h, err := r.Next()
	text, _ := io.ReadAll(r)
	if err != nil || h.Name != "secret" || string(text) != "text" {
		t.Errorf("got %+v with %q, %v", h, text, err)
	}
}

func TestTarFailing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Tar(nil, dir, "Dockerfile"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without Dockerfile: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	stream, err := Tar(nil, dir, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	// The file shrinks after its header was sent: the stream must not end as if it were
	// complete.
	if _, err := io.ReadFull(stream, make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "Dockerfile"), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, stream); err == nil || !strings.Contains(err.Error(), "packing the build context") {
		t.Errorf("a context cut short: %v", err)
	}
}

func FuzzTar(f *testing.F) {
	f.Add("*.log\n!a.log\n")
	f.Add("# a comment\n\n  \n**/deep\n[a-")
	f.Add("!")
	dir := f.TempDir()
	for _, name := range []string{"Dockerfile", "a.log", "deep/b"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, patterns string) {
		if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(patterns), 0o600); err != nil {
			t.Fatal(err)
		}
		stream, err := Tar(nil, dir, "Dockerfile", ".dockerignore")
		if err != nil {
			return
		}
		defer stream.Close()
		if text, err := io.ReadAll(stream); err == nil && !strings.Contains(string(text), "Dockerfile") {
			t.Errorf("the patterns %q leave the Dockerfile out", patterns)
		}
	})
}

// TestIgnoreFilesOfAnEngine has the ignore files that the command of each engine prefers.
func TestIgnoreFilesOfAnEngine(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		added          string // beside those before
		docker, podman string
	}{
		{"a", "", ""},
		{".dockerignore", ".dockerignore", ".dockerignore"},
		{".containerignore", ".dockerignore", ".containerignore"},
		{"Dockerfile.containerignore", ".dockerignore", "Dockerfile.containerignore"},
		{"Dockerfile.dockerignore", "Dockerfile.dockerignore", "Dockerfile.dockerignore"},
	} {
		if err := os.WriteFile(filepath.Join(dir, c.added), []byte("a\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for engine, want := range map[trial.Runtime]string{trial.Docker: c.docker, trial.Podman: c.podman} {
			excluded, file, err := Excluded(engine, dir, "")
			if err != nil || file != want || excluded("a") != (want != "") {
				t.Errorf("with %s, %s reads %q (%v), want %q", c.added, engine, file, err, want)
			}
		}
	}
}

func TestNamesOfContexts(t *testing.T) {
	for name, want := range map[string]string{"proto": "proto", "alpine:latest": "alpine", "docker.io/library/golang:1.26": "golang:1.26", "ghcr.io/a/b:1": "ghcr.io/a/b:1", "No Name": "No Name"} {
		if got := Name(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
