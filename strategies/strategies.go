// Package strategies turns a workload's images into a schedule: what is built
// (or pulled) together and what waits for what. A strategy is data; a user can
// write one in the spec.
package strategies

// Image is what a strategy needs to know of an image.
type Image struct {
	Name   string
	Weight float64
}

// Schedule is how the images of one trial are obtained.
type Schedule struct {
	// Strategy is the name of what made it.
	Strategy string `json:"strategy"`
	// Stages run one after the other; a stage ends when all its images do.
	Stages []Stage `json:"stages"`
	// Pull is true when images are pulled from a registry and not built.
	Pull bool `json:"pull,omitempty"`
}

// Stage is a set of images obtained together, at most Concurrency at a time.
type Stage struct {
	Images      []string `json:"images"`
	Concurrency int      `json:"concurrency"`
}
