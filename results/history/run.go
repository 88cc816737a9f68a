package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Run is what series and causes need of one run, a night of its experiment.
// There may be thousands; the records themselves stay on disk.
type Run struct {
	RunID       string
	Experiment  string
	Environment results.Environment
	Cells       []trial.Cell
	// Settings has the settings of each cell, as JSON; empty for one that has no record.
	Settings []string
	// Trials are in the order in which they were run, with warm-ups; of one
	// that was done again after an interruption, the last attempt.
	Trials     []Trial
	References []Reference
	Simulated  bool

	// key tells runs apart, also those that two hosts began in one second.
	key string
	// paths are where its records stand.
	paths []string
	busy  busyness
	// planned counts the trials that were to be measured.
	planned int
}

// Trial is what series and causes need of a trial.
type Trial struct {
	// Cell is the place of its cell among those of the run.
	Cell, Block int
	Standing    results.Standing
	// Ran is how many tests passed or failed.
	Ran int

	// values are those of metrics; NaN where it has none.
	values  []float64
	builds  []build
	machine unique.Handle[results.Machine]
}

// build is how long an image took to build.
type build struct {
	image   unique.Handle[string]
	seconds float64
}

// Reference is one execution of the fixed job that tells how fast the host is.
type Reference struct {
	// Job names what was done: times of jobs that differ are not compared.
	Job     string
	Seconds float64
}

var metrics = study.Metrics()

// Host is where the run was made. Runs of different hosts never share a series.
func (r *Run) Host() string { return r.Environment.HostID }

// cell is the place of a cell among the planned ones, -1 for none.
func (r *Run) cell(c trial.Cell) int {
	return slices.IndexFunc(r.Cells, func(other trial.Cell) bool { return slices.Equal(other, c) })
}

// Of is the trial's value of a metric, as study.Metric has it: 1 for a failure.
// A failure has no time that it did not reach.
func (t Trial) Of(m study.Metric) (value float64, ok bool) {
	value = t.values[slices.Index(metrics, m)]
	return value, !math.IsNaN(value)
}

// counts reports whether the trial enters series.
func (t Trial) counts() bool { return t.Standing == results.Counts }

// runOf reads what is needed off a run's records, each of which is there once.
// A trial whose cell was not planned is damaged.
func runOf(run results.Run) (*Run, []results.Damage) {
	env := run.Environment
	r := &Run{RunID: env.RunID, Experiment: Experiment(env.RunID, env.States), Environment: env, Cells: run.Plan.Cells,
		Settings: make([]string, len(run.Plan.Cells)), key: identity(env)}
	for _, t := range run.Plan.Trials {
		if !t.WarmUp {
			r.planned++
		}
	}
	var damaged []results.Damage
	trials := run.Trials()
	r.Trials = make([]Trial, 0, len(trials))
	for _, rec := range trials {
		cell := r.cell(rec.Trial.Cell)
		if cell < 0 {
			damaged = append(damaged, damage(run.Dir, rec, "trial %s belongs to no cell of the run's plan; it is not used", rec.Trial.ID))
			continue
		}
		r.Trials = append(r.Trials, trialOf(study.Observe(run, rec), cell))
		r.Simulated = r.Simulated || rec.Simulated
		if r.Settings[cell] == "" {
			r.Settings[cell] = unique.Make(string(rec.Settings)).Value()
		}
	}
	if n := len(trials); n > 0 {
		r.busy = busynessOf(trials[0].Load, trials[n-1].Load, env.CPUs)
	}
	for _, ref := range run.Done(results.KindReference) {
		r.References = append(r.References, Reference{jobOf(ref.Settings), rounded(ref.Elapsed.Duration().Seconds())})
	}
	return r, damaged
}

// jobOf names what a reference did by the hash of its settings, which is all that
// nights of the older format have of them.
func jobOf(settings json.RawMessage) string {
	var older struct {
		Hash string `json:"sha256"`
	}
	if json.Unmarshal(settings, &older) == nil && older.Hash != "" {
		return older.Hash
	}
	return hashOf(6, settings)
}

// rounded drops digits below a trial's clock, as nights of the older format do:
// what is derived from a night is the same in both.
func rounded(seconds float64) float64 {
	return time.Duration(math.Round(seconds * 1e9)).Round(100 * time.Microsecond).Seconds()
}

func trialOf(o study.Observation, cell int) Trial {
	rec := o.Record
	t := Trial{Cell: cell, Block: rec.Trial.Block, Standing: rec.Standing(), Ran: rec.PassedTests, machine: unique.Make(rec.Machine), values: make([]float64, len(metrics))}
	for _, one := range rec.Tests {
		if one.Status != trial.TestSkip {
			t.Ran++
		}
	}
	for _, s := range rec.Spans {
		if s.Phase == trial.PhaseBuild && s.Image != "" && s.Step == "" && s.EndedWell() {
			t.builds = append(t.builds, build{unique.Make(s.Image), rounded(s.Length().Duration().Seconds())})
		}
	}
	for i, m := range metrics {
		v, ok := m.Of(o)
		switch {
		case !ok || math.IsInf(v, 0) || !m.IsRate() && v <= 0:
			v = math.NaN()
		case m.Unit() == study.UnitSeconds:
			v = rounded(v)
		}
		t.values[i] = v
	}
	return t
}

// Experiment is the name of the experiment that a run's id carries behind the time at which it
// began. A run that compares states of an experiment is one of that experiment.
func Experiment(runID string, states []results.State) string {
	parts := strings.SplitN(runID, "-", 3)
	if len(parts) < 3 {
		return runID
	}
	if len(states) > 0 {
		return strings.TrimSuffix(parts[2], "-confirm")
	}
	return parts[2]
}

func identity(env results.Environment) string {
	return hashOf(6, fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%s", env.RunID, env.HostID, env.Started.UTC().Format(time.RFC3339Nano), env.Seed, env.SpecHash))
}

// hashOf is so many bytes of a text's hash, in hex.
func hashOf(bytes int, text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:bytes])
}
