package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/results/study"
)

// Beforehand says which trials pull images that were built and pushed before
// them: their times are not those of strategies that build.
func Beforehand(s study.Study) (lines []string) {
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
func Provenance(a study.Analysis) Table {
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
	of   func(study.RunSummary) string
}{
	{"started", func(r study.RunSummary) string {
		if r.Started.IsZero() {
			return ""
		}
		return r.Started.UTC().Format("2006-01-02 15:04 UTC")
	}},
	{"trials recorded of planned", func(r study.RunSummary) string { return fmt.Sprintf("%d of %d", r.Recorded, r.Planned) }},
	{"imported from", func(r study.RunSummary) string {
		if r.Import == nil {
			return ""
		}
		return r.Import.Source
	}},
	{"seed of the order", func(r study.RunSummary) string {
		if r.Import != nil {
			return ""
		}
		return strconv.FormatUint(r.Environment.Seed, 10)
	}},
	{"stratbench", func(r study.RunSummary) string { return r.Environment.Stratbench }},
	{"Kind", func(r study.RunSummary) string { return r.Environment.KindVersion }},
	{"host", func(r study.RunSummary) string { return r.Environment.HostID }},
	{"system", func(r study.RunSummary) string { return r.Environment.OS }},
	{"kernel", func(r study.RunSummary) string { return r.Environment.Kernel }},
	{"CPU", func(r study.RunSummary) string {
		if r.Environment.CPUs == 0 {
			return ""
		}
		return fmt.Sprintf("%d × %s", r.Environment.CPUs, r.Environment.CPUModel)
	}},
	{"memory", func(r study.RunSummary) string {
		if r.Environment.Memory == 0 {
			return ""
		}
		return r.Environment.Memory.String()
	}},
	{"reference workload", func(r study.RunSummary) string { return hostSpeed(r.HostSpeed) }},
	{"spec SHA-256", func(r study.RunSummary) string { return r.Environment.SpecHash }},
	{"workload SHA-256", func(r study.RunSummary) string { return r.Environment.WorkloadHash }},
}

// Contradictions are figures of imported sources that cannot all be true.
func Contradictions(a study.Analysis) Table {
	t := Table{Title: "Contradictions in the sources", Header: []string{"source", "what cannot all be true"}}
	for _, r := range a.Runs {
		if r.Import == nil {
			continue
		}
		for _, c := range r.Import.Contradictions {
			t.Rows = append(t.Rows, []string{r.Import.Source, c})
		}
	}
	return t
}

// hostSpeeds says of each run what its reference workload took.
func hostSpeeds(a study.Analysis) (lines []string) {
	for _, r := range a.Runs {
		if text := hostSpeed(r.HostSpeed); text != "" {
			lines = append(lines, fmt.Sprintf("Host speed, run %s: the reference workload took %s. No figure is adjusted by it.", r.Run, text))
		}
	}
	return lines
}

// hostSpeed is "2.10 s to 2.31 s in 5 blocks, a spread of 10 %".
func hostSpeed(h *study.HostSpeed) string {
	if h == nil {
		return ""
	}
	fastest, slowest := h.Range()
	if len(h.Blocks) == 1 {
		return Seconds(fastest) + ", once"
	}
	return fmt.Sprintf("%s to %s, %d times, a spread of %s", Seconds(fastest), Seconds(slowest), len(h.Blocks), percentOf(h.Spread))
}
