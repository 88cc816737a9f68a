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
