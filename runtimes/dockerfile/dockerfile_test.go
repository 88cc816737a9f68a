package dockerfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func texts(needs []Need) (all []string) {
	for _, n := range needs {
		all = append(all, n.Text)
	}
	return all
}

func TestBaseImages(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		args map[string]string
		want []string
	}{
		"stages are told apart":     {"FROM golang:1.25 AS build\nFROM build AS test\nFROM gcr.io/d/static\nCOPY --from=build /a /a\n", nil, []string{"golang:1.25", "gcr.io/d/static"}},
		"only what is built counts": {"FROM golang:1.25 AS unused\nFROM alpine\n", nil, []string{"alpine"}},
		"arguments":                 {"ARG V=1.25\nARG G=golang:${V}\nFROM ${G} AS b\nFROM scratch\nCOPY --from=b /a /a\n", nil, []string{"golang:1.25"}},
		"arguments that are given":  {"ARG G=golang\nFROM $G\n", map[string]string{"G": "mine/go:1"}, []string{"mine/go:1"}},
		"defaults in braces":        {"FROM ${G:-alpine:3}\n", nil, []string{"alpine:3"}},
		"copies from images":        {"FROM scratch\nCOPY --from=busybox:1 /bin/sh /sh\nCOPY --from=docker.io/x/y /z /z\n", nil, []string{"busybox:1", "docker.io/x/y"}},
		"numbers of stages":         {"FROM alpine\nFROM scratch\nCOPY --from=0 /a /a\n", nil, []string{"alpine"}},
		"mounts":                    {"FROM alpine AS a\nFROM alpine:2\nRUN --mount=type=bind,from=tools:1,target=/t --mount=from=a,target=/u true\n", nil, []string{"alpine", "alpine:2", "tools:1"}},
		"platforms":                 {"FROM --platform=$BUILDPLATFORM golang AS b\nFROM b\n", nil, []string{"golang"}},
	} {
		needs, err := Read(runtimes.Build{Context: folder(t, map[string]string{"Dockerfile": c.text}), Args: c.args}, trial.Docker)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := texts(needs.Images); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestOtherNeeds(t *testing.T) {
	dir := folder(t, map[string]string{"Dockerfile": "# syntax=docker/dockerfile:1.7\nFROM alpine\nADD https://x.test/a /a\nRUN apk add git && \\\n  true\n"})
	needs, err := Read(runtimes.Build{Context: dir}, trial.Docker)
	if err != nil {
		t.Fatal(err)
	}
	if needs.Syntax == nil || needs.Syntax.Text != "docker/dockerfile:1.7" || needs.Syntax.At.Line != 1 {
		t.Errorf("got the syntax %+v", needs.Syntax)
	}
	if got := texts(needs.Fetches); !slices.Equal(got, []string{"https://x.test/a"}) || needs.Fetches[0].At.Line != 3 {
		t.Errorf("got fetches %+v", needs.Fetches)
	}
	if len(needs.Downloads) != 1 || needs.Downloads[0].At.Line != 4 {
		t.Errorf("got downloads %+v", needs.Downloads)
	}
}

func TestWhatIsWrongHasItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no such instruction": {map[string]string{"Dockerfile": "FROM a\nINSTALL b\n"}, "Dockerfile:2:1: this is not a Dockerfile"},
		"empty":               {map[string]string{"Dockerfile": "# nothing\n"}, "Dockerfile:1:1: "},
		"no value":            {map[string]string{"Dockerfile": "ARG X\nFROM ${X}\n"}, "Dockerfile:2:6: FROM ${X} names no image"},
		"no exception":        {map[string]string{"Dockerfile": "FROM a\nCOPY cmd/ internal/ /\n", "cmd/a": "", "internal/b/c": "", ".dockerignore": "**\n!cmd/**\n"}, "Dockerfile:2:11: internal/ is not sent, because the context's .dockerignore excludes it; remove it there, or add an exception: !internal"},
		"excluded":            {map[string]string{"Dockerfile": "FROM a\nCOPY bin/app /\n", "bin/app": "", ".dockerignore": "bin\n"}, "Dockerfile:2:6: bin/app is not sent"},
	} {
		_, err := Read(runtimes.Build{Context: folder(t, c.files)}, trial.Docker)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatTheContextLacks(t *testing.T) {
	dir := folder(t, map[string]string{"Dockerfile": "FROM a\nCOPY go.mod vendor /src/\nCOPY *.jar /\n", "go.mod": ""})
	needs, err := Read(runtimes.Build{Context: dir}, trial.Docker)
	if err != nil {
		t.Fatal(err)
	}
	want := []Need{{"vendor", issue.Position{Line: 2, Column: 13}}, {"*.jar", issue.Position{Line: 3, Column: 6}}}
	if !slices.Equal(needs.Absent, want) {
		t.Errorf("got %+v", needs.Absent)
	}
}

func TestWhatWorksIsNotRefused(t *testing.T) {
	dir := folder(t, map[string]string{
		"Dockerfile": "FROM a AS b\nCOPY --parents **/*.csproj ./\nARG WHAT=app\nENV D=cmd\nCOPY . /src\nCOPY ./$D/$WHAT /x\nCOPY $HOME/y /y\nCOPY *.go /\nCOPY <<EOF /f\nhello\nEOF\nADD --checksum=sha256:aa https://x.test/y /y\nFROM b\nCOPY --from=b /not/here /\nCOPY keep /\n",
		"cmd/app":    "", "main.go": "", "keep": "", ".dockerignore": "*\n!keep\n!main.go\n!cmd\n",
	})
	if _, err := Read(runtimes.Build{Context: dir, Dockerfile: "Dockerfile"}, trial.Docker); err != nil {
		t.Error(err)
	}
}

// TestLinksOfTheContext has links in a context that lead to nothing, out of it and within.
func TestLinksOfTheContext(t *testing.T) {
	dir := folder(t, map[string]string{"img/Dockerfile": "FROM a\nCOPY within gone empty /src/\n", "img/lib/a": "", "shared/b": ""})
	for name, to := range map[string]string{"within": "lib", "gone": "lib/b", "out": "../shared"} {
		if err := os.Symlink(to, filepath.Join(dir, "img", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "img", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	needs, err := Read(runtimes.Build{Context: filepath.Join(dir, "img")}, trial.Docker)
	if err != nil || !slices.Equal(texts(needs.Absent), []string{"gone"}) || !slices.Equal(texts(needs.Empty), []string{"empty"}) {
		t.Errorf("got %+v, %v", needs, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "img", "Dockerfile"), []byte("FROM a\nCOPY lib out/b /src/\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(runtimes.Build{Context: filepath.Join(dir, "img")}, trial.Docker); err == nil || !strings.Contains(err.Error(), "Dockerfile:2:10: out/b is behind a link that leads out of the context") {
		t.Errorf("a link out of the context: got %v", err)
	}
}

func TestOnlyWhatLeadsToTheTargetCounts(t *testing.T) {
	dir := folder(t, map[string]string{"Dockerfile": "FROM first.test/a:1 AS Build\nFROM second.test/b:1 AS debug\nCOPY --from=build /a /a\nFROM third.test/c:1\n"})
	needs, err := Read(runtimes.Build{Context: dir, Target: "debug"}, trial.Docker)
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, need := range needs.Images {
		images = append(images, need.Text)
	}
	if got := strings.Join(images, " "); got != "first.test/a:1 second.test/b:1" {
		t.Errorf("got %s", got)
	}
	if _, err := Read(runtimes.Build{Context: dir, Target: "gone"}, trial.Docker); err == nil || !strings.Contains(err.Error(), `the Dockerfile has no stage "gone"; correct the target: there are `) {
		t.Errorf("a target that is none: got %v", err)
	}
}

// TestFurtherContexts has contexts in the places of images and of a stage. Docker compares
// complete names, after it has replaced arguments, and Podman words.
func TestFurtherContexts(t *testing.T) {
	for name, c := range map[string]struct {
		text, called, context string
		docker, podman        []string
	}{
		"a folder":             {"FROM scratch\nCOPY --from=proto /a /a\n", "proto", "/proto", nil, nil},
		"an image":             {"FROM base\n", "base", "docker-image://debian:13", []string{"debian:13"}, []string{"debian:13"}},
		"copied from an image": {"FROM scratch\nCOPY --from=tools /a /a\n", "tools", "docker-image://tools:1", []string{"tools:1"}, []string{"tools:1"}},
		"mounted":              {"FROM a\nRUN --mount=from=proto,target=/p true\n", "proto", "/proto", []string{"a"}, []string{"a"}},
		"instead of a stage":   {"FROM golang AS build\nFROM scratch\nCOPY --from=build /a /a\n", "build", "/built", nil, nil},
		"a complete name":      {"FROM docker.io/library/alpine:latest\n", "alpine", "docker-image://alpine:3.20", []string{"alpine:3.20"}, []string{"docker.io/library/alpine:latest"}},
		"by an argument":       {"ARG V=1.26\nFROM golang:${V}\n", "golang:1.26", "docker-image://golang:1.27", []string{"golang:1.27"}, []string{"golang:1.26"}},
		"another name":         {"FROM alpine\n", "debian", "/debian", []string{"alpine"}, []string{"alpine"}},
	} {
		b := runtimes.Build{Context: folder(t, map[string]string{"Dockerfile": c.text}), Contexts: map[string]string{c.called: c.context}}
		for engine, want := range map[trial.Runtime][]string{trial.Docker: c.docker, trial.Podman: c.podman} {
			needs, err := Read(b, engine)
			if err != nil {
				t.Errorf("%s, %s: %v", name, engine, err)
			} else if got := texts(needs.Images); !slices.Equal(got, want) {
				t.Errorf("%s, %s: got %q, want %q", name, engine, got, want)
			}
		}
	}
	b := runtimes.Build{Context: folder(t, map[string]string{"Dockerfile": "FROM rootfs\n"}), Contexts: map[string]string{"rootfs": "/r"}}
	if _, err := Read(b, trial.Docker); err != nil {
		t.Errorf("Docker begins with a folder: %v", err)
	}
	if _, err := Read(b, trial.Podman); err == nil || !strings.Contains(err.Error(), "Dockerfile:1:6: FROM rootfs: this context is a folder, and with Podman a stage begins only with an image; write FROM scratch and COPY --from=rootfs . /") {
		t.Errorf("Podman begins with a folder: %v", err)
	}
}

func TestWordsThatMayMeanAnother(t *testing.T) {
	for text, want := range map[string]string{
		"FROM alpine AS builder\nFROM scratch\nCOPY --from=bulider /a /a\n": "did you mean builder?",
		"ARG V=1\nFROM alpine\nRUN echo $V\n":                               "$V is not set in this stage",
		"ARG V=1\nFROM alpine\nARG V\nRUN echo $V\n":                        "",
		"FROM alpine\nENTRYPOINT ['/a']\n":                                  "is no JSON",
		"FROM --platform=${X:-linux/amd64} alpine\nRUN echo $HTTP_PROXY\n":  "",
	} {
		dir := folder(t, map[string]string{"Dockerfile": text})
		needs, err := Read(runtimes.Build{Context: dir, Args: map[string]string{"HTTP_PROXY": "a", "A(": "b"}}, trial.Docker)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.Join(texts(needs.Doubts), "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	dir := folder(t, map[string]string{"Dockerfile": "FROM --platform=$BUILDPLATFROM alpine\n"})
	if _, err := Read(runtimes.Build{Context: dir}, trial.Docker); err == nil || !strings.Contains(err.Error(), "no argument before the first FROM") {
		t.Errorf("got %v", err)
	}
}
