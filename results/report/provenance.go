package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// Doubts are what qualifies an analysis as a whole.
func Doubts(a analyse.Analysis) []string { return overall(a) }

// Beforehand says which trials pull images that were built and pushed before
// them: their times are not those of strategies that build.
func Beforehand(s analyse.Study) (lines []string) {
	var who []string
	took := map[string][]string{}
	for _, run := range s.Runs {
		for _, r := range run.Preparations() {
			var names []string
			for _, factor := range []string{"runtime", "strategy"} {
				if level, ok := r.Trial.Cell.Level(factor); ok {
					names = append(names, level)
				}
			}
			name := strings.Join(names, " ")
			if !slices.Contains(who, name) {
				who = append(who, name)
			}
			took[name] = append(took[name], Seconds(r.Elapsed))
		}
	}
	for _, name := range who {
		lines = append(lines, fmt.Sprintf("Not like for like: trials of %s pull images that were built and pushed before them, in %s. No setup time has that in it.", name, and(took[name])))
	}
	return lines
}

// Provenance says where the trials come from, a column a run.
func Provenance(a analyse.Analysis) Table {
	t := Table{Title: "Runs", Header: []string{"what"}}
	for _, r := range a.Runs {
		t.Header = append(t.Header, r.Run)
	}
	for _, f := range provenanceFields {
		row, some := []string{f.name}, false
		for _, r := range a.Runs {
			v := f.of(r)
			row, some = append(row, orNone(v)), some || v != ""
		}
		if some {
			t.Rows = append(t.Rows, row)
		}
	}
	for _, r := range a.Runs {
		if r.Import != nil {
			for _, n := range r.Import.Notes {
				t.Notes = append(t.Notes, r.Import.Source+": "+n)
			}
		}
	}
	return t
}

var provenanceFields = []struct {
	name string
	of   func(analyse.RunSummary) string
}{
	{"started", func(r analyse.RunSummary) string {
		if r.Started.IsZero() {
			return ""
		}
		return r.Started.UTC().Format("2006-01-02 15:04 UTC")
	}},
	{"trials recorded of planned", func(r analyse.RunSummary) string { return fmt.Sprintf("%d of %d", r.Recorded, r.Planned) }},
	{"imported from", func(r analyse.RunSummary) string {
		if r.Import == nil {
			return ""
		}
		return r.Import.Source
	}},
	{"seed of the order", func(r analyse.RunSummary) string {
		if r.Import != nil {
			return ""
		}
		return strconv.FormatUint(r.Environment.Seed, 10)
	}},
	{"stratbench", func(r analyse.RunSummary) string { return r.Environment.Stratbench }},
	{"Kind", func(r analyse.RunSummary) string { return r.Environment.KindVersion }},
	{"host", func(r analyse.RunSummary) string { return r.Environment.HostID }},
	{"system", func(r analyse.RunSummary) string { return r.Environment.OS }},
	{"kernel", func(r analyse.RunSummary) string { return r.Environment.Kernel }},
	{"CPU", func(r analyse.RunSummary) string {
		if r.Environment.CPUs == 0 {
			return ""
		}
		return fmt.Sprintf("%d × %s", r.Environment.CPUs, r.Environment.CPUModel)
	}},
	{"memory", func(r analyse.RunSummary) string {
		if r.Environment.Memory == 0 {
			return ""
		}
		return r.Environment.Memory.String()
	}},
	{"reference workload", func(r analyse.RunSummary) string { return hostSpeed(r.HostSpeed) }},
	{"spec SHA-256", func(r analyse.RunSummary) string { return r.Environment.SpecHash }},
	{"workload SHA-256", func(r analyse.RunSummary) string { return r.Environment.WorkloadHash }},
}

// Performance is the team's comparison table: measured rows with n and
// intervals, estimates marked as such.
func Performance(s analyse.Study, a analyse.Analysis) Table {
	t := Table{Title: "Performance comparison", Header: append(factorHeader(a), "evidence", "setup", "tests", "total", "stability: failed (95 % interval)")}
	for _, c := range a.Cells {
		if c.N == 0 {
			t.Rows = append(t.Rows, append(levels(c.Cell.Cell), notTested, none, none, none, notTested))
			continue
		}
		trials := s.Of(c.Cell.Cell)
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), fmt.Sprintf("%s, n = %d", Evidence(trials), c.N), setupTime(c.SetupTime),
			measuredOrStated(c.Phases[trial.PhaseTest], trials, "test"), measuredOrStated(totals(trials), trials, "total"), Rate(c.Failed)))
	}
	for _, e := range a.Estimates {
		t.Rows = append(t.Rows, append(levels(e.Cell), "ESTIMATE, n = 0", statedRange(e.Imported, "setup"), statedRange(e.Imported, "test"),
			statedRange(e.Imported, "total"), "not measured (stated: "+orNone(e.Stability)+")"))
	}
	t.Notes = []string{"Setup: median of the trials that became ready. Tests and total: medians. " + bracketNote + " Total: set-up and tests of the same trial. Stated: a range that the source gives."}
	return t
}

// Evidence says where trials come from.
func Evidence(trials []analyse.Observation) string {
	simulated, imported := 0, 0
	for _, o := range trials {
		if o.Record.Simulated {
			simulated++
		}
		if o.Record.Imported != nil {
			imported++
		}
	}
	switch {
	case simulated > 0:
		return "SIMULATED"
	case imported == len(trials):
		return "measured, imported"
	case imported > 0:
		return fmt.Sprintf("measured (%d imported)", imported)
	}
	return "measured"
}

// totals are set-up and tests of each trial that has both.
func totals(trials []analyse.Observation) (values []trial.Seconds) {
	for _, o := range trials {
		for _, s := range o.Record.Spans {
			if o.Ready && !math.IsNaN(o.Setup) && s.Name == string(trial.PhaseTest) && !s.Unfinished {
				values = append(values, seconds(o.Setup)+s.Length())
			}
		}
	}
	return values
}

func seconds(s float64) trial.Seconds { return trial.Seconds(math.Round(s * 1e9)) }

func measuredOrStated(values []trial.Seconds, trials []analyse.Observation, of string) string {
	if len(values) > 0 {
		return phase(values)
	}
	for _, o := range trials {
		if i := o.Record.Imported; i != nil && statedRange(*i, of) != none {
			return statedRange(*i, of) + " (stated)"
		}
	}
	return none
}
