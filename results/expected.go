package results

import "github.com/stratbench/stratbench/internal/trial"

// ExpectedFile holds what a run expected of the builds of images when it began.
// It is there where a strategy goes by it.
const ExpectedFile = "expected.json"

// Expected is the build of an image by an engine as earlier runs lead one to
// expect it.
type Expected struct {
	Runtime trial.Runtime `json:"runtime"`
	Image   string        `json:"image"`
	NoCache bool          `json:"no_cache"`
	// Peak is the most memory that the build holds, and Takes how long it takes.
	Peak  trial.Bytes   `json:"peak_bytes"`
	Takes trial.Seconds `json:"seconds"`
	// Builds is how many that rests on.
	Builds int `json:"builds"`
}
