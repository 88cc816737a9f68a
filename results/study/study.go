// Package study gathers records: what counts, cells, metrics, and residue.
package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Study is the trials of one or more runs, gathered for analysis.
type Study struct {
	Runs []results.Run
	// Factors are what varies or is named in a cell, with their levels, in order.
	Factors []trial.Factor
	// Cells are all cells that were planned or recorded, in order.
	Cells []trial.Cell
	// Trials are those that count (results.Standing), in order of recording.
	Trials []Observation
	// Estimates are what nobody measured.
	Estimates []results.Record
	Refused   []results.Refusal

	basics []Cell
	byCell map[string][]Observation
	// recorded counts each run's trials, without estimates.
	recorded []int
	// injected are the trials that were broken on purpose, and left out.
	injected []string
}

// NotRecorded is the level of a factor that a run did not record.
const NotRecorded = "not recorded"

// Gather reads runs as one study. Where a run does not vary a factor of
// another one, its level is taken from the settings.
func Gather(runs []results.Run) Study {
	s := Study{Runs: runs, byCell: map[string][]Observation{}}
	names := FactorNames(runs...)
	var order, estimated []trial.Cell
	var records []*results.Record
	for _, run := range runs {
		var settings json.RawMessage
		has := func(r results.Record) bool { return len(r.Settings) > 0 && r.Kind != results.KindReference }
		if i := slices.IndexFunc(run.Records, has); i >= 0 {
			settings = run.Records[i].Settings
		}
		for _, c := range run.Plan.Cells {
			if c = complete(c, names, settings); !c.Broken() {
				order = append(order, c)
			}
		}
		for _, r := range run.Plan.Refused {
			if r.Cell.Broken() {
				continue
			}
			refused := results.Refusal{Cell: complete(r.Cell, names, settings), Reason: r.Reason}
			s.Refused, order = append(s.Refused, refused), append(order, refused.Cell)
		}
		recorded := 0
		for _, r := range run.Trials() {
			if c := complete(r.Trial.Cell, names, r.Settings); !slices.Equal(c, r.Trial.Cell) {
				moved := *r // the run's own record stays as it is
				moved.Trial.Cell, r = c, &moved
			}
			if r.Imported != nil && r.Imported.Estimate {
				s.Estimates, estimated = append(s.Estimates, *r), append(estimated, r.Trial.Cell)
				continue
			}
			recorded++
			standing := r.Standing()
			if standing == results.InjectedFault {
				s.injected = append(s.injected, r.Trial.ID)
			}
			if r.Trial.Cell.Broken() {
				continue
			}
			if records = append(records, r); standing == results.Counts {
				o := Observe(run, r)
				key := o.Cell.Key()
				s.Trials, s.byCell[key] = append(s.Trials, o), append(s.byCell[key], o)
			}
		}
		s.recorded = append(s.recorded, recorded)
	}
	s.basics = Cells(order, records)
	for _, c := range s.basics {
		s.Cells = append(s.Cells, c.Cell)
	}
	s.Factors = factorLevels(names, slices.Concat(s.Cells, estimated))
	return s
}

// Of returns the measured trials of a cell.
func (s Study) Of(c trial.Cell) []Observation { return s.byCell[c.Key()] }

// Simulated is true when any trial is.
func (s Study) Simulated() bool {
	return slices.ContainsFunc(s.basics, func(c Cell) bool { return c.Simulated })
}

// FactorNames lists the factors of all runs' cells, in order of appearance.
func FactorNames(runs ...results.Run) (names []string) {
	note := func(c trial.Cell) {
		for _, a := range c {
			if !slices.Contains(names, a.Factor) {
				names = append(names, a.Factor)
			}
		}
	}
	for _, run := range runs {
		for _, c := range run.Plan.Cells {
			note(c)
		}
		for _, r := range run.Plan.Refused {
			note(r.Cell)
		}
		for i := range run.Records {
			note(run.Records[i].Trial.Cell)
		}
	}
	return names
}

