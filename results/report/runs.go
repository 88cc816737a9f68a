package report

import (
	"fmt"
	"path/filepath"
	"slices"
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
	for _, c := range study.Cells(nil, trials) {
		for o, n := range c.Outcomes {
			s.Outcomes[o] += n
		}
		s.WarmUps, s.Injected, s.Invalid = s.WarmUps+c.WarmUps, s.Injected+c.Injected, s.Invalid+c.Invalid
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
	return orNone(strings.Join(parts, ", "))
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

// Run is the table of a run: a row for each cell.
func Run(run results.Run) Table {
	cells, factors := study.Cells(run.Plan.Cells, run.Trials()), study.FactorNames(run)
	t := Table{Data: cells}
	simulated, failed, single := false, false, false
	for _, c := range cells {
		t.Rows = append(t.Rows, append(append(study.LevelsOf(c.Cell, factors), strconv.Itoa(c.N), cellOutcomes(c), medianRange(c.Setup)), measured(c)...))
		simulated, failed, single = simulated || c.Simulated, failed || c.N > len(c.Setup) && len(c.Setup) > 0, single || c.N == 1
	}
	t.Header = append(append(factors, "n", "outcomes", "setup: median (range)"), measures()...)
	if simulated {
		t.Notes = append(t.Notes, simulatedNote)
	}
	if failed {
		t.Notes = append(t.Notes, "Times are of the trials whose services became ready; read them beside the outcomes.")
	}
	if single {
		t.Notes = append(t.Notes, "One trial of a cell shows that it can be done, not how long it takes: use --replicates for that.")
	}
	for _, refused := range run.Plan.Refused {
		t.Notes = append(t.Notes, fmt.Sprintf("Not run, [%s]: %s", refused.Cell, refused.Reason))
	}
	t.Notes = append(t.Notes, brokenOnPurpose(run)...)
	return t
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

// measures are the columns of measured: medians of phases, tests, peak of memory.
func measures() []string {
	return append(texts(trial.Phases(), func(p trial.Phase) string { return string(p) }), "tests passed", "peak memory")
}

func measured(c study.Cell) []string {
	tests, peak := none, none
	if len(c.TestsPassed) > 0 {
		tests = fmt.Sprintf("%s of %d", fromTo(c.TestsPassed), slices.Max(c.TestsTotal))
	}
	if len(c.PeakMemory) > 0 {
		peak = slices.Max(c.PeakMemory).String()
	}
	return append(texts(trial.Phases(), func(p trial.Phase) string { return median(c.Phases[p]) }), tests, peak)
}

// brokenOnPurpose says which trials of the run show nothing about what they ran.
func brokenOnPurpose(run results.Run) []string {
	s := summarise(run)
	if s.Injected == 0 {
		return nil
	}
	return []string{fmt.Sprintf("FAULTS WERE INJECTED into %d of %s: they show nothing about the engines. See stratbench faults %s", s.Injected, Counted(s.Recorded, "trial"), run.ID())}
}

// Trials lists the records of a run in the order in which they were made.
func Trials(run results.Run) Table {
	factors := study.FactorNames(run)
	t := Table{Data: run.Records, Tidy: tidyTrials(run)}
	t.Header = append(append([]string{"trial", "block"}, factors...), "outcome", "setup", "elapsed", "tests passed", "peak memory")
	for i := range run.Records {
		r := &run.Records[i]
		block := kindName(r)
		if r.Kind == results.KindTrial && !r.Trial.WarmUp {
			block = strconv.Itoa(r.Trial.Block)
		}
		row := append([]string{r.Trial.ID, block}, study.LevelsOf(r.Trial.Cell, factors)...)
		setup, peak := none, none
		if r.Setup != nil {
			setup = Seconds(*r.Setup)
		}
		if most, ok := study.PeakMemory(r); ok {
			peak = most.String()
		}
		t.Rows = append(t.Rows, append(row, Ending(r), setup, Seconds(r.Elapsed), testCount(r), peak))
	}
	if missing := len(run.Plan.Trials) - len(run.Trials()); missing > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of %d planned trials are not recorded.", missing, len(run.Plan.Trials)))
	}
	t.Notes = append(t.Notes, brokenOnPurpose(run)...)
	return t
}

// tidyTrials has a record a row, in seconds and bytes. The package observations reads it
// back: a published table is enough to check a decision.
func tidyTrials(run results.Run) [][]string {
	factors := study.FactorNames(run)
	header := append(append([]string{"trial", "kind", "block"}, factors...), "outcome", "phase", "timed_out", "setup_seconds", "lost_seconds", "recovery_seconds",
		"elapsed_seconds", "tests_passed", "tests_failed", "peak_memory_bytes", "estimate", "simulated", "message")
	if slices.ContainsFunc(run.Records, func(r results.Record) bool { return r.Crash != nil }) { // few tables need this column
		header = append(header, "went_on_after")
	}
	seconds := func(s trial.Seconds) string { return strconv.FormatFloat(s.Duration().Seconds(), 'f', -1, 64) }
	ifTrue := map[bool]string{true: "true"}
	rows := [][]string{header}
	for i := range run.Records {
		r := &run.Records[i]
		row := append([]string{r.Trial.ID, kindName(r), strconv.Itoa(r.Trial.Block)}, study.LevelsOf(r.Trial.Cell, factors)...)
		var setup, lost, recovery, elapsed, passed, failed, peak, after string
		if r.Setup != nil {
			setup = seconds(*r.Setup)
		}
		if l, rest, ok := study.Loss(r); ok && r.Kind == results.KindTrial {
			lost, recovery = seconds(l), seconds(rest)
		}
		if r.Elapsed > 0 {
			elapsed = seconds(r.Elapsed)
		}
		if p, total, ok := study.TestCounts(r); ok {
			passed, failed = strconv.Itoa(p), strconv.Itoa(total-p)
		}
		if b, ok := study.PeakMemory(r); ok {
			peak = strconv.FormatInt(int64(b), 10)
		}
		if r.Crash != nil {
			after = string(r.Crash.Outcome)
		}
		row = append(row, string(r.Verdict.Outcome), string(r.Verdict.Phase), ifTrue[r.Verdict.TimedOut], setup, lost, recovery,
			elapsed, passed, failed, peak, ifTrue[r.Imported != nil && r.Imported.Estimate], ifTrue[r.Simulated], r.Verdict.Error, after)
		rows = append(rows, row[:len(header)])
	}
	return rows
}

// kindName names what a record describes, in one word.
func kindName(r *results.Record) string {
	switch {
	case r.Kind == results.KindTrial && r.Trial.WarmUp:
		return "warm-up"
	case r.Kind == results.KindTrial && r.Fault != nil:
		return "injected-fault"
	}
	return string(r.Kind)
}

// Ending prints how a trial ended: "ok, after engine-crash in build".
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

// Trial shows one trial: how it ended, its spans, and what it ran on.
func Trial(run results.Run, r results.Record) Table {
	t := Table{Header: []string{"phase", "image", "span", "start", "length", "note"}, Data: r}
	for _, s := range r.Spans {
		name, note := s.Name, s.Error
		if s.Step != "" {
			name = "  " + s.Step
		}
		switch {
		case s.Error != "":
		case s.Unfinished:
			note = "unfinished when the trial ended"
		case s.Cached:
			note = "cached"
		case s.Sent > 0:
			note = s.Sent.String() + " sent to each node"
		}
		t.Rows = append(t.Rows, []string{string(s.Phase), s.Image, name, Seconds(s.Start), Seconds(s.Length()), note})
	}
	if r.Kind == results.KindReference {
		t.Lead = []string{fmt.Sprintf("%s of run %s: the reference workload before block %d (0: the warm-ups) took %s. It shows how fast the host was, and is not a trial.",
			r.Trial.ID, run.ID(), r.Trial.Block, Seconds(r.Elapsed)),
			fmt.Sprintf("Host just before: load %.2f, %s of memory available", r.Load.Load1, r.Load.MemoryAvailable), "Job: " + string(r.Settings)}
		if r.Verdict.Error != "" {
			t.Lead = append(t.Lead, "Error: "+r.Verdict.Error)
		}
		return t
	}
	t.Lead = trialLead(run, r)
	if i := r.Imported; i != nil && i.Line > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Imported from %s (line %d).", i.Source, i.Line))
	}
	if m := r.Machine; m.Kind != "" {
		memory := ""
		switch {
		case m.MemoryLimit > 0:
			memory = "memory limit " + m.MemoryLimit.String() + ", "
		case m.Memory > 0:
			memory = m.Memory.String() + " of memory and no limit, "
		}
		t.Notes = append(t.Notes, fmt.Sprintf("Machine: %s, %s %s, %s%d CPUs, node image %s", m.Kind, m.Runtime, m.EngineVersion, memory, m.CPUs, m.NodeImage))
	}
	t.Notes = append(t.Notes, "Tests passed: "+testCount(&r)+failedTests(r.Tests))
	if r.Log != "" {
		t.Notes = append(t.Notes, "Log: "+filepath.Join(run.Dir, r.Log))
	}
	return t
}

// trialLead says how a trial ended, and what qualifies that.
func trialLead(run results.Run, r results.Record) []string {
	lead := []string{fmt.Sprintf("%s of run %s: %s", r.Trial, run.ID(), Ending(&r))}
	if r.Setup != nil {
		lead = append(lead, "Setup time: "+Seconds(*r.Setup))
	}
	if age := r.Machine.ClusterAge; age != nil {
		lead = append(lead, "The cluster was created "+Seconds(*age)+" before, and its nodes were started: these times are not those of a fresh one.")
	}
	if c := r.Crash; c != nil {
		text := Verdict(*c)
		if c.Cause != "" {
			text += ", cause " + string(c.Cause)
		}
		if short := c.InShort(); short != "" {
			text += " (" + short + ")"
		}
		lead = append(lead, fmt.Sprintf("The engine was lost on the way: %s; the machine was started again, and images were built one at a time. The setup time includes all of it.", text))
	}
	if f := r.Fault; f != nil {
		lead = append(lead, fmt.Sprintf("FAULT INJECTED: %s (%s); the true outcome is %v. This trial shows nothing about the engine.", f.Name, f.What, f.Truth))
	}
	if r.Verdict.Error != "" {
		lead = append(lead, "Error: "+r.Verdict.Error)
	}
	if r.ClockSet != nil {
		lead = append(lead, fmt.Sprintf("The wall clock moved by %s against the monotonic clock: it was set, or the host slept.", Seconds(*r.ClockSet)))
	}
	return lead
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
