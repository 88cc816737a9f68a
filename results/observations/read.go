// Package observations reads what was observed before stratbench, or without
// it, into records that are marked as imported. What was not measured is
// marked as an estimate; what cannot be true is refused, and what contradicts
// itself is imported with the contradiction pointed out.
package observations

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Readable is true for the name of a file that Read can read.
func Readable(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".yaml", ".yml":
		return true
	}
	return false
}

// Read reads a file of observations as a run. Every fault of the file is
// reported, with its line.
func Read(name string) (results.Run, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return results.Run{}, fmt.Errorf("reading observations: %w", err)
	}
	return Parse(filepath.Base(name), text)
}

// Parse reads the text of a file of observations; its format is by the name.
func Parse(name string, text []byte) (results.Run, error) {
	f := file{name: name}
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		f.readCSV(text)
	} else {
		f.readYAML(text)
	}
	if len(f.faults) > 0 {
		return results.Run{}, errors.Join(f.faults...)
	}
	if len(f.observations) == 0 {
		return results.Run{}, fmt.Errorf("%s has no observation", name)
	}
	return f.run(text), nil
}

// file is a file of observations while it is read.
type file struct {
	name         string
	observations []observation
	faults       []error
	// contradictions, notes and warnings go to results.Import.
	contradictions, notes, warnings []string
	platform                        string
}

func (f *file) fault(line int, format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
}

func (f *file) run(text []byte) results.Run {
	sum := sha256.Sum256(text)
	run := results.Run{
		Dir: strings.TrimSuffix(f.name, filepath.Ext(f.name)),
		Import: &results.Import{Schema: results.Schema, Source: f.name, SHA256: hex.EncodeToString(sum[:]),
			Contradictions: append([]string{}, f.contradictions...), Notes: append([]string{}, f.notes...), Warnings: f.warnings},
		Environment: results.Environment{Schema: results.Schema, OS: f.platform},
		Plan:        results.Plan{Schema: results.Schema},
	}
	run.Records = make([]results.Record, 0, len(f.observations))
	replicate, planned := map[string]int{}, map[string]bool{}
	for i, o := range f.observations {
		r := o.record(f.name, i+1)
		if r.Kind == results.KindTrial && !o.estimate && !planned[r.Trial.ID] {
			key := r.Trial.Cell.Key()
			if replicate[key]++; replicate[key] == 1 {
				run.Plan.Cells = append(run.Plan.Cells, r.Trial.Cell)
			}
			r.Trial.Replicate = replicate[key]
			planned[r.Trial.ID] = true
			run.Plan.Trials = append(run.Plan.Trials, r.Trial)
		}
		run.Records = append(run.Records, r)
	}
	return run
}

// observation is one row of a file.
type observation struct {
	line int
	// id is the row's own name, and empty where it has none. attempt counts the
	// rows of that name before it.
	id               string
	attempt          int
	kind             results.Kind
	warmUp, injected bool
	cell             trial.Cell
	block            int
	outcome          trial.Outcome
	phase            trial.Phase
	timedOut         bool
	message          string
	// elapsed is the whole attempt.
	setup, lost, recovery, elapsed *float64
	testsPassed, testsFailed       *int
	peak                           *trial.Bytes
	estimate, simulated            bool
	stated                         []results.StatedRange
	stability                      string
	confidence                     *float64
	settings                       map[string]any
	evidence                       []trial.Evidence
}

func (o observation) record(source string, position int) results.Record {
	settings := json.RawMessage("{}")
	if len(o.settings) > 0 {
		settings, _ = json.Marshal(o.settings)
	}
	r := results.Record{
		Schema: results.Schema, Kind: o.kind, Attempt: o.attempt + 1, Settings: settings, Simulated: o.simulated,
		Trial:   trial.Trial{ID: o.id, Cell: o.cell, Block: o.block, Position: position, WarmUp: o.warmUp},
		Verdict: trial.Verdict{Outcome: o.outcome, Phase: o.phase, TimedOut: o.timedOut, Confidence: 1, Error: o.message, Evidence: o.evidence},
		Spans:   []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
		Imported: &results.Imported{Source: source, Line: o.line, Estimate: o.estimate, Stated: o.stated,
			Stability: o.stability, Confidence: o.confidence, PeakMemory: o.peak},
	}
	if r.Trial.ID == "" {
		r.Trial.ID = fmt.Sprintf("o%03d", position)
	}
	if o.injected {
		r.Fault = &results.Injected{Name: "not recorded", Truth: []trial.Outcome{}}
	}
	o.addTimes(&r)
	if o.testsPassed != nil && o.testsFailed != nil {
		total := *o.testsPassed + *o.testsFailed
		r.Imported.TestsPassed, r.Imported.TestsTotal = o.testsPassed, &total
	}
	return r
}

// addTimes gives a record its times. What a failure cost beside what was lost
// until it was noticed is recovery.
func (o observation) addTimes(r *results.Record) {
	if o.setup != nil {
		setup := seconds(*o.setup)
		r.Setup, r.Elapsed = &setup, setup
	}
	if o.elapsed != nil {
		r.Elapsed = seconds(*o.elapsed)
	}
	if o.lost == nil {
		return
	}
	lost := seconds(*o.lost)
	switch {
	case o.recovery != nil:
		r.Elapsed = lost + seconds(*o.recovery)
	case o.elapsed == nil:
		r.Elapsed = lost
	}
	if r.Elapsed > lost {
		r.Spans = append(r.Spans, trial.Span{Name: "recovery", Start: lost, End: r.Elapsed})
	}
}

func seconds(s float64) trial.Seconds { return trial.Seconds(math.Round(s * 1e9)) }
