package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
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

// readFile reads a file of decisions, or of nights in the older format.
func readFile(path string) (content, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return content{}, fmt.Errorf("reading the history: %w", err)
	}
	return readLines(path, text), nil
}

func readLines(path string, text []byte) (c content) {
	wrong := func(number int, format string, args ...any) {
		c.faults = append(c.faults, results.Fault{File: path, Line: number, Message: fmt.Sprintf(format, args...)})
	}
	runs, settings := map[string]int{}, map[string]json.RawMessage{}
	var lines []olderLine // but those that begin a run
	number := 0
	for text := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var head struct{ Kind string }
		if json.Unmarshal(text, &head) == nil && head.Kind == kindBaseline {
			var b Baseline
			err := json.Unmarshal(text, &b)
			if err == nil {
				err = b.check()
			}
			if err != nil {
				wrong(number, "not a decision: %v", err)
				continue
			}
			b.at = results.Fault{File: path, Line: number}
			c.baselines = append(c.baselines, b)
			continue
		}
		l, err := parse(text)
		l.number = number
		_, known := runs[l.Run]
		switch {
		case err != nil:
			wrong(number, "%v", err)
		case l.Kind != "run":
			if l.Kind == "settings" {
				settings[l.cell()] = l.Settings
			}
			lines = append(lines, l)
		case known:
			wrong(number, "the run %q begins a second time here", l.Run)
		default:
			runs[l.Run] = len(c.runs)
			run := results.Run{Dir: path, Environment: l.Environment, Plan: results.Plan{Schema: results.Schema, Seed: l.Environment.Seed, Cells: l.Cells}}
			run.Plan.Trials = make([]trial.Trial, l.Planned) // how many is all that was kept of them
			c.runs = append(c.runs, run)
		}
	}
	for _, l := range lines {
		at, known := runs[l.Run]
		switch {
		case !known:
			wrong(l.number, "the run %q of this line does not begin in this file", l.Run)
		case l.Cell < 0 || l.Cell >= len(c.runs[at].Plan.Cells):
			wrong(l.number, "run %s has no cell %d", c.runs[at].Environment.RunID, l.Cell)
		case l.Kind != "settings":
			c.runs[at].Records = append(c.runs[at].Records, l.record(path, c.runs[at], settings[l.cell()]))
		}
	}
	return c
}

func parse(text []byte) (l olderLine, err error) {
	err = json.Unmarshal(text, &l)
	switch {
	case err != nil && !bytes.HasSuffix(text, []byte("\n")) && !json.Valid(text):
		return l, errors.New("the line is cut off: its writer was stopped in mid-line")
	case err != nil:
		return l, fmt.Errorf("not a line of a history: %w", err)
	case l.Schema != "" && l.Schema != Schema:
		return l, fmt.Errorf("schema %q is not %q: written by another version, or no history of stratbench", l.Schema, Schema)
	}
	switch l.Kind {
	case "settings":
	case "run":
		if l.Run == "" || l.Environment.RunID == "" || l.Environment.Started.IsZero() {
			return l, errors.New("the line has no run, or no time at which it began")
		}
	case "trial", "reference":
		if l.Started.IsZero() || l.Kind == "trial" && (l.ID == "" || l.Outcome == "") {
			return l, errors.New("the line has no trial, no outcome, or no time at which it began")
		}
	default:
		return l, fmt.Errorf("kind %q is unknown: written by another version, or no history of stratbench", l.Kind)
	}
	return l, nil
}

func (l olderLine) cell() string { return fmt.Sprintf("%s %d", l.Run, l.Cell) }

// record is a trial or a reference. Its source says that it was converted: where
// its spans lie in the trial was not kept.
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
