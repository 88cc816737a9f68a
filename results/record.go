// Package results is the record of a run: its format, the append-only journal
// it is written to, and its reader. A record can be read without the tool that
// made it.
package results

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Schema is the version of the record format.
const Schema = "stratbench.record/v1"

// Record is one line of trials.jsonl: one trial, one preparation, or the
// reference workload once.
type Record struct {
	Schema string `json:"schema"`
	RunID  string `json:"run_id"`
	// Kind tells trials from preparations (what was pushed beforehand) and from
	// the reference workload, whose settings say what it did.
	Kind  Kind        `json:"kind"`
	Trial trial.Trial `json:"trial"`
	// Settings are the whole settings that the cell ran with.
	Settings json.RawMessage `json:"settings"`
	// Started is the wall clock at the start; all other times are offsets
	// from it on a monotonic clock.
	Started time.Time     `json:"started"`
	Elapsed trial.Seconds `json:"elapsed_seconds"`
	// ClockSet is how far the wall clock was set forward, or back when
	// negative, while the trial ran. No length of time depends on it.
	ClockSet *trial.Seconds `json:"clock_set_seconds,omitempty"`
	// Setup is the start of the pipeline to services ready, all phases but
	// test; nil when the services never became ready.
	Setup *trial.Seconds `json:"setup_seconds"`
	// Verdict is how it ended.
	Verdict trial.Verdict `json:"verdict"`
	// Crash is the verdict on the engine's crash or hang after which the trial
	// went on, because the setting onCrash says so. Verdict is how it ended then,
	// and Setup has all of it.
	Crash *trial.Verdict `json:"crash,omitempty"`
	// Attempt counts from 1; a resumed run does an unfinished trial again.
	Attempt  int                `json:"attempt"`
	Previous *Previous          `json:"previous,omitempty"`
	Spans    []trial.Span       `json:"spans"`
	Samples  []trial.Sample     `json:"samples"`
	Tests    []trial.TestResult `json:"tests"`
	// PassedTests counts tests that passed and are not in Tests: those of a slim
	// record.
	PassedTests int     `json:"passed_tests,omitempty"`
	Images      []Image `json:"images"`
	Machine     Machine `json:"machine"`
	Load        Load    `json:"load_before"`
	// Observed is what was seen of each thing that can fail, beyond what the
	// verdict rests on: the evidence table of stratbench triage.
	Observed []trial.Evidence `json:"observed,omitempty"`
	// Silences are the long stretches in which the worker said nothing. It is nil
	// in records from before they were recorded, and in those that no run made.
	Silences []trial.Silence `json:"silences"`
	// Predicted is what earlier runs led one to expect of its builds; nil where
	// nothing did.
	Predicted *Predicted `json:"predicted,omitempty"`
	// Fault is what was broken on purpose in this trial.
	Fault *Injected `json:"fault,omitempty"`
	// Log is the trial's log, relative to the run's folder.
	Log string `json:"log"`
	// Simulated marks data that no engine produced.
	Simulated bool `json:"simulated,omitempty"`
	// Imported is set for what stratbench did not measure itself, or has from
	// another format.
	Imported *Imported `json:"imported,omitempty"`

	// Line is where the record stands in its journal; 0 where it was not read.
	Line int `json:"-"`
}

// Kind is what a record is of.
type Kind string

// The kinds of record.
const (
	KindTrial       Kind = "trial"
	KindPreparation Kind = "preparation"
	// KindReference is a small fixed job at the start of a block, which tells
	// how fast the host was. It has a span for each of its parts, and no cell.
	KindReference Kind = "reference"
)

// Previous is the trial before this one in actual order, for carry-over.
type Previous struct {
	ID      string        `json:"id"`
	Cell    string        `json:"cell"`
	Outcome trial.Outcome `json:"outcome"`
}

// Image is an image that a trial used.
type Image struct {
	Name string      `json:"name"`
	Ref  string      `json:"ref"`
	ID   string      `json:"id"`
	Size trial.Bytes `json:"size_bytes,omitempty"`
}

// Machine is the machine that a trial ran on, as it described itself.
type Machine struct {
	Kind          string `json:"kind"`
	Runtime       string `json:"runtime"`
	EngineVersion string `json:"engine_version"`
	APIVersion    string `json:"api_version"`
	Builder       string `json:"builder"`
	StorageDriver string `json:"storage_driver"`
	CgroupVersion string `json:"cgroup_version"`
	// MemoryLimit is what the machine was limited to; 0 is no limit. Memory is
	// what its engine says it has. In older records of machines without a
	// limit, the former holds the latter.
	MemoryLimit trial.Bytes `json:"memory_limit_bytes"`
	Memory      trial.Bytes `json:"memory_bytes,omitempty"`
	CPUs        int         `json:"cpus"`
	NodeImage   string      `json:"node_image"`
	// NodeProvider is the engine that really hosts the node, as verified.
	NodeProvider string `json:"node_provider"`
	// ClusterAge is how long before the trial its cluster was created, of one
	// that was started again.
	ClusterAge *trial.Seconds `json:"cluster_age_seconds,omitempty"`
	// Boot is the boot id of a virtual machine before the trial, and BootAfter
	// that after it where it is another.
	Boot      string `json:"boot_id,omitempty"`
	BootAfter string `json:"boot_id_after,omitempty"`
}

