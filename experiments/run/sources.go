package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
)

// sourcesOf says what each image is built from, so that a history can tell a
// slower build of the same from one of something else. What cannot be read is
// left empty: the build itself will say why.
func sourcesOf(w spec.Workload) (sources []results.ImageSource) {
	for _, image := range w.Images {
		if image.Context == "" {
			continue // a set-up command builds it
		}
		s := results.ImageSource{Image: image.Name, Recipe: recipeOf(image)}
		s.Context, _ = runtimes.ContextHash(image.Context, image.Dockerfile)
		sources = append(sources, s)
	}
	return sources
}

func recipeOf(image spec.Image) string {
	dockerfile, err := os.ReadFile(filepath.Join(image.Context, image.Dockerfile))
	if err != nil {
		return ""
	}
	args, err := json.Marshal(image.Args)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(append(dockerfile, 0), args...))
	return hex.EncodeToString(sum[:])
}
