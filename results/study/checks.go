package study

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results"
)

// warnings are those over all cells together.
func (s Study) warnings() (warnings []Warning) {
	if s.Simulated() {
		warnings = append(warnings, about(SimulatedTrials, filter(s.Trials, func(o Observation) bool { return o.Record.Simulated })))
	}
	if n := len(s.injected); n > 0 {
		warnings = append(warnings, Warning{Kind: InjectedTrials, Count: n, Trials: s.injected[:min(n, mostNamed)]})
	}
	if slices.ContainsFunc(s.Runs, stopsByLooking) {
		warnings = append(warnings, Warning{Kind: StoppedEarly})
	}
	return append(warnings, s.hostWarnings()...)
}

// stopsByLooking reports whether a run ended, or left cells out, because of
// what its trials showed.
func stopsByLooking(run results.Run) bool {
	return slices.ContainsFunc(run.Looks, func(l results.Look) bool { return l.Stopped || len(l.Retired) > 0 })
}

func (s Study) cellWarnings(basic Cell, trials []Observation) []Warning {
	warnings := []Warning{}
	add := func(w Warning, holds bool) {
		if holds {
			warnings = append(warnings, w)
		}
	}
	add(Warning{Kind: NotRun, Detail: s.refusal(basic)}, len(trials) == 0)
	add(Warning{Kind: InvalidTrials, Count: basic.Invalid}, basic.Invalid > 0)
	add(Warning{Kind: SingleTrial}, len(trials) == 1)
	add(Warning{Kind: Conditional}, len(basic.Setup) > 0 && len(basic.Setup) < len(trials))
	for kind, is := range trialChecks {
		if found := filter(trials, is); len(found) > 0 {
			warnings = append(warnings, about(kind, found))
		}
	}
	add(Warning{Kind: Ties}, ties(Setups(trials)))
	warnings = append(warnings, s.residue(trials)...)
	slices.SortStableFunc(warnings, func(a, b Warning) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return warnings
}

var trialChecks = map[WarningKind]func(Observation) bool{
	CutOffTrials:    func(o Observation) bool { return o.CutOff },
	SimulatedTrials: func(o Observation) bool { return o.Record.Simulated },
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

func (s Study) refusal(c Cell) string {
	for _, r := range s.Refused {
		if r.Cell.Key() == c.Cell.Key() {
			return r.Reason
		}
	}
	return ""
}

func filter(trials []Observation, is func(Observation) bool) (found []Observation) {
	for _, o := range trials {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

func ties(values []float64) bool {
	sorted := slices.Sorted(slices.Values(values))
	return len(slices.Compact(sorted)) < len(values)
}

// residue reports what should be the same in all trials of a cell and is not.
func (s Study) residue(trials []Observation) (warnings []Warning) {
	environments := map[string]results.Environment{}
	for _, run := range s.Runs {
		environments[run.ID()] = run.Environment
	}
	for _, field := range residueFields {
		if seen := variants(trials, environments, field.of); len(seen) > 1 {
			warnings = append(warnings, Warning{Kind: Residue, Detail: field.name + ": " + strings.Join(seen, ", ")})
		}
	}
	return warnings
}

var residueFields = []struct {
	name string
	of   func(*results.Record, results.Environment) string
}{
	{"engine version", func(r *results.Record, _ results.Environment) string { return r.Machine.EngineVersion }},
	{"builder", func(r *results.Record, _ results.Environment) string { return r.Machine.Builder }},
	{"storage driver", func(r *results.Record, _ results.Environment) string { return r.Machine.StorageDriver }},
	{"node image", func(r *results.Record, _ results.Environment) string { return r.Machine.NodeImage }},
	{"kind of machine", func(r *results.Record, _ results.Environment) string { return r.Machine.Kind }},
	{"memory", func(r *results.Record, _ results.Environment) string { return r.Machine.Room().String() }},
	{"CPUs", func(r *results.Record, _ results.Environment) string { return fmt.Sprint(r.Machine.CPUs) }},
	{"kernel", func(_ *results.Record, e results.Environment) string { return e.Kernel }},
	{"host", func(_ *results.Record, e results.Environment) string { return e.HostID }},
	{"workload", func(_ *results.Record, e results.Environment) string { return short(e.WorkloadHash) }},
	{"stratbench", func(_ *results.Record, e results.Environment) string { return e.Stratbench }},
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func variants(trials []Observation, environments map[string]results.Environment, of func(*results.Record, results.Environment) string) []string {
	counts := map[string]int{}
	var order []string
	for _, o := range trials {
		v := of(o.Record, environments[o.Run])
		if v == "" {
			v = NotRecorded
		}
		if counts[v] == 0 {
			order = append(order, v)
		}
		counts[v]++
	}
	for i, v := range order {
		order[i] = fmt.Sprintf("%s (%d)", v, counts[v])
	}
	return order
}
