package run

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
)

func TestSourcesTellImagesApart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.Dockerfile", "b.Dockerfile"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("FROM scratch\n# "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := spec.Workload{Images: []spec.Image{
		{Name: "a", Context: dir, Dockerfile: "a.Dockerfile"},
		{Name: "b", Context: dir, Dockerfile: "b.Dockerfile"},
		{Name: "gone", Context: filepath.Join(dir, "gone"), Dockerfile: "Dockerfile"},
	}}
	before := sourcesOf(w)
	if before[0].Context == "" || before[0].Context != before[1].Context || before[0].Recipe == before[1].Recipe {
		t.Errorf("images of one context with recipes of their own: %+v", before)
	}
	if before[2].Context != "" || before[2].Recipe != "" {
		t.Errorf("an image without a context has a source: %+v", before[2])
	}
	w.Images[0].Args = map[string]string{"SLOW": "yes"}
	after := sourcesOf(w)
	if after[0].Recipe == before[0].Recipe || after[1] != before[1] {
		t.Errorf("an argument of a changed %+v to %+v", before, after)
	}
}
