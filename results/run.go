package results

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// The files of a run's folder. ImportFile is there if the records were imported,
// ExpectedFile if stratbench built the images.
const (
	JournalFile     = "trials.jsonl"
	SpecFile        = "spec.yaml"
	WorkloadFile    = "workload.yaml"
	PlanFile        = "plan.json"
	EnvironmentFile = "environment.json"
	ImportFile      = "import.json"
	ExpectedFile    = "expected.json"
	lookFiles       = "look-block-*.json"
)

// LookFile is the name of the file of a look.
func LookFile(block int) string { return fmt.Sprintf("look-block-%03d.json", block) }

// Environment is what must be known to repeat a run. It is written once, when
// the run starts, to environment.json.
type Environment struct {
	Schema       string        `json:"schema"`
	RunID        string        `json:"run_id"`
	Started      time.Time     `json:"started"`
	SpecHash     string        `json:"spec_sha256"`
	WorkloadHash string        `json:"workload_sha256"`
	Seed         uint64        `json:"seed"`
	Stratbench   string        `json:"stratbench_version"`
	GitRevision  string        `json:"git_revision"`
	GitDirty     bool          `json:"git_dirty"`
	KindVersion  string        `json:"kind_version"`
	GoVersion    string        `json:"go_version"`
	OS           string        `json:"os"`
	Kernel       string        `json:"kernel"`
	CPUModel     string        `json:"cpu_model"`
	CPUs         int           `json:"cpus"`
	Memory       trial.Bytes   `json:"memory_bytes"`
	HostID       string        `json:"host_id"`
	Images       []ImageSource `json:"images,omitempty"`
	States       []State       `json:"states,omitempty"`
}

// ImageSource identifies what an image is built from.
type ImageSource struct {
	Image string `json:"image"`
	// Recipe is the hash of the Dockerfile and the build arguments, Context
	// that of all that is sent to the engine; both are SHA-256 in hex.
	Recipe  string `json:"recipe_sha256"`
	Context string `json:"context_sha256"`
}

// StateFactor is the factor of runs that compare whole states of an
// experiment. Its levels are the last good state and the present one.
const (
	StateFactor = "state"
	LastGood    = "last good"
	Present     = "present"
)

// State is one of the states that a run compares, and its origin.
type State struct {
	Level string `json:"level"`
	// RunID is the run whose state was built again; empty for the present.
	RunID        string `json:"run_id,omitempty"`
	GitRevision  string `json:"git_revision"`
	GitDirty     bool   `json:"git_dirty"`
	SpecHash     string `json:"spec_sha256"`
	WorkloadHash string `json:"workload_sha256"`
	// NotUndone is what else has changed since that run, and is now the same in
	// both states: a kernel, a host.
	NotUndone []string `json:"not_undone,omitempty"`
}

// StateFile is the name that a file of a run's folder has for a state.
func StateFile(level, name string) string { return strings.ReplaceAll(level, " ", "-") + "-" + name }

// WithoutState is the cell without its state: what both states share.
func WithoutState(c trial.Cell) trial.Cell {
	return slices.DeleteFunc(slices.Clone(c), func(a trial.Assignment) bool { return a.Factor == StateFactor })
}

// Plan is what a run set out to do: its cells in the spec's order and its
// trials in the randomised order. It is written once, to plan.json.
type Plan struct {
	Schema string        `json:"schema"`
	Seed   uint64        `json:"seed"`
	Cells  []trial.Cell  `json:"cells"`
	Trials []trial.Trial `json:"trials"`
	// Indifference is the share by which strategies may differ and still be as
	// good as each other; 0 if the experiment does not set it.
	Indifference float64 `json:"indifference,omitempty"`
	// Hypotheses are those of the spec, written down before the trials.
	Hypotheses []trial.Hypothesis `json:"hypotheses,omitempty"`
	// Refused are cells that could not be run as asked, and have no trials.
	Refused []Refusal `json:"refused,omitempty"`
}

// Refusal is a cell that was not run, and why.
type Refusal struct {
	Cell   trial.Cell `json:"cell"`
	Reason string     `json:"reason"`
}

// Look is the decision before a block of a run that stops by what its trials
// show: to end the run, or not to run some cells again. Each that decided
// something has a file in the run's folder.
type Look struct {
	// Block is the block that would have come next.
	Block   int          `json:"block"`
	Stopped bool         `json:"stopped"`
	Reason  string       `json:"reason"`
	Retired []trial.Cell `json:"retired"`
}

