package strategies

import (
	"fmt"
	"time"
)

// Bound is the least time a schedule can take, whatever the engine does.
type Bound struct {
	// CriticalPath is what must happen in sequence: over all stages, the
	// longest image, or all images shared among the stage's concurrency where
	// that is longer.
	CriticalPath time.Duration
	// CPU is all CPU time spread evenly over all cores.
	CPU time.Duration
	// Lower is the bound: at least the greater of the two. It is greater than
	// both where some stages are bound by one and some by the other.
	Lower time.Duration
}

// Bounds computes the bound of a schedule from what each image takes when it
// is built alone on the machine: alone is its time, cpu the CPU time that it
// uses. A nil cpu leaves the CPU out. It is an error when an image of the
// schedule is missing in alone, or in a cpu that is not nil, or cores < 1.
func Bounds(s Schedule, alone, cpu map[string]time.Duration, cores int) (Bound, error) {
	if cores < 1 {
		return Bound{}, fmt.Errorf("bounds of strategy %q: %d cores; give at least 1", s.Strategy, cores)
	}
	var b Bound
	for i, stage := range s.Stages {
		if stage.Concurrency < 1 {
			return Bound{}, fmt.Errorf("bounds of strategy %q: stage %d has concurrency %d; it must be at least 1", s.Strategy, i+1, stage.Concurrency)
		}
		longest, total, err := extent(stage, alone, "time")
		if err != nil {
			return Bound{}, err
		}
		path := max(longest, total/time.Duration(stage.Concurrency))
		var work time.Duration
		if cpu != nil {
			if _, work, err = extent(stage, cpu, "CPU time"); err != nil {
				return Bound{}, err
			}
		}
		share := work / time.Duration(cores)
		b.CriticalPath += path
		b.CPU += share
		b.Lower += max(path, share)
	}
	return b, nil
}

func extent(stage Stage, of map[string]time.Duration, what string) (longest, total time.Duration, err error) {
	for _, image := range stage.Images {
		d, ok := of[image]
		if !ok {
			return 0, 0, fmt.Errorf("bounds: the %s of image %q alone is not known; measure it first", what, image)
		}
		longest = max(longest, d)
		total += d
	}
	return longest, total, nil
}
