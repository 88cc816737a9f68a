package inject

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/deploy"
)

// argument passes a fault to the workload's Dockerfile or suite.
const argument = "STRATBENCH_FAULT"

// Adapt adds a fault of the workload to the configuration. dir is the workload's
// folder.
func Adapt(cfg *pipeline.Config, f spec.Injection, dir string) error {
	switch f.Do {
	case spec.StepFail, spec.StepOOM, spec.StepSleep:
		i := 0
		if f.Image != "" {
			i = slices.IndexFunc(cfg.Images, func(image pipeline.Image) bool { return image.Name == f.Image })
		}
		if i < 0 || i >= len(cfg.Images) {
			return fmt.Errorf("fault %s: the workload has no image %q", f.Do, f.Image)
		}
		if cfg.Images[i].Command != nil {
			return fmt.Errorf("fault %s: a command builds the image %s, and gets no build argument; name an image with a Dockerfile", f.Do, cfg.Images[i].Name)
		}
		cfg.Images = slices.Clone(cfg.Images)
		cfg.Images[i].Args = with(cfg.Images[i].Args, argument, string(f.Do))
	case spec.PodNeverReady:
		if !filepath.IsLocal(f.Manifest) {
			return fmt.Errorf("fault %s: manifest %q is not in the workload's folder; name one that is", f.Do, f.Manifest)
		}
		steps, errs := deploy.Prepare([]deploy.Source{{Name: "apply " + f.Manifest, Apply: []string{filepath.Join(dir, f.Manifest)}}}, deploy.Server{})
		if len(errs) > 0 {
			return fmt.Errorf("fault %s: %w", f.Do, errors.Join(errs...))
		}
		cfg.Deploy = append(slices.Clone(cfg.Deploy), steps...)
	case spec.TestFail:
		cfg.Test.Env = with(cfg.Test.Env, argument, string(f.Do))
	}
	return nil
}

func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}
