// Package spec loads an experiment's spec: the question, its factors, its design
// and its workload. A spec is read strictly, and all its issues are reported at
// once, each with its file, line and column.
//
// The comments of the types with JSON keys are also the descriptions in the
// published schemas, so they speak of what a user writes.
package spec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// APIVersion is the version of the spec format.
const APIVersion = "stratbench/v1"

// Spec is an experiment: what is varied, how often it is run, and what every
// trial has in common.
type Spec struct {
	// APIVersion is the version of the format: stratbench/v1.
	APIVersion string `json:"apiVersion" jsonschema:"required,enum=stratbench/v1"`
	// Name is what records and reports call the experiment.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$,maxLength=63"`
	// Description says what question the experiment answers.
	Description string `json:"description"`
	// Factors are what is varied. A factor's name is the dotted path of any
	// setting below settings (memory, build.noCache, build.args.GOFLAGS) or of
	// the workload (workload.images.api.args.MODE). Its levels are scalars, or
	// name and value. Every combination of levels is a cell that is run, unless
	// design.cells or design.leaveOut leaves it out.
	Factors []trial.Factor `json:"factors" jsonschema:"required"`
	// Settings are what all cells have in common.
	Settings Settings `json:"settings"`
	// Strategies are your own strategies, by name.
	Strategies map[string]strategies.Own `json:"strategies"`
	// Faults are your own faults to inject, by name, in addition to the built-in
	// ones. The setting fault, or a factor of that name, picks one.
	Faults map[string]Injection `json:"faults"`
	// Design says how often and in which order trials run.
	Design Design `json:"design"`
	// Limits bound a trial.
	Limits Limits `json:"limits"`
	// Budget bounds the run: as many whole blocks are run as fit.
	Budget time.Duration `json:"budget"`
	// WorkloadFile is the path of the workload's file, relative to this one.
	WorkloadFile string `json:"workload" jsonschema:"required,minLength=1"`

	Workload Workload `json:"-"`
	// Path is the spec's file; Source its bytes as given.
	Path   string `json:"-"`
	Source []byte `json:"-"`
	// SHA256 is the hash, in hex, of Source and of the workload's SHA256. It
	// does not depend on where the files are.
	SHA256 string `json:"-"`

	// The files as read, for the positions of their parts.
	document, workloadDocument *document
	// faulty are pointers to the parts of the workload that have issues.
	faulty map[string]bool
}

// markFaulty notes an issue at a pointer into the workload, or of what is missing there.
func (s *Spec) markFaulty(pointer string) {
	keys := strings.Split(cmp.Or(pointer, "/deploy"), "/")
	for n := 2; n <= min(len(keys), 3); n++ {
		s.faulty[strings.Join(keys[:n], "/")] = true
	}
}

// Faulty reports whether there are issues below one of the workload's keys.
func (s *Spec) Faulty(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return s.faulty["/"+key] })
}

// Design says how often and in which order trials run.
type Design struct {
	// Replicates is how often each cell is run; each block runs every cell
	// once. Default 5.
	Replicates int `json:"replicates" jsonschema:"minimum=1,maximum=1000,default=5"`
	// WarmUp is how many trials of each runtime run first; they are recorded
	// and never analysed. Default 1.
	WarmUp int `json:"warmUp" jsonschema:"minimum=0,maximum=100,default=1"`
	// Seed determines the order of the trials. Without one, each run draws its
	// own and records it.
	Seed uint64 `json:"seed" jsonschema:"minimum=0,maximum=18446744073709551615"`
	// Stop ends the run early. With "decided" it ends before the first block at
	// which every recommendation is decided or tied, by a procedure that stays
	// valid when it is applied before every block. Replicates is then the maximum.
	// A strategy that no open recommendation needs is not run again.
	Stop string `json:"stop,omitempty" jsonschema:"enum=decided"`
	// Indifference is the share by which two strategies may differ and still count
	// as equally good, such as 5% or 10%. Half of it takes up to four times the
	// blocks. Default 10%.
	Indifference trial.Share `json:"indifference,omitempty"`
	// Reference does a small fixed job of two to three seconds before each
	// block, so that a slow host can be told from slow trials. Default true.
	Reference bool `json:"reference" jsonschema:"default=true"`
	// Cells are the cells that are run, each by the levels in which it differs from the
	// first levels, such as {strategy: registry, load.path: node-pull}. Of a factor that
	// none of them names, all levels are run. Default: every combination.
	Cells []trial.Levels `json:"cells,omitempty"`
	// LeaveOut are cells that are not run, each by levels of some factors, such as
	// {strategy: serial, onCrash: serial}.
	LeaveOut []trial.Levels `json:"leaveOut,omitempty"`
	// Hypotheses are statements that the trials are to test. They are kept with the
	// run, and each has its line at the top of the report: supported, contradicted or
	// open. They take a number of trials that is fixed beforehand, so no stop.
	Hypotheses []trial.Hypothesis `json:"hypotheses,omitempty"`
	// SeedGiven is true when the spec has a seed.
	SeedGiven bool `json:"-"`
}

