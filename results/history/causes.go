package history

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Cause is something that changed about when a series did. That it changed
// then is all that is known of it.
type Cause struct {
	// What changed, from one value to another; an empty one was not recorded.
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
	// RunID is the first run with the new value, and When it began.
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
	// Nights is how many nights after the change of the series, or before it
	// where negative. 0 is the same night.
	Nights int `json:"nights_off"`
}

// Moved is a part of the pipeline whose time is not what it was.
type Moved struct {
	// Part is a phase, "image" and the name of an image that is built, or
	// HostPart.
	Part   string  `json:"part"`
	Before float64 `json:"before_seconds"`
	After  float64 `json:"after_seconds"`
}

// by reports whether the part moved by more than a share, as far as is known.
func (m Moved) by(share float64) bool { return math.Abs(m.After/m.Before-1) > share }

// causeReach is by how many nights a change point may lie beside its cause.
const causeReach = 1

// Causes lists what changed for a cell about the night since, the night of the
// change itself first. Details that another cause implies are left out: the
// hash of a spec says nothing more when the setting is known.
func (n Nights) Causes(cell trial.Cell, since int) (causes []Cause) {
	for _, off := range []int{0, -1, 1} {
		at := since + off
		before := n.withCell(cell, at-1)
		if max(off, -off) > causeReach || at < 1 || at >= len(n.Runs) || before < 0 || n.Runs[at].cell(cell) < 0 {
			continue
		}
		for _, c := range differences(n.Runs[before].facts(cell), n.Runs[at].facts(cell)) {
			c.RunID, c.When, c.Nights = n.Runs[at].RunID, n.Runs[at].Environment.Started, off
			causes = append(causes, c)
		}
	}
	return causes
}

// withCell is the last night up to at in which the cell was run.
func (n Nights) withCell(cell trial.Cell, at int) int {
	for ; at >= 0; at-- {
		if n.Runs[at].cell(cell) >= 0 {
			return at
		}
	}
	return -1
}

// differences compares facts by their names.
func differences(before, after []fact) (causes []Cause) {
	value := func(facts []fact, name string) string {
		i := slices.IndexFunc(facts, func(f fact) bool { return f.name == name })
		if i < 0 {
			return ""
		}
		return facts[i].value
	}
	for _, f := range after {
		if was := value(before, f.name); was != f.value && comparableFact(f.name, was) {
			causes = append(causes, Cause{What: f.name, From: was, To: f.value})
		}
	}
	for _, f := range before {
		if strings.HasPrefix(f.name, "setting ") && value(after, f.name) == "" {
			causes = append(causes, Cause{What: f.name, From: f.value})
		}
	}
	return withoutImplied(causes)
}

// comparableFact is false for what an older record may simply lack: only a
// setting that was not there has changed.
func comparableFact(name, was string) bool { return was != "" || strings.HasPrefix(name, "setting ") }

// implied says whether a fact says no more than another that it follows from.
func implied(what, by string) bool {
	image, isContext := strings.CutPrefix(what, contextOf)
	switch {
	case what == "spec":
		return strings.HasPrefix(by, "setting ") || by == "workload" || strings.HasPrefix(by, recipeOf)
	case what == "workload":
		return strings.HasPrefix(by, recipeOf)
	case what == "memory limit":
		return by == "setting memory"
	case isContext && image == "all images":
		return strings.HasPrefix(by, recipeOf)
	case isContext:
		return by == recipeOf+image
	}
	return false
}

func withoutImplied(causes []Cause) []Cause {
	return slices.DeleteFunc(slices.Clone(causes), func(c Cause) bool {
		return slices.ContainsFunc(causes, func(other Cause) bool { return implied(c.What, other.What) })
	})
}

// imagePart begins the name of a part that is the build of an image.
const imagePart = "image "

// movedReach is how many nights on each side parts are compared over.
const movedReach = 7

// HostPart is the reference workload: what moves with it may be the host's
// doing.
const HostPart = "reference workload"

// Moved lists the parts of a series whose median time changed by more than the
// share threshold at the night since, most first: of the set-up its phases and
// images, of the builds the images. Before them stands the host.
func (n Nights) Moved(s Series, since int, threshold float64) (moved []Moved) {
	if s.Metric.Unit() == study.UnitSeconds {
		moved = n.hostMoved(since, threshold)
	}
	return append(moved, n.partsMoved(s, since, threshold)...)
}

func (n Nights) hostMoved(since int, threshold float64) []Moved {
	of := func(nights []Fitness) (times []float64) {
		for _, f := range nights {
			if f.Reference > 0 {
				times = append(times, f.Reference)
			}
		}
		return times
	}
	m := Moved{HostPart, stats.Median(of(n.Fitness[max(0, since-movedReach):since])),
		stats.Median(of(n.Fitness[since:min(len(n.Fitness), since+movedReach)]))}
	if !m.by(threshold) {
		return nil
	}
	return []Moved{m}
}

func (n Nights) partsMoved(s Series, since int, threshold float64) (moved []Moved) {
	if s.Metric != study.MetricSetup && s.Metric != study.Metric(trial.PhaseBuild) {
		return nil
	}
	cell := s.Cell
	before := n.parts(cell, max(0, since-movedReach), since)
	after := n.parts(cell, since, min(len(n.Runs), since+movedReach))
	for part, times := range after {
		m := Moved{part, stats.Median(before[part]), stats.Median(times)}
		if m.by(threshold) && (strings.HasPrefix(part, imagePart) || s.Metric == study.MetricSetup) {
			moved = append(moved, m)
		}
	}
	slices.SortFunc(moved, func(x, y Moved) int {
		return cmp.Or(cmp.Compare(math.Abs(y.After-y.Before), math.Abs(x.After-x.Before)), cmp.Compare(x.Part, y.Part))
	})
	return moved
}

// parts are the times of a cell's phases and builds in nights from until before end.
func (n Nights) parts(cell trial.Cell, from, end int) map[string][]float64 {
	times := map[string][]float64{}
	for _, r := range n.Runs[from:end] {
		at := r.cell(cell)
		for _, t := range r.Trials {
			if at < 0 || t.Cell != at || !t.counts() {
				continue
			}
			for _, p := range trial.Phases() {
				if v, ok := t.Of(study.Metric(p)); ok {
					times[string(p)] = append(times[string(p)], v)
				}
			}
			for _, b := range t.Builds {
				times[imagePart+b.Image] = append(times[imagePart+b.Image], b.Seconds)
			}
		}
	}
	return times
}
