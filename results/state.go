package results

import (
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// StateFactor is the factor of runs that compare whole states of an
// experiment. Its levels are the last good state and the present one.
const (
	StateFactor = "state"
	LastGood    = "last good"
	Present     = "present"
)

// State is one of the states that a run compares, and where it comes from.
type State struct {
	Level string `json:"level"`
	// RunID is the run whose state was built again; empty for the present.
	RunID        string `json:"run_id,omitempty"`
	GitRevision  string `json:"git_revision"`
	GitDirty     bool   `json:"git_dirty"`
	SpecHash     string `json:"spec_sha256"`
	WorkloadHash string `json:"workload_sha256"`
	// NotUndone is what else has changed since that run, and is the same in
	// both states now: a kernel, a host.
	NotUndone []string `json:"not_undone,omitempty"`
}

// StateFile is the name that a file of a run's folder has for a state.
func StateFile(level, name string) string { return strings.ReplaceAll(level, " ", "-") + "-" + name }

// WithoutState is the cell without its state: what is the same of both.
func WithoutState(c trial.Cell) trial.Cell {
	return slices.DeleteFunc(slices.Clone(c), func(a trial.Assignment) bool { return a.Factor == StateFactor })
}
