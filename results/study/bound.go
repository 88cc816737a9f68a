package study

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

// LowerBound is the least time that a set-up could take on its machine, and what the
// rest of its time is. It is of one trial: of those without a crash that became ready
// and were not imported, the one with the median time.
type LowerBound struct {
	// Trial is empty where there is no such trial.
	Trial string `json:"trial"`
	Setup Value  `json:"setup_seconds"`
	// CriticalPath is what must follow each other: the cluster or the longest image
	// alone, whichever takes longer; then the load; then the deployment. Each is as
	// fast as it ever was in cells that differ in the strategy only.
	CriticalPath Value `json:"critical_path_seconds"`
	// Processors is the processor time over the processors; Disk is what was read and
	// written over the fastest speed of any second of the run.
	Processors Value `json:"processor_seconds_over_cpus"`
	Disk       Value `json:"disk_seconds"`
	// Bound is the largest of those that are known, and By its name.
	Bound Value  `json:"bound_seconds"`
	By    string `json:"by"`
	// Ratio is 1 where nothing could be faster.
	Ratio Value `json:"setup_over_bound"`
	// Rest is the time beyond the bound, by the phases in which it passed.
	Rest []Rest `json:"rest"`
	// Unknown are parts of the bound that the records do not carry, and why.
	Unknown []string `json:"unknown"`
}

// Rest is time beyond a bound.
type Rest struct {
	During  string `json:"during"`
	Seconds Value  `json:"seconds"`
}

// The names of what a bound is by.
const (
	ByCriticalPath = "critical path"
	ByProcessors   = "processors"
	ByDisk         = "disk"
)

func (s Study) lowerBound(c trial.Cell) LowerBound {
	b := LowerBound{Setup: none, CriticalPath: none, Processors: none, Disk: none, Bound: none, Ratio: none, Rest: []Rest{}, Unknown: []string{}}
	ready := filter(s.Of(c), func(o Observation) bool {
		return o.Ready && o.Setup > 0 && o.Record.Crash == nil && o.Record.Imported == nil
	})
	if len(ready) == 0 {
		return b
	}
	slices.SortStableFunc(ready, func(x, y Observation) int { return cmp.Compare(x.Setup, y.Setup) })
	o := ready[(len(ready)-1)/2]
	b.Trial, b.Setup = o.Record.Trial.ID, Value(o.Setup)
	parts := stretches(o.Record)
	take := func(by string, seconds *Value, covered []float64, unknown string) {
		if unknown != "" {
			b.Unknown = append(b.Unknown, by+": "+unknown)
			return
		}
		*seconds = 0
		for _, part := range covered {
			*seconds += Value(part)
		}
		if !(*seconds > b.Bound) && b.Bound.Finite() {
			return
		}
		b.Bound, b.By, b.Ratio, b.Rest = *seconds, by, b.Setup / *seconds, rest(parts, covered)
	}
	// What each stretch took, by the samples, of what the machine has in a second.
	used := func(by string, seconds *Value, machine float64, of func(stretch) float64, unknown string) {
		var covered []float64
		if len(o.Record.Samples) > 1 && len(parts) > 0 && machine > 0 {
			unknown = ""
			for _, part := range parts {
				covered = append(covered, of(part)/machine)
			}
		}
		take(by, seconds, covered, unknown)
	}
	covered, unknown := s.criticalPath(c, o, parts)
	take(ByCriticalPath, &b.CriticalPath, covered, unknown)
	used(ByProcessors, &b.Processors, o.Record.Processors(), func(p stretch) float64 {
		return processorTime(o.Record.Samples, trial.Span{Start: p.from, End: p.to}).Duration().Seconds()
	}, "no samples of the processor time are recorded")
	used(ByDisk, &b.Disk, s.fastestDisk(o.Run), func(p stretch) float64 {
		return grown(o.Record.Samples, p.from, p.to, transferred)
	}, "no samples of what was read and written are recorded")
	return b
}

// stretch is a part of a set-up in which the same phases run.
type stretch struct {
	phases   []trial.Phase
	from, to trial.Seconds
}

func (s stretch) length() float64 { return (s.to - s.from).Duration().Seconds() }

// alone reports whether the phase runs, and none of those before it any more.
func (s stretch) alone(p trial.Phase) bool {
	before := trial.Phases()[:slices.Index(trial.Phases(), p)]
	return slices.Contains(s.phases, p) && !slices.ContainsFunc(before, func(p trial.Phase) bool { return slices.Contains(s.phases, p) })
}

