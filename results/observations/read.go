// Package observations reads what was observed before stratbench, or without
// it, into records that are marked as imported. What was not measured is
// marked as an estimate; what cannot be true is refused, and what contradicts
// itself is imported with the contradiction pointed out.
package observations

import (
	"cmp"
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
	if len(f.records) == 0 {
		return results.Run{}, fmt.Errorf("%s has no observation", name)
	}
	return f.run(text), nil
}

// file is a file of observations while it is read.
type file struct {
	name string
	// records have no position yet, and an ID where the file gives one.
	records []results.Record
	faults  []error
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
		Records:     f.records,
	}
	replicate, planned := map[string]int{}, map[string]bool{}
	for i := range run.Records {
		r := &run.Records[i]
		r.Trial.Position, r.Trial.ID = i+1, cmp.Or(r.Trial.ID, fmt.Sprintf("o%03d", i+1))
		if r.Kind == results.KindTrial && !r.Imported.Estimate && !planned[r.Trial.ID] {
			key := r.Trial.Cell.Key()
			if replicate[key]++; replicate[key] == 1 {
				run.Plan.Cells = append(run.Plan.Cells, r.Trial.Cell)
			}
			r.Trial.Replicate = replicate[key]
			planned[r.Trial.ID] = true
			run.Plan.Trials = append(run.Plan.Trials, r.Trial)
		}
	}
	return run
}

// record is a row of a file as far as all kinds of file have the same: value has
// what stands under each name.
func (f *file) record(line int, cell trial.Cell, value map[string]string) results.Record {
	r := results.Record{Schema: results.Schema, Kind: results.KindTrial, Attempt: 1, Settings: json.RawMessage("{}"),
		Trial:   trial.Trial{ID: value["trial"], Cell: cell, Block: 1},
		Verdict: trial.Verdict{Confidence: 1, Error: value["message"], TimedOut: f.flag(line, "timed_out", value["timed_out"])},
		Spans:   []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
		Simulated: f.flag(line, "simulated", value["simulated"]),
		Imported: &results.Imported{Source: f.name, Line: line, Estimate: f.flag(line, "estimate", value["estimate"]),
			PeakMemory: f.bytes(line, value["peak_memory_bytes"])},
	}
	f.named(line, &r.Verdict, value["outcome"], value["phase"])
	if text := value["went_on_after"]; text != "" {
		r.Crash = &trial.Verdict{Confidence: 1}
		if err := r.Crash.Outcome.UnmarshalText([]byte(text)); err != nil {
			f.fault(line, "went_on_after: %v", err)
		}
	}
	if b := f.whole(line, "block", value["block"]); b != nil {
		r.Trial.Block = *b
	}
	passed, failed := f.whole(line, "tests_passed", value["tests_passed"]), f.whole(line, "tests_failed", value["tests_failed"])
	total := f.whole(line, "tests_total", value["tests_total"])
	switch {
	case passed == nil:
	case total != nil:
		if *passed > *total {
			f.fault(line, "tests_passed is more than tests_total")
		}
		r.Imported.TestsPassed, r.Imported.TestsTotal = passed, total
	case failed != nil:
		all := *passed + *failed
		r.Imported.TestsPassed, r.Imported.TestsTotal = passed, &all
	}
	return r
}

// times are what a row says of time, in seconds. elapsed is the whole attempt.
type times struct{ setup, lost, recovery, elapsed *float64 }

func (f *file) times(line int, value map[string]string) times {
	of := func(name string) *float64 { return f.time(line, name, value[name]) }
	return times{of("setup_seconds"), of("lost_seconds"), of("recovery_seconds"), of("elapsed_seconds")}
}

// addTimes gives a record its times. What a failure cost beside what was lost
// until it was noticed is recovery.
func (f *file) addTimes(r *results.Record, t times) {
	f.agree(*r, t)
	if t.setup != nil {
		setup := seconds(*t.setup)
		r.Setup, r.Elapsed = &setup, setup
	}
	if t.elapsed != nil {
		r.Elapsed = seconds(*t.elapsed)
	}
	if t.lost == nil {
		return
	}
	lost := seconds(*t.lost)
	switch {
	case t.recovery != nil:
		r.Elapsed = lost + seconds(*t.recovery)
	case t.elapsed == nil:
		r.Elapsed = lost
	}
	if r.Elapsed > lost {
		r.Spans = append(r.Spans, trial.Span{Name: "recovery", Start: lost, End: r.Elapsed})
	}
}

func seconds(s float64) trial.Seconds { return trial.Seconds(math.Round(s * 1e9)) }