// LevelsOf are a cell's levels of these factors, empty where it has none.
func LevelsOf(c trial.Cell, factors []string) (names []string) {
	for _, f := range factors {
		level, _ := c.Level(f)
		names = append(names, level)
	}
	return names
}

// complete gives a cell a level for every factor.
func complete(c trial.Cell, names []string, settings json.RawMessage) trial.Cell {
	if slices.EqualFunc(c, names, func(a trial.Assignment, name string) bool { return a.Factor == name }) {
		return c
	}
	full := make(trial.Cell, len(names))
	for i, name := range names {
		level, ok := c.Level(name)
		if !ok {
			level = Setting(settings, name)
		}
		full[i] = trial.Assignment{Factor: name, Level: level}
	}
	return full
}

// Setting is what stands at a dotted path of a record's settings, as a level is
// written: NotRecorded where there is nothing, or more than one value.
func Setting(settings json.RawMessage, path string) string {
	var at any
	if json.Unmarshal(settings, &at) != nil {
		return NotRecorded
	}
	for part := range strings.SplitSeq(path, ".") {
		fields, _ := at.(map[string]any)
		at = fields[part]
	}
	switch v := at.(type) {
	case nil, map[string]any, []any:
		return NotRecorded
	case float64:
		if path == "memory" {
			return strings.ReplaceAll(strings.Replace(trial.Bytes(v).String(), ".0 ", " ", 1), " ", "")
		}
	}
	return fmt.Sprint(at)
}

// factorLevels sorts memory and numbers by size, other levels by their appearance.
func factorLevels(names []string, cells []trial.Cell) []trial.Factor {
	factors := make([]trial.Factor, len(names))
	for i, name := range names {
		var levels []trial.Level
		sized := true
		for _, c := range cells {
			level, _ := c.Level(name)
			if slices.ContainsFunc(levels, func(l trial.Level) bool { return l.Name == level }) {
				continue
			}
			l := trial.Level{Name: level}
			if b, err := trial.ParseBytes(level); err == nil {
				l.Value = float64(b) / (1 << 30) // in GiB
			} else if f, err := strconv.ParseFloat(level, 64); err == nil {
				l.Value = f
			}
			levels, sized = append(levels, l), sized && l.Value != nil
		}
		if sized {
			slices.SortStableFunc(levels, func(a, b trial.Level) int { return cmp.Compare(a.Value.(float64), b.Value.(float64)) })
		}
		factors[i] = trial.Factor{Name: name, Levels: levels}
	}
	return factors
}

// Factor returns the factor of that name.
func (s Study) Factor(name string) (trial.Factor, bool) {
	if i := slices.IndexFunc(s.Factors, func(f trial.Factor) bool { return f.Name == name }); i >= 0 {
		return s.Factors[i], true
	}
	return trial.Factor{}, false
}

// Levels are the names of a factor's levels, in order.
func (s Study) Levels(factor string) (names []string) {
	f, _ := s.Factor(factor)
	for _, l := range f.Levels {
		names = append(names, l.Name)
	}
	return names
}

// Varied lists the factors with more than one level.
func (s Study) Varied() []trial.Factor {
	return slices.DeleteFunc(slices.Clone(s.Factors), func(f trial.Factor) bool { return len(f.Levels) < 2 })
}

