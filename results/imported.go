package results

import "github.com/stratbench/stratbench/internal/trial"

// ImportFile holds what is known of imported records as a whole.
const ImportFile = "import.json"

// Imported marks a record that was read from a file of observations.
type Imported struct {
	// Source is the file's name, Line where in it the observation stands.
	Source string `json:"source"`
	Line   int    `json:"line"`
	// Estimate marks what nobody measured. Estimates are shown as such and
	// never analysed.
	Estimate bool `json:"estimate,omitempty"`
	// Stated are the ranges that the source gives instead of measured times.
	Stated []StatedRange `json:"stated,omitempty"`
	// TestsPassed and TestsTotal are set where the source counts tests.
	TestsPassed *int `json:"tests_passed,omitempty"`
	TestsTotal  *int `json:"tests_total,omitempty"`
	// PeakMemory is the most memory held, where the source says it.
	PeakMemory *trial.Bytes `json:"peak_memory_bytes,omitempty"`
	// Stability is the source's own word for it: "crashes", "stable".
	Stability string `json:"stability,omitempty"`
	// Confidence is the source's own, between 0 and 1.
	Confidence *float64 `json:"confidence,omitempty"`
}

// StatedRange is a range of times as a source states it.
type StatedRange struct {
	// Of is what took that long: setup, total, or a phase.
	Of   string        `json:"of"`
	Low  trial.Seconds `json:"low_seconds"`
	High trial.Seconds `json:"high_seconds"`
}

// Import describes an import as a whole.
type Import struct {
	Schema string `json:"schema"`
	Source string `json:"source"`
	SHA256 string `json:"source_sha256"`
	// Contradictions are figures of the source that cannot all be true, and
	// figures given as measured that others show to be computed.
	Contradictions []string `json:"contradictions"`
	// Notes are what the source says beside the trials.
	Notes []string `json:"notes"`
	// Warnings point out lines that can be true and seldom are.
	Warnings []string `json:"warnings,omitempty"`
}
