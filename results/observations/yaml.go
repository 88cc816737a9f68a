package observations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// document is a file of observations in YAML: trials, and what a source
// states beside them in minutes.
type document struct {
	Environment map[string]any     `yaml:"environment"`
	Workload    workload           `yaml:"workload"`
	Trials      []yaml.Node        `yaml:"trials"`
	Phases      *phaseMinutes      `yaml:"phases_serial_minutes"`
	Comparison  []comparison       `yaml:"comparison_minutes"`
	Confidence  map[string]float64 `yaml:"stated_confidence"`
	NoCache     map[string]string  `yaml:"measured_no_cache_2025_12_16"`
}

type workload struct {
	Images []string `yaml:"images"`
	Tests  struct {
		Total         int      `yaml:"total"`
		KnownFailures []string `yaml:"known_failures"`
	} `yaml:"tests"`
}

type phaseMinutes struct {
	Cluster float64            `yaml:"cluster"`
	Build   map[string]float64 `yaml:"build"`
	Load    float64            `yaml:"load"`
	Deploy  float64            `yaml:"deploy"`
	Test    []float64          `yaml:"test"`
	Setup   float64            `yaml:"setup"`
	Total   []float64          `yaml:"total"`
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
	if err := n.Decode((*plain)(c)); err != nil {
		return err
	}
	c.line = n.Line
	return nil
}

func (f *file) readYAML(text []byte) {
	var d document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		f.fault(1, "%v", err)
		return
	}
	if p, ok := d.Environment["platform"].(string); ok {
		f.platform = p
	}
	for i := range d.Trials {
		f.addTrial(&d.Trials[i])
	}
	f.addComparison(d)
	f.addPhases(d.Phases)
	f.doubt(false)
	f.contradict(d)
	f.noteStated(d)
}

// plainKeys are the keys of a trial that are no factors.
var plainKeys = []string{"trial", "outcome", "phase", "timed_out", "message", "setup_seconds", "lost_seconds", "recovery_seconds",
	"elapsed_seconds", "tests_passed", "tests_failed", "tests_total", "peak_memory_bytes", "block", "estimate", "simulated", "concurrency", "exit_code", "silent", "overlap",
	"started", "last_output", "terminated", "evidence"}

func (f *file) addTrial(n *yaml.Node) {
	var cell trial.Cell
	var evidence []trial.Evidence
	if n.Kind != yaml.MappingNode {
		f.fault(n.Line, "a trial is a list of keys and values, such as {strategy: serial, outcome: ok}")
		return
	}
	value := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		value[key] = v.Value
		switch {
		case key == "evidence":
			evidence = append(evidence, evidenceOf(v)...)
		case key == "memory_gb":
			cell = append(cell, trial.Assignment{Factor: "memory", Level: v.Value + "GB"})
		case !slices.Contains(plainKeys, key):
			if v.Kind != yaml.ScalarNode || v.Value == "" {
				f.fault(v.Line, "%s is no level of a factor: write one word or number", key)
			}
			cell = append(cell, trial.Assignment{Factor: key, Level: v.Value})
		}
	}
	f.refuseNearKeys(n)
	r := f.record(n.Line, cell, value)
	r.Verdict.Evidence = evidence
	if c := f.whole(n.Line, "concurrency", value["concurrency"]); c != nil {
		r.Settings = json.RawMessage(fmt.Sprintf(`{"concurrency":%d}`, *c))
	}
	t := f.times(n.Line, value)
	if t.lost == nil && r.Verdict.Outcome != trial.OK {
		t.lost = between(value["started"], value["terminated"])
	}
	f.addTimes(&r, t)
	f.noteTrial(&r, value)
	f.records = append(f.records, r)
}

// refuseNearKeys refuses keys of a trial that were meant for another one.
func (f *file) refuseNearKeys(n *yaml.Node) {
	var given []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		given = append(given, n.Content[i].Value)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if slices.Contains(plainKeys, key.Value) {
			continue
		}
		if meant, near := nearMiss(key.Value, plainKeys, given); near {
			f.fault(key.Line, "%q is nearly %s; call it so if it is that, or else less like it: any other key is a factor", key.Value, meant)
		}
	}
}

func (f *file) noteTrial(r *results.Record, value map[string]string) {
	evidence := r.Verdict.Evidence
	if text := value["overlap"]; text != "" {
		evidence = append(evidence, trial.Evidence{Source: trial.SourceObserver, State: trial.StateOverlap, Text: text})
		f.notes = append(f.notes, describe("[%s] ended in %s: %s.", r.Trial.Cell, r.Verdict.Outcome, text))
	}
	if code := value["exit_code"]; code != "" {
		evidence = append(evidence, trial.Evidence{Source: trial.SourceObserver, State: trial.StateExitCode, Text: code})
	}
	if value["silent"] == "true" {
		evidence = append(evidence, trial.Evidence{Source: trial.SourceObserver, State: trial.StateSilentObserved, Text: "no output after " + value["last_output"]})
	}
	r.Verdict.Evidence = evidence
}

