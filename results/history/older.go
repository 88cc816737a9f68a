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
	Kind        string                        `json:"kind"`
	Schema      string                        `json:"schema"`
	Run         string                        `json:"run"`
	Environment results.Environment           `json:"environment"`
	Cells       []trial.Cell                  `json:"cells"`
	Planned     int                           `json:"trials_planned"`
	Cell        int                           `json:"cell"`
	Settings    json.RawMessage               `json:"settings"`
	ID          string                        `json:"trial"`
	Attempt     int                           `json:"attempt"`
	Started     time.Time                     `json:"started"`
	Block       int                           `json:"block"`
	Position    int                           `json:"position"`
	WarmUp      bool                          `json:"warm_up"`
	Outcome     trial.Outcome                 `json:"outcome"`
	Phase       trial.Phase                   `json:"phase"`
	TimedOut    bool                          `json:"timed_out"`
	Fault       string                        `json:"fault"`
	Elapsed     trial.Seconds                 `json:"elapsed_seconds"`
	Setup       trial.Seconds                 `json:"setup_seconds"`
	Phases      map[trial.Phase]trial.Seconds `json:"phase_seconds"`
	Builds      []struct {
		Image  string        `json:"image"`
		Length trial.Seconds `json:"seconds"`
		ID     string        `json:"id"`
		Size   trial.Bytes   `json:"size_bytes"`
	} `json:"builds"`
	Tests      *struct{ Passed, Failed, Known int } `json:"tests"`
	PeakMemory trial.Bytes                          `json:"peak_memory_bytes"`
	Runtime    string                               `json:"runtime"`
	Engine     string                               `json:"engine_version"`
	NodeImage  string                               `json:"node_image"`
	Machine    string                               `json:"machine"`
	Memory     trial.Bytes                          `json:"memory_limit_bytes"`
	CPUs       int                                  `json:"cpus"`
	Load       struct {
		Load1       float64       `json:"load1"`
		CPUSome     float64       `json:"cpu_some_percent"`
		MemorySome  float64       `json:"memory_some_percent"`
		IOSome      float64       `json:"io_some_percent"`
		HasPressure bool          `json:"pressure_known"`
		CPU         trial.Seconds `json:"cpu_seconds"`
		Steal       trial.Seconds `json:"steal_seconds"`
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
	var lines []olderLine
	number := 0
	for text := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		line, err := parse(text)
		switch {
		case err != nil:
			wrong(number, "%v", err)
		case line.Kind == kindBaseline:
			var b Baseline
			if err = json.Unmarshal(text, &b); err == nil {
				err = b.check()
			}
			if err != nil {
				wrong(number, "not a decision: %v", err)
				continue
			}
			b.at = results.Fault{File: path, Line: number}
			c.baselines = append(c.baselines, b)
		default:
			line.number = number
			lines = append(lines, line)
		}
	}
	runs, settings := map[string]int{}, map[string]json.RawMessage{}
	for _, l := range lines {
		switch l.Kind {
		case "run":
			if _, known := runs[l.Run]; known {
				wrong(l.number, "the run %q begins a second time here", l.Run)
				continue
			}
			runs[l.Run] = len(c.runs)
			c.runs = append(c.runs, l.run(path))
		case "settings":
			settings[l.cell()] = l.Settings
		}
	}
	for _, l := range lines {
		if l.Kind == "run" {
			continue
		}
		at, known := runs[l.Run]
		switch {
		case !known:
			wrong(l.number, "the run %q of this line does not begin in this file", l.Run)
		case l.Cell < 0 || l.Cell >= len(c.runs[at].Plan.Cells):
			wrong(l.number, "run %s has no cell %d", c.runs[at].Environment.RunID, l.Cell)
		case l.Kind == "trial":
			c.runs[at].Records = append(c.runs[at].Records, l.trial(path, c.runs[at], settings[l.cell()]))
		case l.Kind == "reference":
			c.runs[at].Records = append(c.runs[at].Records, l.reference(path, c.runs[at]))
		}
	}
	return c
}

func parse(text []byte) (l olderLine, err error) {
	var decision struct{ Kind string }
	if json.Unmarshal(text, &decision) == nil && decision.Kind == kindBaseline {
		return olderLine{Kind: kindBaseline}, nil
	}
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
			return l, errors.New("the line does not say which run it is of, or when that began")
		}
	case "trial", "reference":
		if l.Started.IsZero() || l.Kind == "trial" && (l.ID == "" || l.Outcome == "") {
			return l, errors.New("the line has no trial, no outcome, or no time at which it began")
		}
	default:
		return l, fmt.Errorf("kind %q is none of this version's: written by another version, or no history of stratbench", l.Kind)
	}
	return l, nil
}

func (l olderLine) cell() string { return fmt.Sprintf("%s %d", l.Run, l.Cell) }

func (l olderLine) run(path string) results.Run {
	run := results.Run{Dir: path, Environment: l.Environment, Plan: results.Plan{Schema: results.Schema, Seed: l.Environment.Seed, Cells: l.Cells}}
	run.Plan.Trials = make([]trial.Trial, l.Planned) // how many is all that was kept of them
	return run
}

// record has what lines of trials and of references share. Its source says that
// it was converted: where its spans lie in the trial was not kept.
func (l olderLine) record(path string, run results.Run) results.Record {
	return results.Record{Schema: results.Schema, RunID: run.Environment.RunID, Kind: results.Kind(l.Kind), Attempt: l.Attempt, Started: l.Started,
		Trial:   trial.Trial{ID: l.ID, Cell: trial.Cell{}, Block: l.Block, Position: l.Position, WarmUp: l.WarmUp},
		Elapsed: l.Elapsed, Verdict: trial.Verdict{Outcome: trial.OK}, Simulated: l.Simulated, Line: l.number,
		Imported: &results.Imported{Source: filepath.Base(path)}}
}

func (l olderLine) reference(path string, run results.Run) results.Record {
	r := l.record(path, run)
	r.Settings = json.RawMessage(fmt.Sprintf(`{"sha256":%q}`, l.Job)) // see jobOf
	return r.Slim()
}

func (l olderLine) trial(path string, run results.Run, settings json.RawMessage) results.Record {
	r := l.record(path, run)
	r.Trial.Cell, r.Settings = run.Plan.Cells[l.Cell], settings
	r.Verdict = trial.Verdict{Outcome: l.Outcome, Phase: l.Phase, TimedOut: l.TimedOut}
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
	machine := append(strings.SplitN(l.Machine, ", ", 3), "", "")
	r.Machine = results.Machine{Kind: machine[0], Builder: machine[1], StorageDriver: machine[2], Runtime: l.Runtime, EngineVersion: l.Engine,
		NodeImage: l.NodeImage, MemoryLimit: l.Memory, CPUs: l.CPUs}
	p := l.Load
	r.Load = results.Load{Load1: p.Load1, CPU: p.CPU, Steal: p.Steal,
		Pressure: trial.Pressure{Known: p.HasPressure, CPUSome: p.CPUSome, MemorySome: p.MemorySome, IOSome: p.IOSome}}
	return r.Slim()
}
