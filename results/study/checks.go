package study

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/results"
)

// WarningKind is what is doubtful about a figure.
type WarningKind string

// The kinds of warning.
const (
	SingleTrial     WarningKind = "single-trial"    // it shows what can happen, not how often or how long it takes
	NotRun          WarningKind = "not-run"         // the cell was planned, or refused, and has no measured trial
	InvalidTrials   WarningKind = "invalid-trials"  // stratbench could not measure them
	InjectedTrials  WarningKind = "injected-trials" // they were broken on purpose, and are left out
	Conditional     WarningKind = "conditional"     // times are of successful trials only
	Residue         WarningKind = "residue"         // something varied inside a cell that should not have
	Ties            WarningKind = "ties"            // equal times, which measured ones should not be
	HostBusy        WarningKind = "host-busy"       // just before these trials
	HostVaried      WarningKind = "host-varied"     // the reference workload took longer before some blocks of a run
	StoppedEarly    WarningKind = "stopped-early"   // an interim analysis decided how long the run was
	UnknownTimes    WarningKind = "unknown-times"   // the trials' times were not recorded
	SimulatedTrials WarningKind = "simulated"       // no engine produced these trials
	ImportedTrials  WarningKind = "imported"        // stratbench did not measure these trials
	CutOffTrials    WarningKind = "cut-off"         // a limit ended the trials, known only to take longer
)

// Warning qualifies the figure that it is attached to.
type Warning struct {
	Kind WarningKind `json:"kind"`
	// Detail names what it is about: a field, a factor.
	Detail string `json:"detail,omitempty"`
	// Trials are those concerned, at most the first ten; Count is all.
	Trials []string `json:"trials,omitempty"`
	Count  int      `json:"count,omitempty"`
	// Share is the size of what was found: 0.12 is 12 %.
	Share *Value `json:"share,omitempty"`
}

const mostNamed = 10

func about(kind WarningKind, trials []Observation) Warning {
	w := Warning{Kind: kind, Count: len(trials)}
	for _, o := range trials[:min(len(trials), mostNamed)] {
		w.Trials = append(w.Trials, o.Record.Trial.ID)
	}
	return w
}

func isSimulated(o Observation) bool { return o.Record.Simulated }

// warnings are those over all cells together, without those of the host's speed.
func (s Study) warnings() (warnings []Warning) {
	if s.Simulated() {
		warnings = append(warnings, about(SimulatedTrials, filter(s.Trials, isSimulated)))
	}
	if n := len(s.injected); n > 0 {
		warnings = append(warnings, Warning{Kind: InjectedTrials, Count: n, Trials: s.injected[:min(n, mostNamed)]})
	}
	byLooking := func(l results.Look) bool { return l.Stopped || len(l.Retired) > 0 }
	if slices.ContainsFunc(s.Runs, func(r results.Run) bool { return slices.ContainsFunc(r.Looks, byLooking) }) {
		warnings = append(warnings, Warning{Kind: StoppedEarly})
	}
	return warnings
}

func (s Study) cellWarnings(basic Cell, trials []Observation) []Warning {
	warnings := []Warning{}
	add := func(w Warning, holds bool) {
		if holds {
			warnings = append(warnings, w)
		}
	}
	refusal := ""
	if i := slices.IndexFunc(s.Refused, func(r results.Refusal) bool { return slices.Equal(r.Cell, basic.Cell) }); i >= 0 {
		refusal = s.Refused[i].Reason
	}
	times := Setups(trials)
	slices.Sort(times)
	add(Warning{Kind: NotRun, Detail: refusal}, len(trials) == 0)
	add(Warning{Kind: InvalidTrials, Count: basic.Invalid}, basic.Invalid > 0)
	add(Warning{Kind: SingleTrial}, len(trials) == 1)
	add(Warning{Kind: Conditional}, len(basic.Setup) > 0 && len(basic.Setup) < len(trials))
	for kind, is := range trialChecks {
		found := filter(trials, is)
		add(about(kind, found), len(found) > 0)
	}
	add(Warning{Kind: Ties}, len(slices.Compact(times)) < len(times))
	warnings = append(warnings, s.residue(trials)...)
	slices.SortStableFunc(warnings, func(a, b Warning) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return warnings
}

var trialChecks = map[WarningKind]func(Observation) bool{
	CutOffTrials:    func(o Observation) bool { return o.CutOff },
	SimulatedTrials: isSimulated,
	ImportedTrials:  func(o Observation) bool { return o.Record.Imported != nil },
	HostBusy:        func(o Observation) bool { return busy(o.Record) },
	UnknownTimes:    func(o Observation) bool { return math.IsNaN(o.Cost()) },
}

// Above these the host did something else when a trial began.
const (
	busyLoadPerCPU  = 1.0
	busyCPUPressure = 25.0
)

func busy(r *results.Record) bool {
	cpus := float64(max(1, r.Machine.CPUs))
	return r.Load.Load1/cpus > busyLoadPerCPU || r.Load.Pressure.Known && r.Load.Pressure.CPUSome > busyCPUPressure
}

// At are the trials at a level of a factor.
func At(trials []Observation, factor, name string) []Observation {
	return filter(trials, func(o Observation) bool {
		level, _ := o.Cell.Level(factor)
		return level == name
	})
}

func filter(trials []Observation, is func(Observation) bool) (found []Observation) {
	for _, o := range trials {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

// residue reports what should be the same in all trials of a cell and is not.
func (s Study) residue(trials []Observation) (warnings []Warning) {
	environments := map[string]results.Environment{}
	for _, run := range s.Runs {
		environments[run.ID()] = run.Environment
	}
	counts, values := map[[2]string]int{}, map[string][]string{}
	var names []string
	for _, o := range trials {
		for _, f := range constants(o.Record, environments[o.Run]) {
			if f[1] = cmp.Or(f[1], NotRecorded); values[f[0]] == nil {
				names = append(names, f[0])
			}
			if counts[f]++; counts[f] == 1 {
				values[f[0]] = append(values[f[0]], f[1])
			}
		}
	}
	for _, name := range names {
		var parts []string
		for _, v := range values[name] {
			parts = append(parts, fmt.Sprintf("%s (%d)", v, counts[[2]string{name, v}]))
		}
		if len(parts) > 1 {
			warnings = append(warnings, Warning{Kind: Residue, Detail: name + ": " + strings.Join(parts, ", ")})
		}
	}
	return warnings
}

// constants are what should be the same in all trials of a cell, by their names.
func constants(r *results.Record, e results.Environment) [][2]string {
	m := r.Machine
	return [][2]string{
		{"engine version", m.EngineVersion}, {"builder", m.Builder}, {"storage driver", m.StorageDriver},
		{"root's rights", map[bool]string{true: "without", false: "with"}[m.Rootless]},
		{"node image", m.NodeImage}, {"type of machine", m.Kind}, {"memory", m.Room().String()}, {"CPUs", strconv.Itoa(m.CPUs)},
		{"kernel", e.Kernel}, {"host", e.HostID}, {"workload", e.WorkloadHash[:min(12, len(e.WorkloadHash))]}, {"stratbench", e.Stratbench},
	}
}