func evidenceOf(n *yaml.Node) (evidence []trial.Evidence) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		evidence = append(evidence, trial.Evidence{Source: trial.SourceObserver, State: trial.StateNoted, Detail: n.Content[i].Value, Text: n.Content[i+1].Value})
	}
	return evidence
}

// between is the time from one clock time to another of the same day, or past
// midnight; nil where one is not given.
func between(from, to string) *float64 {
	a, okA := clock(from)
	b, okB := clock(to)
	if !okA || !okB {
		return nil
	}
	if b < a {
		b += 24 * time.Hour
	}
	s := (b - a).Seconds()
	return &s
}

func clock(text string) (time.Duration, bool) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second, true
		}
	}
	return 0, false
}

// addComparison adds the source's table: its estimates as such, and its
// ranges to the trials that they are of.
func (f *file) addComparison(d document) {
	for _, c := range d.Comparison {
		stated := c.stated()
		var confidence *float64
		if v, ok := d.Confidence[c.Strategy]; ok {
			confidence = &v
		}
		if c.Estimate {
			r := f.record(c.line, trial.Cell{{Factor: "strategy", Level: c.Strategy}}, map[string]string{"outcome": string(trial.OK), "estimate": "true"})
			r.Trial.Block = 0
			r.Imported.Stated, r.Imported.Stability, r.Imported.Confidence = stated, c.Stability, confidence
			f.records = append(f.records, r)
			continue
		}
		f.attach(c, stated, confidence)
	}
}

// attach gives a stated row to the one successful trial that it is of. A
// single setup time is that trial's.
func (f *file) attach(c comparison, stated []results.StatedRange, confidence *float64) {
	of := f.successes(c.Strategy)
	if len(of) != 1 {
		f.contradictions = append(f.contradictions, describe("%s is stated as measured, and %d successful trials of it are given.", c.Strategy, len(of)))
		return
	}
	r, i := of[0], of[0].Imported
	i.Stated, i.Stability, i.Confidence = append(i.Stated, stated...), c.Stability, confidence
	if r.Setup == nil && len(c.Setup) == 2 && c.Setup[0] == c.Setup[1] {
		f.addTimes(r, times{setup: f.time(c.line, "setup_seconds", strconv.FormatFloat(c.Setup[0]*60, 'g', -1, 64))})
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

// addPhases gives the phases stated of the serial run to the one trial that
// they are of.
func (f *file) addPhases(p *phaseMinutes) {
	serial := f.successes("serial")
	if p == nil || len(serial) != 1 {
		return
	}
	build := 0.0
	for _, minutes := range p.Build {
		build += minutes
	}
	for _, phase := range []struct {
		of      trial.Phase
		minutes float64
	}{{trial.PhaseCluster, p.Cluster}, {trial.PhaseBuild, build}, {trial.PhaseLoad, p.Load}, {trial.PhaseDeploy, p.Deploy}} {
		if phase.minutes > 0 {
			length := seconds(60 * phase.minutes)
			serial[0].Imported.Stated = append(serial[0].Imported.Stated, results.StatedRange{Of: string(phase.of), Low: length, High: length})
		}
	}
}

func (c comparison) stated() (ranges []results.StatedRange) {
	for _, r := range []struct {
		of     string
		values []float64
	}{{"setup", c.Setup}, {"test", c.Test}, {"total", c.Total}} {
		if len(r.values) == 2 {
			ranges = append(ranges, results.StatedRange{Of: r.of, Low: seconds(60 * r.values[0]), High: seconds(60 * r.values[1])})
		}
	}
	return ranges
}

// noteStated keeps what the source states and no record holds.
func (f *file) noteStated(d document) {
	for _, name := range slices.Sorted(maps.Keys(d.Confidence)) {
		if !slices.ContainsFunc(d.Comparison, func(c comparison) bool { return c.Strategy == name }) {
			f.notes = append(f.notes, describe("Stated confidence of %s: %.0f %%; no trial of it is given.", strings.ReplaceAll(name, "_", " "), 100*d.Confidence[name]))
		}
	}
	var alone []string
	for _, image := range d.Workload.Images {
		if t, ok := d.NoCache[image]; ok {
			alone = append(alone, image+" "+t)
		}
	}
	if len(alone) > 0 {
		f.notes = append(f.notes, "Stated build times without cache, one timing an image: "+strings.Join(alone, ", ")+". They are of no trial.")
	}
}
