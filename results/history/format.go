// Package history is the long memory of a nightly experiment: compact records
// of many runs in a plain folder, the series that they make, where those
// change and why, and the judgement of the newest run.
//
// A folder of history is append-only. Every line says by itself which run it
// belongs to, so that folders may be joined by copying files, by git, or by
// stratbench merge, and that a line is understood wherever it stands.
package history

import (
	"encoding/json"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Schema is the version of the format.
const Schema = "stratbench.history/v1"

// Kind is what a line is of.
type Kind string

// The kinds of line. A run has one header, the settings of each cell once,
// and a line for each trial.
const (
	KindHeader    Kind = "run"
	KindSettings  Kind = "settings"
	KindTrial     Kind = "trial"
	KindReference Kind = "reference"
	KindBaseline  Kind = "baseline"
)

// Header is what holds for a whole run.
type Header struct {
	Kind   Kind   `json:"kind"`
	Schema string `json:"schema"`
	// Run tells runs apart, also those that two hosts began in one second.
	Run         string              `json:"run"`
	RunID       string              `json:"run_id"`
	Experiment  string              `json:"experiment"`
	Environment results.Environment `json:"environment"`
	// Cells are the planned ones; lines name them by their place here, from 0.
	Cells []trial.Cell `json:"cells"`
	// Planned counts the trials that were to be measured.
	Planned int `json:"trials_planned"`
}

// Host is where the run was made. Runs of different hosts never share a series.
func (h Header) Host() string { return h.Environment.HostID }

// Settings are what a cell ran with.
type Settings struct {
	Kind     Kind            `json:"kind"`
	Run      string          `json:"run"`
	Cell     int             `json:"cell"`
	Settings json.RawMessage `json:"settings"`
}

// Trial is one trial, as much of it as series and causes need.
type Trial struct {
	Kind Kind   `json:"kind"`
	Run  string `json:"run"`
	// ID, Attempt and Started together tell the records of a run apart.
	ID      string    `json:"trial"`
	Attempt int       `json:"attempt"`
	Started time.Time `json:"started"`

	Cell     int  `json:"cell"`
	Block    int  `json:"block"`
	Position int  `json:"position"`
	WarmUp   bool `json:"warm_up,omitempty"`

	Outcome  trial.Outcome `json:"outcome"`
	Phase    trial.Phase   `json:"phase,omitempty"`
	TimedOut bool          `json:"timed_out,omitempty"`
	// Fault names what was broken on purpose.
	Fault string `json:"fault,omitempty"`

	// Times are rounded to a tenth of a millisecond; one that was not measured
	// is left out, and 0 here.
	Elapsed trial.Seconds `json:"elapsed_seconds"`
	Setup   trial.Seconds `json:"setup_seconds,omitzero"`
	Phases  Phases        `json:"phase_seconds,omitzero"`
	// Builds has each image's build, in the order of the record.
	Builds []Build `json:"builds,omitempty"`

	// Tests is nil where the suite did not report.
	Tests *Tests `json:"tests,omitempty"`
	// PeakMemory is the machine's highest sample.
	PeakMemory trial.Bytes `json:"peak_memory_bytes,omitempty"`

	Runtime   string `json:"runtime,omitempty"`
	Engine    string `json:"engine_version,omitempty"`
	NodeImage string `json:"node_image,omitempty"`
	// Machine is its kind, and the engine's builder and storage driver.
	Machine string      `json:"machine,omitempty"`
	Memory  trial.Bytes `json:"memory_limit_bytes,omitempty"`
	CPUs    int         `json:"cpus,omitempty"`

	Load      Load `json:"load_before,omitzero"`
	Simulated bool `json:"simulated,omitempty"`

	at place
	// early is set when the line stands behind that of a later trial.
	early bool
}

// Phases are the lengths of those phases that ended well.
type Phases struct {
	Cluster trial.Seconds `json:"cluster,omitzero"`
	Build   trial.Seconds `json:"build,omitzero"`
	Load    trial.Seconds `json:"load,omitzero"`
	Deploy  trial.Seconds `json:"deploy,omitzero"`
	Test    trial.Seconds `json:"test,omitzero"`
}

// Of returns the length of a phase, 0 where it is not known.
func (p Phases) Of(phase trial.Phase) trial.Seconds {
	if at := p.field(phase); at != nil {
		return *at
	}
	return 0
}

func (p *Phases) field(phase trial.Phase) *trial.Seconds {
	switch phase {
	case trial.PhaseCluster:
		return &p.Cluster
	case trial.PhaseBuild:
		return &p.Build
	case trial.PhaseLoad:
		return &p.Load
	case trial.PhaseDeploy:
		return &p.Deploy
	case trial.PhaseTest:
		return &p.Test
	}
	return nil
}

// Build is how long an image took to build and what came of it.
type Build struct {
	Image  string        `json:"image"`
	Length trial.Seconds `json:"seconds,omitzero"`
	// ID is the beginning of the image's, Size its size where it was recorded.
	ID   string      `json:"id,omitempty"`
	Size trial.Bytes `json:"size_bytes,omitempty"`
}

// Tests counts the tests of a suite. Known failures are among the failed.
type Tests struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
	Known  int `json:"known,omitempty"`
}

// Load is how busy the host was just before the trial; pressures are shares
// of stalled time in per cent.
type Load struct {
	Load1       float64 `json:"load1"`
	CPUSome     float64 `json:"cpu_some_percent,omitempty"`
	MemorySome  float64 `json:"memory_some_percent,omitempty"`
	IOSome      float64 `json:"io_some_percent,omitempty"`
	HasPressure bool    `json:"pressure_known,omitempty"`
	// CPU and Steal are totals since the host started.
	CPU   trial.Seconds `json:"cpu_seconds,omitzero"`
	Steal trial.Seconds `json:"steal_seconds,omitzero"`
}

// Reference is one execution of the fixed job that tells how fast the host is.
type Reference struct {
	Kind    Kind      `json:"kind"`
	Run     string    `json:"run"`
	ID      string    `json:"trial"`
	Attempt int       `json:"attempt"`
	Started time.Time `json:"started"`
	Block   int       `json:"block"`
	// Job names what was done: times of jobs that differ are not compared.
	Job     string        `json:"job,omitempty"`
	Elapsed trial.Seconds `json:"elapsed_seconds"`
	// Simulated marks what no host did.
	Simulated bool `json:"simulated,omitempty"`

	at place
}

// place is where a line stands; sum tells whether two lines are the same.
type place struct {
	file *string
	line int
	sum  uint64
}
