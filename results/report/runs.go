package report

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Runs lists runs, a row each.
func Runs(runs []results.Run) Table {
	t := Table{Header: []string{"run", "started", "cells", "trials", "outcomes", "folder"}}
	data := []runSummary{}
	for _, r := range runs {
		s := summarise(r)
		data = append(data, s)
		t.Rows = append(t.Rows, []string{s.Run, r.Environment.Started.Local().Format("2006-01-02 15:04"),
			strconv.Itoa(s.Cells), fmt.Sprintf("%d of %d", s.Recorded, s.Planned), countOutcomes(s.Outcomes) + leftOut(s.Invalid, s.Injected), r.Dir})
	}
	t.Data = data
	return t
}

type runSummary struct {
	Run      string                `json:"run"`
	Started  string                `json:"started"`
	Cells    int                   `json:"cells"`
	Planned  int                   `json:"trials_planned"`
	Recorded int                   `json:"trials_recorded"`
	Outcomes map[trial.Outcome]int `json:"outcomes"`
	WarmUps  int                   `json:"warm_ups"`
	Injected int                   `json:"injected"`
	Invalid  int                   `json:"invalid"`
	Dir      string                `json:"dir"`
}

func summarise(r results.Run) runSummary {
	trials := r.Trials()
	s := runSummary{Run: r.ID(), Started: r.Environment.Started.Format("2006-01-02T15:04:05Z07:00"),
		Cells: len(r.Plan.Cells), Planned: len(r.Plan.Trials), Recorded: len(trials),
		Outcomes: map[trial.Outcome]int{}, Dir: r.Dir}
	for _, rec := range trials {
		switch rec.Standing() {
		case results.Counts:
			s.Outcomes[rec.Verdict.Outcome]++
		case results.WarmUp:
			s.WarmUps++
		case results.InjectedFault:
			s.Injected++
		case results.NotMeasured:
			s.Invalid++
		}
	}
	return s
}

func countOutcomes(counts map[trial.Outcome]int) string {
	var parts []string
	for _, o := range trial.Outcomes() {
		if n := counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}

// Trials lists the records of a run in the order in which they were made.
func Trials(run results.Run) Table {
	t := Table{Data: run.Records, Tidy: tidyTrials(run)}
	t.Header = append([]string{"trial", "block"}, planFactors(run.Plan)...)
	t.Header = append(t.Header, "outcome", "setup", "elapsed", "tests passed", "peak memory")
	for i := range run.Records {
		t.Rows = append(t.Rows, trialRow(&run.Records[i], len(planFactors(run.Plan))))
	}
	if missing := len(run.Plan.Trials) - len(run.Trials()); missing > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of %d planned trials are not recorded.", missing, len(run.Plan.Trials)))
	}
	t.Notes = append(t.Notes, brokenOnPurpose(run)...)
	return t
}

func planFactors(p results.Plan) []string {
	if len(p.Cells) == 0 {
		return nil
	}
	return factorNames(p.Cells[0])
}

func factorNames(c trial.Cell) []string {
	var names []string
	for _, a := range c {
		names = append(names, a.Factor)
	}
	return names
}

func trialRow(r *results.Record, factors int) []string {
	row := []string{r.Trial.ID, blockName(r)}
	for i := range factors {
		level := ""
		if i < len(r.Trial.Cell) {
			level = r.Trial.Cell[i].Level
		}
		row = append(row, level)
	}
	setup := none
	if r.Setup != nil {
		setup = Seconds(*r.Setup)
	}
	return append(row, Ending(r), setup, Seconds(r.Elapsed), testCount(r), peakOf(r))
}

func blockName(r *results.Record) string {
	switch {
	case r.Kind == results.KindPreparation:
		return "preparation"
	case r.Kind == results.KindReference:
		return "reference"
	case r.Trial.WarmUp:
		return "warm-up"
	}
	return strconv.Itoa(r.Trial.Block)
}

// Ending prints how a trial ended, and what it went on after:
// "ok, after engine-crash in build".
func Ending(r *results.Record) string {
	text := Verdict(r.Verdict)
	if r.Crash != nil {
		text += ", after " + Verdict(*r.Crash)
	}
	return text
}

// Verdict prints a verdict: "engine-crash in build".
func Verdict(v trial.Verdict) string {
	text := string(v.Outcome)
	if v.Phase != "" {
		text += " in " + string(v.Phase)
	}
	if v.TimedOut {
		text += " (limit)"
	}
	return text
}

func testCount(r *results.Record) string {
	if passed, total, ok := study.TestCounts(r); ok {
		return fmt.Sprintf("%d of %d", passed, total)
	}
	return none
}

func peakOf(r *results.Record) string {
	if peak, ok := study.PeakMemory(r); ok {
		return peak.String()
	}
	return none
}

// Run is the table of a run's cells.
func Run(run results.Run) Table {
	t := Cells(study.Cells(run.Plan.Cells, run.SharedTrials()))
	for _, refused := range run.Plan.Refused {
		t.Notes = append(t.Notes, fmt.Sprintf("Not run, [%s]: %s", refused.Cell, refused.Reason))
	}
	t.Notes = append(t.Notes, brokenOnPurpose(run)...)
	return t
}

