package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

const none = "–"

// notTested is said of a cell without a measured trial, wherever it is listed.
const notTested = "not tested"

// undefined is a figure that does not exist.
var undefined = study.Value(math.NaN())

// Cells is the table of a run: a row per cell.
func Cells(cells []study.Cell) Table {
	t := Table{Data: cells}
	if len(cells) > 0 {
		t.Header = factorNames(cells[0].Cell)
	}
	t.Header = append(t.Header, "n", "outcomes", "setup: median (range)")
	for _, p := range trial.Phases() {
		t.Header = append(t.Header, string(p))
	}
	t.Header = append(t.Header, "tests passed", "peak memory")
	for _, c := range cells {
		t.Rows = append(t.Rows, cellRow(c))
	}
	t.Notes = cellNotes(cells)
	return t
}

func cellRow(c study.Cell) []string {
	var row []string
	for _, a := range c.Cell {
		row = append(row, a.Level)
	}
	row = append(row, strconv.Itoa(c.N), cellOutcomes(c), medianRange(c.Setup))
	for _, p := range trial.Phases() {
		row = append(row, median(c.Phases[p]))
	}
	return append(row, testsPassed(c), peak(c.PeakMemory))
}

// cellOutcomes prints what a cell's trials came to: "3 ok, 2 engine-crash".
func cellOutcomes(c study.Cell) string {
	text := notTested
	if c.N > 0 {
		text = countOutcomes(c.Outcomes)
	}
	if c.Crashed > 0 {
		text += fmt.Sprintf(", %d of them after a crash", c.Crashed)
	}
	return text + leftOut(c.Invalid, c.Injected)
}

// leftOut says how many trials are in no figure: " (1 invalid, 2 injected)".
func leftOut(invalid, injected int) string {
	var apart []string
	if invalid > 0 {
		apart = append(apart, fmt.Sprintf("%d invalid", invalid))
	}
	if injected > 0 {
		apart = append(apart, fmt.Sprintf("%d injected", injected))
	}
	if len(apart) == 0 {
		return ""
	}
	return " (" + strings.Join(apart, ", ") + ")"
}

func median(values []trial.Seconds) string { return duration(study.Summarise(values).Median) }

func medianRange(values []trial.Seconds) string {
	switch len(values) {
	case 0:
		return none
	case 1:
		return Seconds(values[0])
	}
	return fmt.Sprintf("%s (%s to %s)", median(values), Seconds(slices.Min(values)), Seconds(slices.Max(values)))
}

func testsPassed(c study.Cell) string {
	if len(c.TestsPassed) == 0 {
		return none
	}
	low, high := slices.Min(c.TestsPassed), slices.Max(c.TestsPassed)
	passed := strconv.Itoa(low)
	if low != high {
		passed = fmt.Sprintf("%d to %d", low, high)
	}
	return fmt.Sprintf("%s of %d", passed, slices.Max(c.TestsTotal))
}

func peak(values []trial.Bytes) string {
	if len(values) == 0 {
		return none
	}
	return slices.Max(values).String()
}

func cellNotes(cells []study.Cell) []string {
	var notes []string
	if slices.ContainsFunc(cells, func(c study.Cell) bool { return c.Simulated }) {
		notes = append(notes, "SIMULATED: no engine produced these figures.")
	}
	if slices.ContainsFunc(cells, func(c study.Cell) bool { return c.N > len(c.Setup) && len(c.Setup) > 0 }) {
		notes = append(notes, "Times are of the trials whose services became ready; read them beside the outcomes.")
	}
	if slices.ContainsFunc(cells, func(c study.Cell) bool { return c.N == 1 }) {
		notes = append(notes, "One trial of a cell shows that it can be done, not how long it takes: use --replicates for that.")
	}
	return notes
}