// stretches are a set-up from its first phase to its last.
func stretches(r *results.Record) (all []stretch) {
	phases := slices.DeleteFunc(slices.Clone(r.Spans), func(s trial.Span) bool { return !s.IsPhase() || !s.EndedWell() || s.Phase == trial.PhaseTest })
	var cuts []trial.Seconds
	for _, s := range phases {
		cuts = append(cuts, s.Start, s.End)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		part := stretch{from: cuts[i-1], to: cuts[i]}
		for _, s := range phases {
			if s.Start <= part.from && part.to <= s.End {
				part.phases = append(part.phases, s.Phase)
			}
		}
		all = append(all, part)
	}
	return all
}

// rest is what is not covered of each stretch, by its phases, the most first.
func rest(parts []stretch, covered []float64) []Rest {
	during := map[string]Value{}
	for i, part := range parts {
		var names []string
		for _, p := range part.phases {
			names = append(names, string(p))
		}
		during[cmp.Or(strings.Join(names, " + "), "between phases")] += Value(part.length() - covered[i])
	}
	all := []Rest{}
	for _, name := range slices.Sorted(maps.Keys(during)) {
		if during[name] > 0 {
			all = append(all, Rest{name, during[name]})
		}
	}
	slices.SortStableFunc(all, func(a, b Rest) int { return cmp.Compare(b.Seconds, a.Seconds) })
	return all
}

// criticalPath is how much of each stretch its parts take.
func (s Study) criticalPath(c trial.Cell, o Observation, parts []stretch) (covered []float64, unknown string) {
	if len(parts) == 0 {
		return nil, "no phases are recorded"
	}
	alike := filter(s.butStrategy(c), func(o Observation) bool { return o.Ready && o.Record.Crash == nil && len(stretches(o.Record)) > 0 })
	longest, unknown := s.longestImage(c, o)
	if unknown != "" {
		return nil, unknown
	}
	covered = make([]float64, len(parts))
	cover := func(seconds float64, is func(stretch) bool) {
		for i, part := range parts {
			if is(part) {
				now := min(seconds, part.length()-covered[i])
				covered[i], seconds = covered[i]+now, seconds-now
			}
		}
	}
	for _, p := range []trial.Phase{trial.PhaseCluster, trial.PhaseLoad, trial.PhaseDeploy} {
		is, least := func(s stretch) bool { return s.alone(p) }, math.Inf(1)
		for _, o := range alike {
			took := 0.0
			for _, part := range stretches(o.Record) {
				if is(part) {
					took += part.length()
				}
			}
			least = min(least, took)
		}
		if p == trial.PhaseCluster && longest > least {
			is, least = func(s stretch) bool { return slices.Contains(s.phases, trial.PhaseBuild) }, longest
		}
		cover(least, is)
	}
	return covered, ""
}

// longestImage is what the image takes that takes longest: alone, or, if images are
// pulled, as fast as it was ever pulled in the cell. It is 0 without images.
func (s Study) longestImage(c trial.Cell, o Observation) (longest float64, unknown string) {
	alone := s.alone(c)
	for _, b := range builds(o.Record) {
		if len(alone[b.Image]) == 0 {
			return 0, fmt.Sprintf("%s was never built alone, as by the strategy serial", b.Image)
		}
		longest = max(longest, stats.Median(alone[b.Image]))
	}
	pulls := map[string][]float64{}
	for _, other := range s.Of(c) {
		for _, span := range other.Record.Spans {
			if span.Phase == trial.PhaseBuild && span.Name == "pull "+span.Image && span.EndedWell() {
				pulls[span.Image] = append(pulls[span.Image], span.Length().Duration().Seconds())
			}
		}
	}
	for _, took := range pulls {
		longest = max(longest, slices.Min(took))
	}
	return longest, ""
}

func transferred(s trial.Sample) float64 { return float64(s.Read + s.Written) }

// fastestDisk is the most that was read and written in any second of the run.
func (s Study) fastestDisk(run string) (fastest float64) {
	for _, o := range s.Trials {
		samples := o.Record.Samples
		for i := 1; i < len(samples) && o.Run == run; i++ {
			if length := samples[i].At - samples[i-1].At; length.Duration() >= time.Second/2 {
				fastest = max(fastest, (transferred(samples[i])-transferred(samples[i-1]))/length.Duration().Seconds())
			}
		}
	}
	return fastest
}
