// Package strategies turns a workload's images into a schedule: what is built
// (or pulled) together and what waits for what. A strategy is data; a user can
// write one in the spec. A Runner runs a schedule over any build function, and may
// admit builds by the machine's memory.
package strategies

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Image is what a strategy needs to know of an image.
type Image struct {
	Name string
	// Weight is the image's build cost relative to the others.
	Weight float64
	// Peak is the most memory, in bytes, that its build is expected to hold, and
	// Takes how long that is expected to take, from earlier builds; 0 is not known.
	Peak  int64
	Takes time.Duration
}

// Schedule is how the images of one trial are obtained.
type Schedule struct {
	// Strategy is the name of what made it.
	Strategy string `json:"strategy"`
	// Stages run one after the other; a stage ends when all its images do.
	Stages []Stage `json:"stages"`
	// Pull is true when images are pulled from a registry and not built.
	Pull bool `json:"pull,omitempty"`
	// Shares is true when stages that several images have in common are built once,
	// before the images. A Runner leaves them to its caller.
	Shares bool `json:"shares,omitempty"`
	// Admission is what images are admitted by, where their order and the
	// concurrency do not decide alone.
	Admission *Admission `json:"admission,omitempty"`
}

// Serially is the same schedule with one image at a time: for an engine that did
// not bear more.
func (s Schedule) Serially() Schedule {
	stages := slices.Clone(s.Stages)
	for i := range stages {
		stages[i].Concurrency = 1
	}
	s.Stages, s.Admission = stages, nil
	return s
}

// Concurrency is the highest number of images that are obtained at once, at
// least 1.
func (s Schedule) Concurrency() int {
	n := 1
	for _, stage := range s.Stages {
		n = max(n, min(stage.Concurrency, len(stage.Images)))
	}
	return n
}

// Stage is a set of images obtained together, at most Concurrency at a time,
// in the order of Images.
type Stage struct {
	Images      []string `json:"images"`
	Concurrency int      `json:"concurrency"`
}

// The strategies that every spec can name.
const (
	Serial     = "serial"   // builds one image after the other, in the workload's order
	TwoPlusOne = "2+1"      // builds the light images together, then the heaviest alone
	Parallel   = "parallel" // builds all images at once
	Registry   = "registry" // pulls all images at once, as pushed there beforehand
	// Adaptive starts the longest build first, and a further one when its
	// expected memory fits and the machine's memory is not under pressure.
	Adaptive = "adaptive"
	// Shared builds each stage that several images have in common once, and then all
	// images at once.
	Shared = "shared"
)

// Strategy turns images into a schedule.
type Strategy struct {
	// Name is how specs and records call it.
	Name string
	// Pull is true when images are pulled and not built.
	Pull bool
	// Adapts is true when the machine's memory decides when an image is started.
	Adapts bool
	// Shares is true when common stages are built before the images.
	Shares  bool
	arrange func([]Image) ([]Stage, error)
}

// Schedule arranges the images. It is an error to have none of them, two of
// one name, or to leave some out: every issue is reported, as joined errors.
func (s Strategy) Schedule(images []Image) (Schedule, error) {
	if len(images) == 0 {
		return Schedule{}, fmt.Errorf("strategy %q: there is no image to schedule; list at least one in the workload", s.Name)
	}
	for i, image := range images {
		if slices.Contains(names(images[:i]), image.Name) {
			return Schedule{}, fmt.Errorf("strategy %q: two images are named %q; give each a name of its own", s.Name, image.Name)
		}
	}
	stages, err := s.arrange(images)
	if err != nil {
		return Schedule{}, err
	}
	schedule := Schedule{Strategy: s.Name, Stages: stages, Pull: s.Pull, Shares: s.Shares}
	if s.Adapts {
		schedule.Admission = admission(images)
	}
	return schedule, nil
}

var builtIns = []Strategy{
	{Name: Serial, arrange: atMost(1)},
	{Name: TwoPlusOne, arrange: lightThenHeavy},
	{Name: Parallel, arrange: atMost(math.MaxInt)},
	{Name: Registry, Pull: true, arrange: atMost(math.MaxInt)},
	{Name: Adaptive, Adapts: true, arrange: longestFirst},
	{Name: Shared, Shares: true, arrange: atMost(math.MaxInt)},
}

// Named returns the strategy called name: a built-in one, or one of the
// user's own. The error of an unknown name lists the known ones.
func Named(name string, own map[string]Own) (Strategy, error) {
	if i := slices.IndexFunc(builtIns, func(s Strategy) bool { return s.Name == name }); i >= 0 {
		return builtIns[i], nil
	}
	if o, ok := own[name]; ok {
		return o.strategy(name)
	}
	return Strategy{}, fmt.Errorf("unknown strategy %q; known are %s", name, strings.Join(Names(own), ", "))
}

// BuiltIn reports whether name is that of a built-in strategy.
func BuiltIn(name string) bool {
	return slices.ContainsFunc(builtIns, func(s Strategy) bool { return s.Name == name })
}

// Names lists the built-in strategies, then the user's own in order of name.
func Names(own map[string]Own) []string {
	var names []string
	for _, s := range builtIns {
		names = append(names, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if !BuiltIn(name) {
			names = append(names, name)
		}
	}
	return names
}

// atMost puts all images in one stage, n at a time.
func atMost(n int) func([]Image) ([]Stage, error) {
	return func(images []Image) ([]Stage, error) {
		return []Stage{{Images: names(images), Concurrency: min(n, len(images))}}, nil
	}
}

// lightThenHeavy builds all images but the heaviest together, then the
// heaviest alone, so that it never shares the machine. Of several that are
// equally heavy, the one listed last goes alone.
func lightThenHeavy(images []Image) ([]Stage, error) {
	heavy := 0
	for i, image := range images {
		if image.Weight >= images[heavy].Weight {
			heavy = i
		}
	}
	alone := Stage{Images: []string{images[heavy].Name}, Concurrency: 1}
	light := slices.Delete(names(images), heavy, heavy+1)
	if len(light) == 0 {
		return []Stage{alone}, nil
	}
	return []Stage{{Images: light, Concurrency: len(light)}, alone}, nil
}

func names(images []Image) []string {
	out := make([]string, len(images))
	for i, image := range images {
		out[i] = image.Name
	}
	return out
}
