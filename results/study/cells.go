package study

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

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
// recorded and are not in it follow in order of position.
func Cells(order []trial.Cell, trials []*results.Record) []Cell {
	return cellsOf(order, byPosition(trials))
}

// byPosition sorts trials in place.
func byPosition(trials []*results.Record) []*results.Record {
	slices.SortStableFunc(trials, func(a, b *results.Record) int { return a.Trial.Position - b.Trial.Position })
	return trials
}

// cellsOf gathers trials that are in their order already.
func cellsOf(order []trial.Cell, trials []*results.Record) []Cell {
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

// TestCounts is how many tests of a trial passed and ran; ok is false where none
// did.
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

// PeakMemory returns the most memory that a trial is known to have held; ok is
// false where nothing is known. Where the kernel kept no peak, the true one may lie
// above it: samples are a second apart.
func PeakMemory(r *results.Record) (peak trial.Bytes, ok bool) {
	if r.Imported != nil && r.Imported.PeakMemory != nil {
		return *r.Imported.PeakMemory, true
	}
	for _, s := range r.Samples {
		peak = max(peak, s.Peak())
	}
	return peak, len(r.Samples) > 0
}
