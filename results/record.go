// Package results is the record of a run: its format and what one record tells, the
// append-only journal it is written to, its reader, and the run's plan and environment. A
// record can be read without the tool that made it.
package results

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Schema is the version of the record format.
const Schema = "stratbench.record/v1"

// Record is one line of trials.jsonl: a trial, a preparation, or the reference workload once.
type Record struct {
	Schema string      `json:"schema"`
	RunID  string      `json:"run_id"`
	Kind   Kind        `json:"kind"`
	Trial  trial.Trial `json:"trial"`
	// Settings are all settings that the cell ran with; those of the reference
	// workload describe what it did.
	Settings json.RawMessage `json:"settings"`
	// Started is by the wall clock; all other times are offsets from it on a monotonic clock.
	Started time.Time     `json:"started"`
	Elapsed trial.Seconds `json:"elapsed_seconds"`
	// ClockSet is how far the wall clock was set forward, or back when
	// negative, while the trial ran. No length of time depends on it.
	ClockSet *trial.Seconds `json:"clock_set_seconds,omitempty"`
	// Setup is the time from the start of the pipeline until the services were
	// ready, all phases but test; nil when they never became ready.
	Setup   *trial.Seconds `json:"setup_seconds"`
	Verdict trial.Verdict  `json:"verdict"`
	// Crash is the verdict on the engine's crash or hang after which the trial
	// went on, as the setting onCrash asks. Verdict is then how it ended, and
	// Setup includes all of it.
	Crash *trial.Verdict `json:"crash,omitempty"`
	// Attempt counts from 1; a resumed run does an unfinished trial again.
	Attempt  int                `json:"attempt"`
	Previous *Previous          `json:"previous,omitempty"`
	Spans    []trial.Span       `json:"spans"`
	Samples  []trial.Sample     `json:"samples"`
	Tests    []trial.TestResult `json:"tests"`
	// PassedTests counts the passed tests that a slim record leaves out of Tests.
	PassedTests int     `json:"passed_tests,omitempty"`
	Images      []Image `json:"images"`
	Machine     Machine `json:"machine"`
	Load        Load    `json:"load_before"`
	// Observed is what was seen of each thing that can fail, beyond what the
	// verdict rests on: the evidence table of stratbench triage.
	Observed []trial.Evidence `json:"observed,omitempty"`
	// Silences are the long stretches in which the worker printed nothing. It is
	// nil in older records and in those that no run made.
	Silences []trial.Silence `json:"silences"`
	// Predicted is what earlier runs led one to expect of its builds; nil where nothing did.
	Predicted *Predicted `json:"predicted,omitempty"`
	Fault     *Injected  `json:"fault,omitempty"`
	// Log is the trial's log, relative to the run's folder.
	Log string `json:"log"`
	// Simulated marks data that no engine produced.
	Simulated bool `json:"simulated,omitempty"`
	// Imported is set for what was not measured by stratbench, or read from another format.
	Imported *Imported `json:"imported,omitempty"`

	// Line is the record's line in its journal; 0 if it was not read from one.
	Line int `json:"-"`
}

// Kind says what a record describes.
type Kind string

// The kinds of record.
const (
	KindTrial Kind = "trial"
	// KindPreparation is what was built and pushed before the trials. KindCluster is a
	// cluster that was made before them, KindBuildCache a build cache that was filled.
	KindPreparation Kind = "preparation"
	KindCluster     Kind = "cluster"
	KindBuildCache  Kind = "build-cache"
	// KindReference is a small fixed job at the start of a block, whose time shows how fast the
	// host was. It has a span for each of its parts, and no cell.
	KindReference Kind = "reference"
)

// Prepares reports whether a record describes what was made before the trials.
func (k Kind) Prepares() bool {
	return k == KindPreparation || k == KindCluster || k == KindBuildCache
}

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
	// Rootless is true for an engine without root's rights. Older records do not say.
	Rootless bool `json:"rootless,omitempty"`
	// MemoryLimit is what the machine was limited to; 0 is no limit. Memory is
	// what its engine reports. In older records of machines without a limit,
	// MemoryLimit holds what Memory should.
	MemoryLimit trial.Bytes `json:"memory_limit_bytes"`
	Memory      trial.Bytes `json:"memory_bytes,omitempty"`
	CPUs        int         `json:"cpus"`
	NodeImage   string      `json:"node_image"`
	// NodeProvider is the engine that really hosts the node, as verified.
	NodeProvider string `json:"node_provider"`
	// ClusterAge is how long before the trial a cluster that was started again was created.
	ClusterAge *trial.Seconds `json:"cluster_age_seconds,omitempty"`
	// Boot is the boot id of a virtual machine before the trial, BootAfter another one after it.
	Boot      string `json:"boot_id,omitempty"`
	BootAfter string `json:"boot_id_after,omitempty"`
}

