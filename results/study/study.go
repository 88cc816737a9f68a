package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Study is the trials of one or more runs, gathered for analysis.
type Study struct {
	Runs []results.Run
	// Factors are what varies or is named in a cell, in order; Levels their
	// levels in order.
	Factors []trial.Factor
	// Cells are all cells that were planned or recorded, in order.
	Cells []trial.Cell
	// Trials are those that count (results.Standing), in order of recording;
	// an estimate does not.
	Trials []Observation
	// Estimates are what nobody measured.
	Estimates []results.Record
	Refused   []results.Refusal

	basics []Cell
	byCell map[string][]Observation
	// recorded counts each run's trials; an estimate is none.
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
	names := factorsOf(runs)
	var order []trial.Cell
	var records []*results.Record
	for _, run := range runs {
		settings := settingsOf(run)
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
		for _, r := range byPosition(run.SharedTrials()) {
			r = inCell(r, complete(r.Trial.Cell, names, r.Settings))
			if r.Imported != nil && r.Imported.Estimate {
				s.Estimates = append(s.Estimates, *r)
				continue
			}
			recorded++
			if r.Standing() == results.InjectedFault {
				s.injected = append(s.injected, r.Trial.ID)
			}
			if r.Trial.Cell.Broken() {
				continue
			}
			records = append(records, r)
			s.admit(run, r)
		}
		s.recorded = append(s.recorded, recorded)
	}
	s.basics = cellsOf(order, records)
	for _, c := range s.basics {
		s.Cells = append(s.Cells, c.Cell)
	}
	s.Factors = factorLevels(names, append(s.Cells, estimatedCells(s.Estimates)...))
	return s
}

// inCell is the record with its cell replaced: a copy where that is another
// one, since the run's own record is not to be changed.
func inCell(r *results.Record, c trial.Cell) *results.Record {
	if slices.Equal(c, r.Trial.Cell) {
		return r
	}
	moved := *r
	moved.Trial.Cell = c
	return &moved
}

func (s *Study) admit(run results.Run, r *results.Record) {
	if r.Standing() != results.Counts {
		return
	}
	o := Observe(run, r)
	key := o.Cell.Key()
	s.Trials = append(s.Trials, o)
	s.byCell[key] = append(s.byCell[key], o)
}

func estimatedCells(estimates []results.Record) (cells []trial.Cell) {
	for _, e := range estimates {
		cells = append(cells, e.Trial.Cell)
	}
	return cells
}

// Of returns the measured trials of a cell.
func (s Study) Of(c trial.Cell) []Observation { return s.byCell[c.Key()] }

// Simulated is true when any trial was.
func (s Study) Simulated() bool {
	return slices.ContainsFunc(s.basics, func(c Cell) bool { return c.Simulated })
}

// factorsOf lists the factors of all runs' cells, in order of appearance.
func factorsOf(runs []results.Run) (names []string) {
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
		for _, r := range run.Records {
			note(r.Trial.Cell)
		}
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
			level = settingLevel(settings, name)
		}
		full[i] = trial.Assignment{Factor: name, Level: level}
	}
	return full
}

func settingsOf(run results.Run) json.RawMessage {
	for _, r := range run.Records {
		if len(r.Settings) > 0 && r.Kind != results.KindReference {
			return r.Settings
		}
	}
	return nil
}

// settingLevel looks a dotted path up in a record's settings.
func settingLevel(settings json.RawMessage, path string) string {
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
		return fmt.Sprint(v)
	default:
		return fmt.Sprint(v)
	}
}

// factorLevels lists each factor's levels: amounts of memory and numbers by
// size, all others in order of appearance.
func factorLevels(names []string, cells []trial.Cell) []trial.Factor {
	factors := make([]trial.Factor, len(names))
	for i, name := range names {
		factors[i].Name = name
		for _, c := range cells {
			level, _ := c.Level(name)
			if !slices.ContainsFunc(factors[i].Levels, func(l trial.Level) bool { return l.Name == level }) {
				size, ok := Size(level)
				factors[i].Levels = append(factors[i].Levels, levelOf(level, size, ok))
			}
		}
		sortBySize(factors[i].Levels)
	}
	return factors
}

func levelOf(name string, size float64, isSize bool) trial.Level {
	if !isSize {
		return trial.Level{Name: name}
	}
	return trial.Level{Name: name, Value: size}
}

func sortBySize(levels []trial.Level) {
	for _, l := range levels {
		if l.Value == nil {
			return
		}
	}
	slices.SortStableFunc(levels, func(a, b trial.Level) int { return cmp.Compare(a.Value.(float64), b.Value.(float64)) })
}

// Size reads a level that is an amount: memory in GiB, or a number.
func Size(level string) (float64, bool) {
	if b, err := trial.ParseBytes(level); err == nil {
		return float64(b) / (1 << 30), true
	}
	var f float64
	var rest string
	if n, _ := fmt.Sscanf(level, "%g%s", &f, &rest); n == 1 {
		return f, true
	}
	return 0, false
}

// Factor returns the factor of that name.
func (s Study) Factor(name string) (trial.Factor, bool) {
	for _, f := range s.Factors {
		if f.Name == name {
			return f, true
		}
	}
	return trial.Factor{}, false
}

// Varied lists the factors with more than one level.
func (s Study) Varied() (varied []trial.Factor) {
	for _, f := range s.Factors {
		if len(f.Levels) > 1 {
			varied = append(varied, f)
		}
	}
	return varied
}