// Room is the memory that what runs on the machine can use: its limit, or else
// all that there is.
func (m Machine) Room() trial.Bytes { return cmp.Or(m.MemoryLimit, m.Memory) }

// Injected is a fault that was injected into a trial: its outcome is no
// finding about the system under test.
type Injected struct {
	Name string `json:"name"`
	// Do is the kind of fault.
	Do string `json:"do"`
	// Truth are the outcomes that are right, Phase where; empty is anywhere.
	Truth []trial.Outcome `json:"truth"`
	Phase trial.Phase     `json:"truth_phase,omitempty"`
	// At is when it was injected, and nil when its moment never came.
	At *trial.Seconds `json:"at_seconds"`
	// What was done, and what went wrong with it.
	What  string `json:"what,omitempty"`
	Error string `json:"error,omitempty"`
}

// Load is how busy the host was just before the trial.
type Load struct {
	Load1           float64        `json:"load1"`
	MemoryAvailable trial.Bytes    `json:"memory_available_bytes"`
	DiskFree        trial.Bytes    `json:"disk_free_bytes"`
	Pressure        trial.Pressure `json:"pressure"`
	// CPU is the time of all processors since the host started, and Steal what
	// of it another guest of the same hardware had; 0 where not known.
	CPU   trial.Seconds `json:"cpu_seconds,omitzero"`
	Steal trial.Seconds `json:"steal_seconds,omitzero"`
}

// Environment is what must be known to repeat a run. It is written once, when
// the run starts, to environment.json.
type Environment struct {
	Schema       string      `json:"schema"`
	RunID        string      `json:"run_id"`
	Started      time.Time   `json:"started"`
	SpecHash     string      `json:"spec_sha256"`
	WorkloadHash string      `json:"workload_sha256"`
	Seed         uint64      `json:"seed"`
	Stratbench   string      `json:"stratbench_version"`
	GitRevision  string      `json:"git_revision"`
	GitDirty     bool        `json:"git_dirty"`
	KindVersion  string      `json:"kind_version"`
	GoVersion    string      `json:"go_version"`
	OS           string      `json:"os"`
	Kernel       string      `json:"kernel"`
	CPUModel     string      `json:"cpu_model"`
	CPUs         int         `json:"cpus"`
	Memory       trial.Bytes `json:"memory_bytes"`
	HostID       string      `json:"host_id"`
	// Images are what each image of the workload is built from.
	Images []ImageSource `json:"images,omitempty"`
	// States are those that the run compares, where it compares states.
	States []State `json:"states,omitempty"`
}

// Plan is what a run set out to do: its cells in the spec's order and its
// trials in the randomised order. It is written once, to plan.json.
type Plan struct {
	Schema string        `json:"schema"`
	Seed   uint64        `json:"seed"`
	Cells  []trial.Cell  `json:"cells"`
	Trials []trial.Trial `json:"trials"`
	// Indifference is the share by which strategies may differ and be as good as
	// each other; 0 where the experiment says nothing of it.
	Indifference float64 `json:"indifference,omitempty"`
	// Refused are cells that could not be run as asked, and have no trials.
	Refused []Refusal `json:"refused,omitempty"`
}

// Refusal is a cell that was not run, and why.
type Refusal struct {
	Cell   trial.Cell `json:"cell"`
	Reason string     `json:"reason"`
}

// ImageSource tells whether an image is built from the same as another time.
type ImageSource struct {
	Image string `json:"image"`
	// Recipe is the hash of the Dockerfile and the build arguments, Context
	// that of all that is sent to the engine; both are SHA-256 in hex.
	Recipe  string `json:"recipe_sha256"`
	Context string `json:"context_sha256"`
}

// Standing is what a trial is to every analysis: only those that count are
// findings about the system under test.
type Standing int

// The standings, in the order in which they are decided: an injected warm-up
// is a warm-up.
const (
	// Counts: the trial was measured, and enters every figure.
	Counts Standing = iota
	// WarmUp: run and recorded, and never analysed.
	WarmUp
	// InjectedFault: something was broken on purpose. What came of it says how
	// well faults are told apart (stratbench faults), and nothing of the engines.
	InjectedFault
	// NotMeasured: stratbench could not measure it, or the user stopped it.
	NotMeasured
)

// StandingOf decides a trial's standing. Simulated and imported trials count
// as others do: a study of them says that it is one.
func StandingOf(warmUp, injected bool, o trial.Outcome) Standing {
	switch {
	case warmUp:
		return WarmUp
	case injected:
		return InjectedFault
	case o == trial.RunnerFault || o == trial.Cancelled:
		return NotMeasured
	}
	return Counts
}

// Standing is the record's standing as a trial.
func (r *Record) Standing() Standing {
	return StandingOf(r.Trial.WarmUp, r.Fault != nil, r.Verdict.Outcome)
}