// Room is the memory that programs on the machine can use: its limit, or else all that there is.
func (m Machine) Room() trial.Bytes { return cmp.Or(m.MemoryLimit, m.Memory) }

// Injected is a fault that was injected into a trial: its outcome is no
// finding about the system under test.
type Injected struct {
	Name string `json:"name"`
	Do   string `json:"do"`
	// Truth are the outcomes that are right, and Phase where; empty is anywhere.
	Truth []trial.Outcome `json:"truth"`
	Phase trial.Phase     `json:"truth_phase,omitempty"`
	// At is when it was injected, and nil when its moment never came.
	At    *trial.Seconds `json:"at_seconds"`
	What  string         `json:"what,omitempty"`
	Error string         `json:"error,omitempty"`
}

// Load is how busy the host was just before the trial.
type Load struct {
	Load1           float64        `json:"load1"`
	MemoryAvailable trial.Bytes    `json:"memory_available_bytes"`
	DiskFree        trial.Bytes    `json:"disk_free_bytes"`
	Pressure        trial.Pressure `json:"pressure"`
	// CPU is the time of all processors since the host started, and Steal the
	// part of it that another guest of the same hardware had; 0 if not known.
	CPU   trial.Seconds `json:"cpu_seconds,omitzero"`
	Steal trial.Seconds `json:"steal_seconds,omitzero"`
}

// Imported marks a record that was read from a file of observations.
type Imported struct {
	// Source is the file's name, and Line the observation's line in it.
	Source string `json:"source"`
	Line   int    `json:"line"`
	// Estimate marks what nobody measured. Estimates are shown as such and
	// never analysed.
	Estimate bool `json:"estimate,omitempty"`
	// Stated are the ranges that the source gives instead of measured times.
	Stated []StatedRange `json:"stated,omitempty"`
	// TestsPassed and TestsTotal are set if the source counts tests.
	TestsPassed *int `json:"tests_passed,omitempty"`
	TestsTotal  *int `json:"tests_total,omitempty"`
	// PeakMemory is the most memory held, if the source has it.
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

// Standing is what a trial is to every analysis: only those that count are
// findings about the system under test.
type Standing int

// The standings, in the order in which they are decided: an injected warm-up is a warm-up.
const (
	// Counts: the trial was measured, and enters every figure.
	Counts Standing = iota
	// WarmUp: run and recorded, and never analysed.
	WarmUp
	// InjectedFault: something was broken on purpose. Its outcome shows how well
	// faults are told apart (stratbench faults), and nothing about the engines.
	InjectedFault
	// NotMeasured: stratbench could not measure it, or the user stopped it.
	NotMeasured
)

// Standing is the record's standing as a trial. Simulated and imported trials
// count as others do; a study of them is marked as one.
func (r *Record) Standing() Standing {
	switch o := r.Verdict.Outcome; {
	case r.Trial.WarmUp:
		return WarmUp
	case r.Fault != nil:
		return InjectedFault
	case o == trial.RunnerFault || o == trial.Cancelled:
		return NotMeasured
	}
	return Counts
}

// Processors is how many the trial's machine may use: its engine's, or fewer by its settings.
func (r *Record) Processors() float64 {
	var s struct {
		Machine struct {
			CPUs float64 `json:"cpus"`
		} `json:"machine"`
	}
	all := float64(r.Machine.CPUs)
	switch {
	case json.Unmarshal(r.Settings, &s) != nil || s.Machine.CPUs <= 0:
		return all
	case all > 0:
		return min(all, s.Machine.CPUs)
	}
	return s.Machine.CPUs
}

// Slim is the record as a history keeps it. Left out are the log, what was observed on the
// way, the steps of builds, passed tests except for their number, and all samples but the
// one with the most memory. Slimming a slim record changes nothing.
func (r Record) Slim() Record {
	r.Schema, r.Log, r.Observed, r.Silences, r.Previous = Schema, "", nil, nil, nil
	r.Started = r.Started.UTC().Round(0)
	r.Spans = slices.DeleteFunc(append([]trial.Span{}, r.Spans...), func(s trial.Span) bool { return s.Step != "" })
	failed := []trial.TestResult{}
	for _, t := range r.Tests {
		if t.Status == trial.TestPass {
			r.PassedTests++
			continue
		}
		t.Output = ""
		failed = append(failed, t)
	}
	r.Tests = failed
	if len(r.Samples) > 0 {
		r.Samples = []trial.Sample{slices.MaxFunc(r.Samples, func(a, b trial.Sample) int { return cmp.Compare(a.Peak(), b.Peak()) })}
	}
	return r
}
