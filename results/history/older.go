package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Schema is the version of decisions, and of the older format of nights.
const Schema = "stratbench.history/v1"

// olderLine is a line of a file in which a night stood before nights were run
// folders: of the run as a whole, of the settings of a cell, of a trial, or of a
// reference. Figures are named by the place of their cell.
type olderLine struct {
	Kind        string              `json:"kind"`
	Schema      string              `json:"schema"`
	Run         string              `json:"run"`
	Environment results.Environment `json:"environment"`
	Cells       []trial.Cell        `json:"cells"`
	Planned     int                 `json:"trials_planned"`
	Cell        int                 `json:"cell"`
	Settings    json.RawMessage     `json:"settings"`
	ID          string              `json:"trial"`
	Attempt     int                 `json:"attempt"`
	Started     time.Time           `json:"started"`
	trial.Trial
	trial.Verdict
	Fault   string                        `json:"fault"`
	Elapsed trial.Seconds                 `json:"elapsed_seconds"`
	Setup   trial.Seconds                 `json:"setup_seconds"`
	Phases  map[trial.Phase]trial.Seconds `json:"phase_seconds"`
	Builds  []struct {
		Image  string        `json:"image"`
		Length trial.Seconds `json:"seconds"`
		ID     string        `json:"id"`
		Size   trial.Bytes   `json:"size_bytes"`
	} `json:"builds"`
	Tests      *struct{ Passed, Failed, Known int } `json:"tests"`
	PeakMemory trial.Bytes                          `json:"peak_memory_bytes"`
	results.Machine
	Described string `json:"machine"` // kind, builder and storage driver
	Load      struct {
		results.Load
		trial.Pressure
		HasPressure bool `json:"pressure_known"`
	} `json:"load_before"`
	Job       string `json:"job"`
	Simulated bool   `json:"simulated"`

	number int // of the line
}

// readLines reads the text of a file of decisions, or of nights in the older format.
func readLines(path string, text []byte) (c content) {
	runs, settings := map[string]int{}, map[string]json.RawMessage{}
	read := func(number int, text []byte) error {
		var head struct{ Kind string }
		if json.Unmarshal(text, &head) == nil && head.Kind == kindBaseline {
			var b Baseline
			err := json.Unmarshal(text, &b)
			if err == nil {
				err = b.check()
			}
			if err != nil {
				return fmt.Errorf("not a decision: %w", err)
			}
			c.baselines = append(c.baselines, b)
			return nil
		}
		l := olderLine{number: number}
		err := json.Unmarshal(text, &l)
		at, known := runs[l.Run]
		cell, hasCell := fmt.Sprintf("%s %d", l.Run, l.Cell), known && l.Cell >= 0 && l.Cell < len(c.runs[at].Plan.Cells)
		switch {
		case err != nil && !bytes.HasSuffix(text, []byte("\n")) && !json.Valid(text):
			return errors.New("the line is cut off: its writer was stopped in mid-line")
		case err != nil:
			return fmt.Errorf("not a line of a history: %w", err)
		case l.Schema != "" && l.Schema != Schema:
			return fmt.Errorf("schema %q is not %q: written by another version, or no history of stratbench", l.Schema, Schema)
		case l.Kind == "run" && !known && l.Run != "" && l.Environment.RunID != "" && !l.Environment.Started.IsZero():
			runs[l.Run] = len(c.runs)
			c.runs = append(c.runs, results.Run{Dir: path, Environment: l.Environment, Plan: results.Plan{Schema: results.Schema, Seed: l.Environment.Seed, Cells: l.Cells,
				Trials: make([]trial.Trial, l.Planned)}}) // how many is all that was kept of them
		case l.Kind == "run" && known:
			return fmt.Errorf("the run %q begins a second time here", l.Run)
		case hasCell && l.Kind == "settings":
			settings[cell] = l.Settings
		case hasCell && !l.Started.IsZero() && (l.Kind == "reference" || l.Kind == "trial" && l.ID != "" && l.Outcome != ""):
			c.runs[at].Records = append(c.runs[at].Records, l.record(path, c.runs[at], settings[cell]))
		default:
			return fmt.Errorf("the line of kind %q is not whole, is of another version, or its run or cell is not in this file", l.Kind)
		}
		return nil
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := read(number, line); err != nil {
			c.damaged = append(c.damaged, results.Damage{File: path, Line: number, Message: err.Error()})
		}
	}
	return c
}

// record is marked as imported: where its spans lie in the trial was not kept.
func (l olderLine) record(path string, run results.Run, settings json.RawMessage) results.Record {
	r := results.Record{Schema: results.Schema, RunID: run.Environment.RunID, Kind: results.Kind(l.Kind), Trial: l.Trial, Attempt: l.Attempt, Started: l.Started,
		Elapsed: l.Elapsed, Simulated: l.Simulated, Line: l.number, Imported: &results.Imported{Source: filepath.Base(path)}}
	r.Trial.ID = l.ID
	if r.Kind == results.KindReference {
		r.Trial.Cell, r.Verdict.Outcome = trial.Cell{}, trial.OK
		r.Settings = json.RawMessage(fmt.Sprintf(`{"sha256":%q}`, l.Job)) // see jobOf
		return r.Slim()
	}
	r.Trial.Cell, r.Settings, r.Verdict = run.Plan.Cells[l.Cell], settings, l.Verdict
	if l.Setup > 0 {
		r.Setup = &l.Setup
	}
	if l.Fault != "" {
		r.Fault = &results.Injected{Name: l.Fault}
	}
	at := trial.Seconds(0)
	for _, p := range trial.Phases() {
		length, ended := l.Phases[p]
		if ended {
			r.Spans = append(r.Spans, trial.Span{Name: string(p), Phase: p, Start: at, End: at + length})
		}
		for _, b := range l.Builds {
			if p == trial.PhaseBuild && b.Length > 0 {
				r.Spans = append(r.Spans, trial.Span{Name: "build " + b.Image, Phase: p, Image: b.Image, Start: at, End: at + b.Length})
			}
		}
		at += length
	}
	for _, b := range l.Builds {
		r.Images = append(r.Images, results.Image{Name: b.Image, ID: b.ID, Size: b.Size})
	}
	if l.Tests != nil {
		r.PassedTests = l.Tests.Passed
		for i := range l.Tests.Failed {
			r.Tests = append(r.Tests, trial.TestResult{Status: trial.TestFail, Known: i < l.Tests.Known})
		}
	}
	if l.PeakMemory > 0 {
		r.Samples = []trial.Sample{{Memory: l.PeakMemory}}
	}
	described := append(strings.SplitN(l.Described, ", ", 3), "", "")
	r.Machine = l.Machine
	r.Machine.Kind, r.Machine.Builder, r.Machine.StorageDriver = described[0], described[1], described[2]
	r.Load, r.Load.Pressure = l.Load.Load, l.Load.Pressure
	r.Load.Pressure.Known = l.Load.HasPressure
	return r.Slim()
}
