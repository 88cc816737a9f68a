package strategies

import (
	"errors"
	"fmt"
	"slices"
)

// Own is a strategy that a user writes in the spec: either stages of image
// names, or a maximum concurrency.
type Own struct {
	// Stages are lists of image names. Stages run one after the other; the
	// images of a stage are built together. Every image is in exactly one.
	Stages [][]string `json:"stages,omitempty"`
	// MaxConcurrency builds all images, at most so many at a time, in the
	// workload's order.
	MaxConcurrency int `json:"maxConcurrency,omitempty"`
	// Pull takes the images from the registry instead of building them.
	Pull bool `json:"pull,omitempty"`
}

func (o Own) strategy(name string) (Strategy, error) {
	s := Strategy{Name: name, Pull: o.Pull}
	switch {
	case len(o.Stages) > 0 && o.MaxConcurrency != 0:
		return s, fmt.Errorf("strategy %q has stages and maxConcurrency; keep one of them", name)
	case len(o.Stages) > 0:
		s.arrange = o.arrange
	case o.MaxConcurrency > 0:
		s.arrange = atMost(o.MaxConcurrency)
	default:
		return s, fmt.Errorf("strategy %q has no content; give it stages (lists of image names) or a maxConcurrency of at least 1", name)
	}
	return s, nil
}

// arrange reports every image that is unknown, listed twice or left out: a
// trial with another set of images could not be compared with the others.
func (o Own) arrange(images []Image) (stages []Stage, err error) {
	var issues []error
	report := func(format string, args ...any) { issues = append(issues, fmt.Errorf(format, args...)) }
	known, seen := names(images), map[string]bool{}
	for i, stage := range o.Stages {
		if len(stage) == 0 {
			report("stage %d is empty; name at least one image or remove it", i+1)
		}
		for _, name := range stage {
			if !slices.Contains(known, name) {
				report("stage %d names %q, which the workload does not have; its images are %q", i+1, name, known)
			} else if seen[name] {
				report("stage %d names %q a second time; every image is in one stage", i+1, name)
			}
			seen[name] = true
		}
		stages = append(stages, Stage{Images: slices.Clone(stage), Concurrency: len(stage)})
	}
	for _, name := range known {
		if !seen[name] {
			report("no stage names image %q; add it to one", name)
		}
	}
	return stages, errors.Join(issues...)
}