// Cell is what was recorded of one cell. N is the number of trials that count, as
// results.Standing has it; all others are counted apart and enter no sample.
// Invalid are those that were not measured.
type Cell struct {
	Cell     trial.Cell            `json:"cell"`
	N        int                   `json:"n"`
	WarmUps  int                   `json:"warm_ups"`
	Injected int                   `json:"injected"`
	Invalid  int                   `json:"invalid"`
	Outcomes map[trial.Outcome]int `json:"outcomes"`
	TimedOut int                   `json:"timed_out"`
	// Crashed are the trials of N that lost their engine on the way and went on
	// (the setting onCrash).
	Crashed int `json:"went_on_after_a_crash,omitempty"`
	// Setup are the setup times of the trials whose services became ready, in
	// order of recording: read them beside Outcomes only.
	Setup []trial.Seconds `json:"setup_seconds"`
	// Phases are each phase's lengths in those trials in which it ended well.
	Phases map[trial.Phase][]trial.Seconds `json:"phase_seconds"`
	// TestsPassed and TestsTotal are per trial that ran the suite.
	TestsPassed []int `json:"tests_passed"`
	TestsTotal  []int `json:"tests_total"`
	// PeakMemory is the most memory that each trial held.
	PeakMemory []trial.Bytes `json:"peak_memory_bytes"`
	Simulated  bool          `json:"simulated,omitempty"`
}

// Cells gathers trials by cell. order is the plan's cells; cells that were
// recorded and are not in it follow in the order of the trials.
func Cells(order []trial.Cell, trials []*results.Record) []Cell {
	var cells []Cell
	place := map[string]int{}
	at := func(c trial.Cell) *Cell {
		key := c.Key()
		if _, seen := place[key]; !seen {
			place[key] = len(cells)
			cells = append(cells, Cell{Cell: c, Outcomes: map[trial.Outcome]int{}, Phases: map[trial.Phase][]trial.Seconds{},
				Setup: []trial.Seconds{}, PeakMemory: []trial.Bytes{}, TestsPassed: []int{}, TestsTotal: []int{}})
		}
		return &cells[place[key]]
	}
	for _, c := range order {
		at(c)
	}
	for _, r := range trials {
		at(r.Trial.Cell).add(r)
	}
	return cells
}

func (c *Cell) add(r *results.Record) {
	c.Simulated = c.Simulated || r.Simulated
	switch r.Standing() {
	case results.WarmUp:
		c.WarmUps++
		return
	case results.InjectedFault:
		c.Injected++
		return
	case results.NotMeasured:
		c.Invalid++
		return
	}
	c.N++
	c.Outcomes[r.Verdict.Outcome]++
	if r.Verdict.TimedOut {
		c.TimedOut++
	}
	if r.Setup != nil {
		c.Setup = append(c.Setup, *r.Setup)
	}
	if r.Crash != nil { // the phases of a set-up that was begun twice are no measure
		c.Crashed++
	} else {
		for _, s := range r.Spans {
			if s.IsPhase() && s.EndedWell() {
				c.Phases[s.Phase] = append(c.Phases[s.Phase], s.Length())
			}
		}
	}
	if passed, total, ok := TestCounts(r); ok {
		c.TestsPassed, c.TestsTotal = append(c.TestsPassed, passed), append(c.TestsTotal, total)
	}
	if peak, ok := PeakMemory(r); ok {
		c.PeakMemory = append(c.PeakMemory, peak)
	}
}

// TestCounts is how many tests of a trial passed and ran; ok is false if none ran.
func TestCounts(r *results.Record) (passed, total int, ok bool) {
	if i := r.Imported; i != nil && i.TestsPassed != nil && i.TestsTotal != nil {
		return *i.TestsPassed, *i.TestsTotal, true
	}
	passed, total = r.PassedTests, r.PassedTests+len(r.Tests)
	for _, t := range r.Tests {
		if t.Status == trial.TestPass {
			passed++
		}
	}
	return passed, total, total > 0
}

// PeakMemory returns the most memory that a trial is known to have held, if anything is.
// Where the kernel kept no peak, it may have been more: samples are a second apart.
func PeakMemory(r *results.Record) (peak trial.Bytes, ok bool) {
	if r.Imported != nil && r.Imported.PeakMemory != nil {
		return *r.Imported.PeakMemory, true
	}
	for _, s := range r.Samples {
		peak = max(peak, s.Peak())
	}
	return peak, len(r.Samples) > 0
}
