package observations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// document is a file in YAML: trials, and what a source states beside them in minutes.
type document struct {
	Environment map[string]any `yaml:"environment"`
	Workload    struct {
		Images []string `yaml:"images"`
		Tests  struct {
			Total         int      `yaml:"total"`
			KnownFailures []string `yaml:"known_failures"`
		} `yaml:"tests"`
	} `yaml:"workload"`
	Trials     []yaml.Node        `yaml:"trials"`
	Phases     phaseMinutes       `yaml:"phases_serial_minutes"`
	Comparison []comparison       `yaml:"comparison_minutes"`
	Confidence map[string]float64 `yaml:"stated_confidence"`
	NoCache    map[string]string  `yaml:"measured_no_cache_2025_12_16"`
}

// phaseMinutes are of the serial run.
type phaseMinutes struct {
	Cluster float64            `yaml:"cluster"`
	Build   map[string]float64 `yaml:"build"`
	Load    float64            `yaml:"load"`
	Deploy  float64            `yaml:"deploy"`
	Test    []float64          `yaml:"test"`
	Setup   float64            `yaml:"setup"`
	Total   []float64          `yaml:"total"`
}

func (p phaseMinutes) build() (sum float64) {
	for _, image := range slices.Sorted(maps.Keys(p.Build)) {
		sum += p.Build[image]
	}
	return sum
}

type comparison struct {
	Strategy  string    `yaml:"strategy"`
	Setup     []float64 `yaml:"setup"`
	Test      []float64 `yaml:"test"`
	Total     []float64 `yaml:"total"`
	Stability string    `yaml:"stability"`
	Estimate  bool      `yaml:"estimate"`
	line      int
}

func (c *comparison) UnmarshalYAML(n *yaml.Node) error {
	type plain comparison
	err := n.Decode((*plain)(c))
	c.line = n.Line
	return err
}

func (f *file) readYAML(text []byte) {
	var d document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		f.issue(1, "%v", err)
		return
	}
	f.platform, _ = d.Environment["platform"].(string)
	for i := range d.Trials {
		f.addTrial(&d.Trials[i])
	}
	for _, c := range d.Comparison {
		f.addComparison(c, d.Confidence)
	}
	f.addPhases(d.Phases)
	f.doubt(false)
	f.contradict(d)
	f.noteStated(d)
}

// plainKeys are the keys of a trial that are no factors.
var plainKeys = append(slices.Clone(columns), "concurrency", "exit_code", "silent", "overlap", "started", "last_output", "terminated", "evidence")

func (f *file) addTrial(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.issue(n.Line, "a trial is a list of keys and values, such as {strategy: serial, outcome: ok}")
		return
	}
	r := row{f, n.Line, map[string]string{}}
	var cell trial.Cell
	var keys []string
	var evidence []trial.Evidence
	see := func(state trial.State, detail, text string) {
		evidence = append(evidence, trial.Evidence{Source: trial.SourceObserver, State: state, Detail: detail, Text: text})
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		r.value[key] = strings.TrimSpace(v.Value)
		keys = append(keys, key)
		switch {
		case key == "evidence":
			for j := 0; j+1 < len(v.Content); j += 2 {
				see(trial.StateNoted, v.Content[j].Value, v.Content[j+1].Value)
			}
		case key == "memory_gb":
			cell = append(cell, trial.Assignment{Factor: "memory", Level: v.Value + "GB"})
		case !slices.Contains(plainKeys, key):
			if v.Kind != yaml.ScalarNode || v.Value == "" {
				f.issue(v.Line, "%s is not a level of a factor; write one word or number", key)
			}
			cell = append(cell, trial.Assignment{Factor: key, Level: v.Value})
		}
	}
	for i, key := range keys {
		f.refuseNear(n.Content[2*i].Line, "key", key, plainKeys, keys)
	}
	rec := r.record(cell)
	if c := whole(r, "concurrency", mostCounted); c != nil {
		rec.Settings = json.RawMessage(fmt.Sprintf(`{"concurrency":%d}`, *c))
	}
	if r.value["lost_seconds"] == "" && rec.Verdict.Outcome != trial.OK {
		r.value["lost_seconds"] = between(r.value["started"], r.value["terminated"])
	}
	r.addTimes(&rec)
	if text := r.value["overlap"]; text != "" {
		see(trial.StateOverlap, "", text)
		f.notes = append(f.notes, fmt.Sprintf("[%s] ended in %s: %s.", cell, rec.Verdict.Outcome, text))
	}
	if code := r.value["exit_code"]; code != "" {
		see(trial.StateExitCode, "", code)
	}
	if r.value["silent"] == "true" {
		see(trial.StateSilentObserved, "", "no output after "+r.value["last_output"])
	}
	rec.Verdict.Evidence = evidence
	f.records = append(f.records, rec)
}