// Expected is how an engine's build of an image is expected to go, from earlier runs.
type Expected struct {
	Runtime trial.Runtime `json:"runtime"`
	Image   string        `json:"image"`
	NoCache bool          `json:"no_cache"`
	// Peak is the most memory that the build holds, and Takes how long it takes.
	Peak  trial.Bytes   `json:"peak_bytes"`
	Takes trial.Seconds `json:"seconds"`
	// CPU is how much processor time it takes; older runs have none.
	CPU trial.Seconds `json:"cpu_seconds,omitempty"`
	// Builds is the number of builds behind these figures.
	Builds int `json:"builds"`
}

// Predicted is what the builds of a trial were expected to take, all together.
type Predicted struct {
	Build trial.Seconds `json:"build_seconds"`
	// Peak is the most memory that the builds hold at a time.
	Peak trial.Bytes `json:"peak_bytes"`
}

// Import describes an import as a whole.
type Import struct {
	Schema string `json:"schema"`
	Source string `json:"source"`
	SHA256 string `json:"source_sha256"`
	// Contradictions are figures of the source that cannot all be true, and
	// figures given as measured that others show to be computed.
	Contradictions []string `json:"contradictions"`
	// Notes are what the source states besides the trials.
	Notes []string `json:"notes"`
	// Warnings name lines that can be true and seldom are.
	Warnings []string `json:"warnings,omitempty"`
	// MixedUnits is where set-up times seem to be in several units; empty for nowhere.
	MixedUnits MixedUnits `json:"mixed_units,omitempty"`
}

// MixedUnits is where the times of a source seem to be in several units.
type MixedUnits string

// The places. Within one cell no time can be compared with any other; between cells,
// one strategy may also be as much faster as it seems.
const (
	MixedWithin  MixedUnits = "within a combination"
	MixedBetween MixedUnits = "between combinations"
)

// FarApart is the ratio of a time to the next shorter one from which units seem to be mixed:
// minutes beside seconds are 60 times apart, less what the times themselves differ.
const FarApart = 15

// Run is a run's folder as read.
type Run struct {
	Dir         string
	Environment Environment
	Plan        Plan
	Records     []Record
	Damaged     []Damage
	Looks       []Look
	// Import is nil unless the run's records were imported.
	Import   *Import
	Expected []Expected
}

// ID returns the run's name: that of its folder.
func (r Run) ID() string { return filepath.Base(r.Dir) }

// ReadRun reads the run in the folder dir. Files of a published run must match their checksums.
func ReadRun(dir string) (run Run, err error) {
	run.Dir = dir
	if err := verify(dir); err != nil {
		return run, err
	}
	for _, file := range []struct {
		name  string
		value any
		must  bool
	}{{EnvironmentFile, &run.Environment, true}, {PlanFile, &run.Plan, true}, {ImportFile, &run.Import, false}, {ExpectedFile, &run.Expected, false}} {
		if err := readJSON(dir, file.name, file.value); err != nil && (file.must || !errors.Is(err, fs.ErrNotExist)) {
			return run, err
		}
	}
	looks, _ := fs.Glob(os.DirFS(dir), lookFiles) // it fails for a malformed pattern only
	for _, name := range looks {
		var l Look
		if err := readJSON(dir, name, &l); err != nil {
			return run, err
		}
		run.Looks = append(run.Looks, l)
	}
	run.Records, run.Damaged, err = readRecords(dir)
	return run, err
}

// ReadEnvironment reads the environment of the run in the folder dir.
func ReadEnvironment(dir string) (env Environment, err error) {
	return env, readJSON(dir, EnvironmentFile, &env)
}

func readJSON(dir, name string, value any) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("reading the run in %s: %w; name a folder that stratbench run made", dir, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("reading %s of %s: %w", name, dir, err)
	}
	return nil
}

// Find returns the last record of the trial or preparation with the given ID.
func (r Run) Find(id string) (Record, bool) {
	for _, rec := range slices.Backward(r.Records) {
		if rec.Trial.ID == id {
			return rec, true
		}
	}
	return Record{}, false
}

