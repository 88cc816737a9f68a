package results

import "github.com/stratbench/stratbench/internal/trial"

// ExpectedFile holds what a run expected of the builds of images when it began.
// It is there where a strategy goes by it.
const ExpectedFile = "expected.json"

// Predicted is what the builds of a trial were expected to take, all together.
type Predicted struct {
	Build trial.Seconds `json:"build_seconds"`
	// Peak is the most memory that the builds hold at a time.
	Peak trial.Bytes `json:"peak_bytes"`
}

// Expected is the build of an image by an engine as earlier runs lead one to
// expect it.
type Expected struct {
	Runtime trial.Runtime `json:"runtime"`
	Image   string        `json:"image"`
	NoCache bool          `json:"no_cache"`
	// Peak is the most memory that the build holds, and Takes how long it takes.
	Peak  trial.Bytes   `json:"peak_bytes"`
	Takes trial.Seconds `json:"seconds"`
	// CPU is how much processor time it takes; older runs have none.
	CPU trial.Seconds `json:"cpu_seconds,omitempty"`
	// Builds is how many that rests on.
	Builds int `json:"builds"`
}
