package docker

import (
	"testing"

	"github.com/stratbench/stratbench/runtimes"
)

func TestCachesTravelInImages(t *testing.T) {
	b := runtimes.Build{Tag: "a/b:1", Context: t.TempDir(), CacheFrom: "host:5000/warm", CacheTo: "host:5000/cold"}
	opt, err := solveOptions(b)
	if err != nil {
		t.Fatal(err)
	}
	if im := opt.CacheImports; len(im) != 1 || im[0].Type != "registry" || im[0].Attrs["ref"] != "host:5000/warm:cache" {
		t.Errorf("imports %+v", im)
	}
	if ex := opt.CacheExports; len(ex) != 1 || ex[0].Type != "inline" {
		t.Errorf("exports %+v", ex)
	}
	b.CacheFrom, b.CacheTo = "", ""
	if opt, err = solveOptions(b); err != nil || len(opt.CacheImports)+len(opt.CacheExports) > 0 {
		t.Errorf("without a cache: %+v, %v", opt, err)
	}
}

// TestDockerfileBehindALink has a Dockerfile that is a link to one in another folder of
// the context, which the engine can follow only in the whole context.
func TestDockerfileBehindALink(t *testing.T) {
	opt, err := solveOptions(runtimes.Build{Tag: "a/b:1", Context: t.TempDir(), Dockerfile: "api/Dockerfile"})
	if err != nil || opt.FrontendAttrs["filename"] != "api/Dockerfile" || opt.LocalMounts["dockerfile"] != opt.LocalMounts["context"] {
		t.Errorf("got %+v, %v", opt, err)
	}
}

func TestFurtherContextsOfABuild(t *testing.T) {
	b := runtimes.Build{Tag: "a/b:1", Context: t.TempDir()}
	opt, err := solveOptions(b)
	if _, asks := opt.FrontendAttrs["frontend.caps"]; err != nil || asks {
		t.Errorf("without contexts: %v, %v", opt.FrontendAttrs, err)
	}
	b.Contexts = map[string]string{"context": t.TempDir(), "docker.io/library/alpine:latest": "docker-image://alpine:3.20"}
	opt, err = solveOptions(b)
	if err != nil {
		t.Fatal(err)
	}
	if a := opt.FrontendAttrs; a["context:context"] != "local:_context" || a["context:alpine"] != "docker-image://alpine:3.20" || a["frontend.caps"] != "moby.buildkit.frontend.contexts+forward" {
		t.Errorf("got %v", a)
	}
	if m := opt.LocalMounts; len(m) != 3 || m["_context"] == nil || m["_context"] == m["context"] {
		t.Errorf("got %v", m)
	}
	b.Contexts["gone"] = "/no/such/folder"
	if _, err := solveOptions(b); err == nil {
		t.Error("a context that does not exist is taken")
	}
}