// Trials returns the run's trials without preparations, in order of position and
// each once: of a trial that was done again after an interruption, the last attempt
// counts. They are the run's own records, for reading only.
func (r Run) Trials() []*Record {
	trials := make([]*Record, 0, len(r.Records))
	seen := make(map[string]bool, len(r.Records))
	for i := len(r.Records) - 1; i >= 0; i-- {
		if rec := &r.Records[i]; rec.Kind == KindTrial && !seen[rec.Trial.ID] {
			seen[rec.Trial.ID] = true
			trials = append(trials, rec)
		}
	}
	slices.Reverse(trials)
	slices.SortStableFunc(trials, func(a, b *Record) int { return a.Trial.Position - b.Trial.Position })
	return trials
}

// Done returns the records of a kind that ended well, in order: usually one reference for
// each block. A resumed run makes those of the block that it went on with again, and what
// is made before the trials. Times of references can be compared if their settings are the same.
func (r Run) Done(kind Kind) (done []*Record) {
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Kind == kind && rec.Verdict.Outcome == trial.OK && rec.Elapsed > 0 {
			done = append(done, rec)
		}
	}
	return done
}

// Runs lists the folders of runs below root, oldest first; one that has lost a
// file is among them, so that it is missed by name.
func Runs(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the runs in %s: %w", root, err)
	}
	var dirs []string
	for _, e := range entries { // in the order of their names
		dir, unfinished := filepath.Join(root, e.Name()), strings.HasPrefix(e.Name(), ".")
		if !unfinished && (exists(filepath.Join(dir, EnvironmentFile)) || exists(filepath.Join(dir, JournalFile))) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Find returns the folder of the run that name means: a path to a folder, a run's name below
// root, the beginning of one, or "" or "latest" for the newest.
func Find(root, name string) (string, error) {
	if name != "" && exists(filepath.Join(name, EnvironmentFile)) {
		return name, nil
	}
	dirs, err := Runs(root)
	if err != nil {
		return "", err
	}
	var found []string
	for _, dir := range dirs {
		switch base := filepath.Base(dir); {
		case base == name:
			return dir, nil
		case strings.HasPrefix(base, name):
			found = append(found, dir)
		}
	}
	newest, isPath := name == "" || name == "latest", strings.ContainsRune(name, filepath.Separator)
	info, err := os.Stat(name)
	switch {
	case newest && len(dirs) > 0:
		return dirs[len(dirs)-1], nil
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("%q means %d runs in %s, such as %s and %s; write more of the name",
			name, len(found), root, filepath.Base(found[0]), filepath.Base(found[1]))
	case newest, len(dirs) == 0 && err != nil && !isPath:
		return "", fmt.Errorf("no run is recorded in %s; make one with: stratbench run experiments/quick.yaml", root)
	case err != nil && isPath:
		return "", fmt.Errorf("looking for a run's folder: %w; stratbench ls lists the runs", err)
	case err != nil:
		return "", fmt.Errorf("no run named %q is in %s; stratbench ls lists them", name, root)
	case !info.IsDir():
		return "", fmt.Errorf("%s is neither a run's folder nor a .csv, .yaml or .yml file of observations", name)
	}
	return "", fmt.Errorf("%s is no folder of a run: it has no %s; stratbench ls lists the runs", name, EnvironmentFile)
}

// HostEnvironment describes this host and this program. dir is the spec's folder, whose git
// revision is recorded. What cannot be read is left empty.
func HostEnvironment(ctx context.Context, dir string) Environment {
	env := Environment{
		Schema:     Schema,
		Stratbench: Version(),
		GoVersion:  runtime.Version(),
		OS:         runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:     host.Kernel(),
		CPUModel:   host.CPUModel(),
		CPUs:       runtime.NumCPU(),
		Memory:     host.Memory(),
		HostID:     host.ID(),
	}
	env.GitRevision, env.GitDirty = host.Revision(ctx, dir)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "sigs.k8s.io/kind" {
				env.KindVersion = m.Version
			}
		}
	}
	return env
}

// Version is that of this program: of a release, or made by Go of the revision it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

// HostLoad is how busy the host is now. dir is the folder whose file system's
// free space counts. What cannot be read is left 0.
func HostLoad(dir string) Load {
	now, _ := host.Look()
	free, _, _ := host.Room(dir)
	return Load{
		Load1: now.Load1, MemoryAvailable: now.MemoryAvailable, DiskFree: free,
		Pressure: now.Pressure, CPU: now.CPU, Steal: now.Steal,
	}
}