// brokenOnPurpose says that trials of the run are no findings about what they
// ran.
func brokenOnPurpose(run results.Run) []string {
	s := summarise(run)
	if s.Injected == 0 {
		return nil
	}
	return []string{fmt.Sprintf("FAULTS WERE INJECTED into %d of %d trials: they say nothing of the engines. See stratbench faults %s", s.Injected, s.Recorded, run.ID())}
}

// Trial shows one trial: how it ended, then its spans as rows, and what it ran
// on as notes.
func Trial(run results.Run, r results.Record) Table {
	t := Table{Header: []string{"phase", "image", "span", "start", "length", "note"}, Data: r}
	for _, s := range r.Spans {
		t.Rows = append(t.Rows, []string{string(s.Phase), s.Image, spanName(s), Seconds(s.Start), Seconds(s.Length()), spanNote(s)})
	}
	t.Lead, t.Notes = trialTexts(run, r)
	return t
}

func spanName(s trial.Span) string {
	if s.Step != "" {
		return "  " + s.Step
	}
	return s.Name
}

func spanNote(s trial.Span) string {
	switch {
	case s.Error != "":
		return s.Error
	case s.Unfinished:
		return "unfinished when the trial ended"
	case s.Cached:
		return "cached"
	}
	return ""
}

func trialTexts(run results.Run, r results.Record) (lead, notes []string) {
	if r.Kind == results.KindReference {
		return referenceNotes(run, r), nil
	}
	lead = []string{fmt.Sprintf("%s of run %s: %s", r.Trial, run.ID(), Ending(&r))}
	if r.Setup != nil {
		lead = append(lead, "Setup time: "+Seconds(*r.Setup))
	}
	if c := r.Crash; c != nil {
		lead = append(lead, fmt.Sprintf("The engine was lost on the way: %s; the machine was started again, and images were built one at a time. The setup time has all of it.", crashText(*c)))
	}
	if f := r.Fault; f != nil {
		lead = append(lead, fmt.Sprintf("FAULT INJECTED: %s (%s); the true outcome is %v. This trial says nothing of the engine.", f.Name, f.What, f.Truth))
	}
	if r.Verdict.Error != "" {
		lead = append(lead, "Error: "+r.Verdict.Error)
	}
	if r.ClockSet != nil {
		lead = append(lead, fmt.Sprintf("The wall clock moved by %s against the time that passed: it was set, or the host slept.", Seconds(*r.ClockSet)))
	}
	if i := r.Imported; i != nil && i.Line > 0 {
		notes = append(notes, fmt.Sprintf("Imported from %s (line %d).", i.Source, i.Line))
	}
	if m := r.Machine; m.Kind != "" {
		notes = append(notes, fmt.Sprintf("Machine: %s, %s %s, %s%d CPUs, node image %s",
			m.Kind, m.Runtime, m.EngineVersion, memoryOf(m), m.CPUs, m.NodeImage))
	}
	notes = append(notes, "Tests passed: "+testCount(&r)+failedTests(r.Tests))
	if r.Log != "" {
		notes = append(notes, "Log: "+filepath.Join(run.Dir, r.Log))
	}
	return lead, notes
}

// crashText says what became of an engine, with the line that shows it.
func crashText(v trial.Verdict) string {
	text := Verdict(v)
	if v.Cause != "" {
		text += ", cause " + string(v.Cause)
	}
	if short := v.InShort(); short != "" {
		text += " (" + short + ")"
	}
	return text
}

// memoryOf is a machine's limit, or the memory that it has without one.
func memoryOf(m results.Machine) string {
	switch {
	case m.MemoryLimit > 0:
		return "memory limit " + m.MemoryLimit.String() + ", "
	case m.Memory > 0:
		return m.Memory.String() + " of memory and no limit, "
	}
	return ""
}

func referenceNotes(run results.Run, r results.Record) []string {
	notes := []string{fmt.Sprintf("%s of run %s: the reference workload before block %d (0: the warm-ups) took %s. It tells how fast the host was, and is no trial.",
		r.Trial.ID, run.ID(), r.Trial.Block, Seconds(r.Elapsed)),
		fmt.Sprintf("Host just before: load %.2f, %s of memory available", r.Load.Load1, r.Load.MemoryAvailable), "Job: " + string(r.Settings)}
	if r.Verdict.Error != "" {
		notes = append(notes, "Error: "+r.Verdict.Error)
	}
	return notes
}

func failedTests(tests []trial.TestResult) string {
	var failed, flaky []string
	for _, t := range tests {
		if t.Flaky {
			flaky = append(flaky, t.Name)
		}
		if t.Status == trial.TestFail {
			name := t.Name
			if t.Known {
				name += " (known)"
			}
			failed = append(failed, name)
		}
	}
	text := ""
	if len(failed) > 0 {
		text += "; failed: " + strings.Join(failed, ", ")
	}
	if len(flaky) > 0 {
		text += "; passed only when tried again: " + strings.Join(flaky, ", ")
	}
	return text
}