// StopDecided ends a run when every recommendation is decided or tied.
const StopDecided = "decided"

// Limits bound a trial. A trial that reaches a limit ends as timed out.
type Limits struct {
	// Phase bounds how long each phase may take.
	Phase PhaseLimits `json:"phase"`
	// Silence bounds how long nothing at all may happen in a phase.
	Silence PhaseLimits `json:"silence"`
	// APISilence is how long the engine's API, or the cluster's API server, may
	// leave every request unanswered before the trial ends as a hang. Three
	// quarters of the phase's limit on silence count instead if that is less.
	// Default 30s.
	APISilence Duration `json:"apiSilence" jsonschema:"default=30s"`
	// Describe bounds how long the engine may take to report its version and
	// settings when a trial begins. Default 10s.
	Describe Duration `json:"describe" jsonschema:"default=10s"`
	// Teardown bounds how long a machine may take to go away after a trial.
	// Default 30s.
	Teardown Duration `json:"teardown" jsonschema:"default=30s"`
}

// Longest is the most that the phases of a trial can take together.
func (l Limits) Longest() (sum time.Duration) {
	for _, limit := range l.Phase {
		sum += limit
	}
	return sum
}

// OfPreparation are the limits of what trials start from, which may take longer than any
// trial: they are at least the defaults.
func (l Limits) OfPreparation() Limits {
	l.Phase = maps.Clone(l.Phase)
	for phase, limit := range defaultLimits().Phase {
		l.Phase[phase] = max(l.Phase[phase], limit)
	}
	return l
}

// PhaseLimits are durations by phase, such as build: 20m.
type PhaseLimits map[trial.Phase]time.Duration

// UnmarshalJSON reads durations such as "20m" over those already in l.
func (l *PhaseLimits) UnmarshalJSON(b []byte) error {
	var given map[trial.Phase]Duration
	if err := json.Unmarshal(b, &given); err != nil {
		return fmt.Errorf("reading limits: %w", err)
	}
	for phase, d := range given {
		(*l)[phase] = time.Duration(d)
	}
	return nil
}

// Duration is a duration as Go writes it, such as 20m or 1h30m.
type Duration time.Duration

// UnmarshalJSON reads a duration such as "20m".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	parsed, err := parseDuration(text)
	*d = Duration(parsed)
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// parseDuration reads a positive duration as Go writes it.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a duration; write a positive number and a unit, such as 90s, 20m or 1h30m", text)
	}
	return d, nil
}

// defaultLimits are generous for a small machine: they are there to end what
// hangs, not to judge what is slow.
func defaultLimits() Limits {
	l := Limits{
		Phase: PhaseLimits{
			trial.PhaseCluster: 10 * time.Minute,
			trial.PhaseBuild:   20 * time.Minute,
			trial.PhaseLoad:    10 * time.Minute,
			trial.PhaseDeploy:  10 * time.Minute,
			trial.PhaseTest:    15 * time.Minute,
		},
		Silence:    PhaseLimits{},
		APISilence: Duration(30 * time.Second),
		Describe:   Duration(10 * time.Second),
		Teardown:   Duration(30 * time.Second),
	}
	for _, phase := range trial.Phases() {
		l.Silence[phase] = 5 * time.Minute
	}
	return l
}
