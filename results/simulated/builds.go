package simulated

import (
	"math"

	"github.com/stratbench/stratbench/internal/trial"
)

// Stage is images that are built at the same time.
type Stage []Image

// images of every made-up workload, with what each takes alone of all of them.
var images = []Image{{"datastore", 0.2, 1}, {"analysis", 0.5, 1}, {"controller", 0.3, 1}}

// WithBuilds lets the arms build images as their level of strategy says.
func WithBuilds(arms []Arm) []Arm {
	stages := map[string][]Stage{
		"serial":   {{images[0]}, {images[1]}, {images[2]}},
		"2+1":      {{images[0], images[2]}, {images[1]}},
		"parallel": {images},
	}
	built := make([]Arm, len(arms))
	for i, a := range arms {
		strategy, _ := a.Cell.Level("strategy")
		a.Stages = stages[strategy]
		built[i] = a
	}
	return built
}

// builds fills the phase build with the stages, one after the other; what is
// built together takes longer for it. Trials differ by a few percent.
func builds(stages []Stage, phase trial.Span, position int) (spans []trial.Span) {
	total, start := 0.0, phase.Start
	for _, s := range stages {
		total += s.longest()
	}
	for _, s := range stages {
		length := s.longest() / total * float64(phase.Length())
		for i, image := range s {
			varied := 1 - 0.03*math.Abs(math.Sin(float64(7*position+i)))
			end := start + trial.Seconds(varied*image.Share/s.longest()*length)
			spans = append(spans, trial.Span{Name: "build", Phase: trial.PhaseBuild, Image: image.Name, Start: start, End: end})
		}
		start += trial.Seconds(length)
	}
	return spans
}

func (s Stage) longest() (share float64) {
	for _, image := range s {
		share = max(share, image.Share)
	}
	return share
}
