// Package experiments reads an experiment's spec: the question, its factors,
// its design, its workload. A spec is read strictly, and all its faults are
// reported at once, each with its file, line and column.
//
// The comments of the types with JSON keys are also the descriptions in the
// published schemas, so they speak of what a user writes.
package spec

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// APIVersion is the version of the spec format.
const APIVersion = "stratbench/v1"

// Spec is an experiment as loaded: every default filled in, every level
// decoded, every path absolute.
type Spec struct {
	Name        string
	Description string
	// Factors are what is varied, in the order of the file. The name of a
	// factor is the dotted path of the setting that it varies.
	Factors []trial.Factor
	// Settings are what every cell has in common; see Cell.
	Settings Settings
	// Strategies are the user's own, by name.
	Strategies map[string]strategies.Own
	// Faults are the user's own, by name.
	Faults map[string]Injection
	Design Design
	Limits Limits
	// Budget bounds the whole run; 0 is no bound.
	Budget   time.Duration
	Workload Workload
	// Path is the spec's file; Source its bytes as given.
	Path   string
	Source []byte
	// SHA256 is the hash, in hex, of Source and of the workload's SHA256. It
	// does not depend on where the files are.
	SHA256 string

	// The files as read, for the positions of their parts.
	document, workloadDocument *document
}

// Design says how often and in which order.
type Design struct {
	// Replicates is how often each cell is run; each block runs every cell
	// once. Default 5.
	Replicates int `json:"replicates" jsonschema:"minimum=1,maximum=1000,default=5"`
	// WarmUp is how many trials of each runtime run first of all; they are
	// recorded and never analysed. Default 1.
	WarmUp int `json:"warmUp" jsonschema:"minimum=0,maximum=100,default=1"`
	// Seed determines the order of the trials. Without one, each run draws its
	// own and records it.
	Seed uint64 `json:"seed" jsonschema:"minimum=0,maximum=18446744073709551615"`
	// Stop ends the run early: with "decided", before the first block at which
	// every recommendation is decided or tied, by a procedure that stays valid
	// when looked at after every block. Replicates is then the most. A strategy
	// that no open recommendation asks for is not run again.
	Stop Stop `json:"stop,omitempty" jsonschema:"enum=decided"`
	// Indifference is the share by which two strategies may differ and be as good
	// as each other, such as 5% or 10%. Half of it takes up to four times the
	// blocks. Default 10%.
	Indifference trial.Share `json:"indifference,omitempty"`
	// Reference does a small fixed job of two to three seconds before each
	// block, so that a slow host can be told from slow trials. Default true.
	Reference bool `json:"reference" jsonschema:"default=true"`
	// SeedGiven is true when the spec has a seed.
	SeedGiven bool `json:"-"`
}

// Stop is what ends a run before all its replicates.
type Stop string

// StopDecided ends a run when what was asked is decided.
const StopDecided Stop = "decided"

// Limits bound a trial. A limit that is reached ends the trial as timed out.
type Limits struct {
	// Phase bounds how long each phase may take.
	Phase PhaseLimits `json:"phase"`
	// Silence bounds how long nothing at all may happen in a phase.
	Silence PhaseLimits `json:"silence"`
	// APISilence is for how long the engine's API, or the cluster's API server,
	// may leave every question unanswered before the trial is ended as a hang.
	// Where three quarters of a phase's limit on silence are less, they count.
	// Default 30s.
	APISilence Duration `json:"apiSilence" jsonschema:"default=30s"`
	// Describe bounds how long the engine may take to tell its version and
	// settings when a trial begins. Default 10s.
	Describe Duration `json:"describe" jsonschema:"default=10s"`
	// Teardown bounds how long a machine may take to go away after a trial.
	// Default 30s.
	Teardown Duration `json:"teardown" jsonschema:"default=30s"`
}

// PhaseLimits are durations by phase, such as build: 20m.
type PhaseLimits map[trial.Phase]time.Duration

// UnmarshalJSON reads durations such as "20m" over those already in l.
func (l *PhaseLimits) UnmarshalJSON(b []byte) error {
	var texts map[trial.Phase]string
	if err := json.Unmarshal(b, &texts); err != nil {
		return fmt.Errorf("reading limits: %w", err)
	}
	for phase, text := range texts {
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		(*l)[phase] = d
	}
	return nil
}

// parseDuration reads a positive duration as Go writes it.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a duration; write a positive number and a unit, such as 90s, 20m or 1h30m", text)
	}
	return d, nil
}

func defaultDesign() Design { return Design{Replicates: 5, WarmUp: 1, Reference: true} }

// defaultLimits are generous for a small machine: they are there to end what
// hangs, not to judge what is slow.
func defaultLimits() Limits {
	return Limits{
		Phase: PhaseLimits{
			trial.PhaseCluster: 10 * time.Minute,
			trial.PhaseBuild:   20 * time.Minute,
			trial.PhaseLoad:    10 * time.Minute,
			trial.PhaseDeploy:  10 * time.Minute,
			trial.PhaseTest:    15 * time.Minute,
		},
		Silence: PhaseLimits{
			trial.PhaseCluster: 5 * time.Minute,
			trial.PhaseBuild:   5 * time.Minute,
			trial.PhaseLoad:    5 * time.Minute,
			trial.PhaseDeploy:  5 * time.Minute,
			trial.PhaseTest:    5 * time.Minute,
		},
		APISilence: Duration(30 * time.Second),
		Describe:   Duration(10 * time.Second),
		Teardown:   Duration(30 * time.Second),
	}
}