// between is the seconds from one clock time to another of the same day, or past
// midnight; empty if one of them is not given.
func between(from, to string) string {
	a, errA := clock(from)
	b, errB := clock(to)
	if errA != nil || errB != nil {
		return ""
	}
	if b.Before(a) {
		b = b.Add(24 * time.Hour)
	}
	return fmt.Sprint(b.Sub(a).Seconds())
}

func clock(text string) (time.Time, error) {
	if t, err := time.Parse("15:04", text); err == nil {
		return t, nil
	}
	return time.Parse("15:04:05", text)
}

// addComparison adds a row of the source's table: an estimate as such, and other ranges to the
// one successful trial that they are of. A single setup time is that trial's.
func (f *file) addComparison(c comparison, confidence map[string]float64) {
	var r *results.Record
	if of := f.successes(c.Strategy); c.Estimate {
		estimate := row{f, c.line, map[string]string{"outcome": string(trial.OK), "estimate": "true"}}.record(trial.Cell{{Factor: "strategy", Level: c.Strategy}})
		estimate.Trial.Block = 0
		f.records = append(f.records, estimate)
		r = &f.records[len(f.records)-1]
	} else if len(of) == 1 {
		r = of[0]
	} else {
		f.contradiction("%s is stated as measured, and %d successful trials of it are given.", c.Strategy, len(of))
		return
	}
	if v, ok := confidence[c.Strategy]; ok {
		r.Imported.Confidence = &v
	}
	r.Imported.Stability = c.Stability
	state(r, "setup", c.Setup)
	state(r, "test", c.Test)
	state(r, "total", c.Total)
	if r.Setup == nil && !c.Estimate && len(c.Setup) == 2 && c.Setup[0] == c.Setup[1] {
		stated := row{f, c.line, map[string]string{"setup_seconds": strconv.FormatFloat(c.Setup[0]*60, 'g', -1, 64)}}
		stated.addTimes(r)
	}
}

// state adds a stated range of minutes to a record.
func state(r *results.Record, of string, minutes []float64) {
	if len(minutes) == 2 {
		length := func(minutes float64) trial.Seconds { return trial.Seconds(math.Round(minutes * 60e9)) }
		r.Imported.Stated = append(r.Imported.Stated, results.StatedRange{Of: of, Low: length(minutes[0]), High: length(minutes[1])})
	}
}

// successes are the successful trials of a strategy.
func (f *file) successes(strategy string) (of []*results.Record) {
	for i := range f.records {
		r := &f.records[i]
		if level, _ := r.Trial.Cell.Level("strategy"); level == strategy && r.Verdict.Outcome == trial.OK && !r.Imported.Estimate {
			of = append(of, r)
		}
	}
	return of
}

// addPhases gives the phases stated of the serial run to its one trial.
func (f *file) addPhases(p phaseMinutes) {
	serial := f.successes("serial")
	if len(serial) != 1 {
		return
	}
	for i, minutes := range []float64{p.Cluster, p.build(), p.Load, p.Deploy} {
		if minutes > 0 {
			state(serial[0], string(trial.Phases()[i]), []float64{minutes, minutes})
		}
	}
}

// noteStated keeps what the source states and no record holds.
func (f *file) noteStated(d document) {
	for _, name := range slices.Sorted(maps.Keys(d.Confidence)) {
		if !slices.ContainsFunc(d.Comparison, func(c comparison) bool { return c.Strategy == name }) {
			f.notes = append(f.notes, fmt.Sprintf("Stated confidence of %s: %.0f %%; no trial of it is given.", strings.ReplaceAll(name, "_", " "), 100*d.Confidence[name]))
		}
	}
	var alone []string
	for _, image := range d.Workload.Images {
		if t, ok := d.NoCache[image]; ok {
			alone = append(alone, image+" "+t)
		}
	}
	if len(alone) > 0 {
		f.notes = append(f.notes, fmt.Sprintf("Stated build times without cache, one timing an image: %s. They are of no trial.", strings.Join(alone, ", ")))
	}
}
