package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
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

// Causes lists what changed for a cell about the night since: in the night
// itself, the night before and the night after, in this order.
func (n Nights) Causes(cell trial.Cell, since int) []Cause {
	causes := []Cause{}
	for _, off := range []int{0, -1, 1} {
		at := since + off
		if at < 1 || at >= len(n.Runs) || n.Runs[at].cell(cell) < 0 {
			continue
		}
		before := at - 1
		for before >= 0 && n.Runs[before].cell(cell) < 0 {
			before--
		}
		if before < 0 {
			continue
		}
		for _, c := range differences(n.Runs[before].facts(cell), n.Runs[at].facts(cell)) {
			c.RunID, c.When, c.Nights = n.Runs[at].RunID, n.Runs[at].Environment.Started, off
			causes = append(causes, c)
		}
	}
	return causes
}

// These begin the names of facts.
const settingOf, recipeOf, contextOf = "setting ", "Dockerfile and arguments of ", "build context of "

// differences compares facts by their names. What older records lack has not changed; only a
// setting that was not there has. Facts that another cause implies are left out: the hash of
// a spec says nothing more when the setting is known.
func differences(before, after []fact) (causes []Cause) {
	value := func(facts []fact, name string) string {
		for _, f := range facts {
			if f.name == name {
				return f.value
			}
		}
		return ""
	}
	for _, f := range after {
		was := value(before, f.name)
		if was != f.value && (was != "" || strings.HasPrefix(f.name, settingOf)) {
			causes = append(causes, Cause{What: f.name, From: was, To: f.value})
		}
	}
	for _, f := range before {
		if strings.HasPrefix(f.name, settingOf) && value(after, f.name) == "" {
			causes = append(causes, Cause{What: f.name, From: f.value})
		}
	}
	return slices.DeleteFunc(slices.Clone(causes), func(c Cause) bool {
		return slices.ContainsFunc(causes, func(other Cause) bool { return implied(c.What, other.What) })
	})
}

// implied reports whether a fact follows from another.
func implied(what, by string) bool {
	image, isContext := strings.CutPrefix(what, contextOf)
	switch {
	case what == "spec":
		return strings.HasPrefix(by, settingOf) || by == "workload" || strings.HasPrefix(by, recipeOf)
	case what == "workload", isContext && image == "all images":
		return strings.HasPrefix(by, recipeOf)
	case what == "memory limit":
		return by == settingOf+"memory"
	}
	return isContext && by == recipeOf+image
}

// fact is one thing that can change between two nights and be a cause.
type fact struct{ name, value string }

// facts are what is known of how a planned cell was run in a night, in the order in
// which they are shown. What was not recorded is left out.
func (r *Run) facts(cell trial.Cell) []fact {
	at, e := r.cell(cell), r.Environment
	all := append(r.machineFacts(at), fact{"Kind", e.KindVersion}, fact{"kernel", e.Kernel})
	var settings any
	_ = json.Unmarshal([]byte(r.Settings[at]), &settings) // none where none were recorded
	flat := map[string]string{}
	flatten(flat, "", settings)
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		all = append(all, fact{settingOf + name, flat[name]})
	}
	shared := len(e.Images) > 1
	for _, i := range e.Images {
		all = append(all, fact{recipeOf + i.Image, short(i.Recipe)})
		shared = shared && i.Context == e.Images[0].Context
	}
	for _, i := range e.Images {
		if shared {
			all = append(all, fact{contextOf + "all images", short(i.Context)})
			break
		}
		all = append(all, fact{contextOf + i.Image, short(i.Context)})
	}
	revision := short(e.GitRevision)
	if e.GitDirty {
		revision += " with changes"
	}
	all = append(all, fact{"workload", short(e.WorkloadHash)}, fact{"spec", short(e.SpecHash)}, fact{"git revision", revision},
		fact{"stratbench", e.Stratbench}, fact{"Go", e.GoVersion}, fact{"system", e.OS}, fact{"CPU", e.CPUModel},
		fact{"CPUs of the host", known(e.CPUs)}, fact{"memory of the host", known(e.Memory)})
	return slices.DeleteFunc(all, func(f fact) bool { return f.value == "" })
}

// machineFacts are those that a cell's trials recorded; all values if they differ.
func (r *Run) machineFacts(cell int) []fact {
	engine, all := "", []fact{{name: "engine"}, {name: "node image"}, {name: "machine"}, {name: "memory limit"}, {name: "CPUs of the machine"}, {name: "tests in the suite"}}
	seen := make([][]string, len(all))
	for _, t := range r.Trials {
		m := t.machine.Value()
		if t.Cell != cell {
			continue
		}
		if engine = cmp.Or(engine, m.Runtime); t.Standing == results.WarmUp {
			continue
		}
		machine := []string{m.Kind, m.Builder, m.StorageDriver, map[bool]string{true: "rootless"}[m.Rootless]}
		machine = slices.DeleteFunc(machine, func(part string) bool { return part == "" })
		for i, v := range []string{m.EngineVersion, m.NodeImage, strings.Join(machine, ", "), known(m.Room()), known(m.CPUs), known(t.Ran)} {
			if v != "" && !slices.Contains(seen[i], v) {
				seen[i] = append(seen[i], v)
			}
		}
	}
	for i := range all {
		all[i].value = strings.Join(seen[i], ", ")
	}
	all[0].name = cmp.Or(map[string]string{"podman": "Podman", "docker": "Docker"}[engine], engine, "engine")
	return all
}

// flatten names values by their paths: build.noCache.
func flatten(flat map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			flatten(flat, strings.TrimPrefix(path+"."+key, "."), below)
		}
	case nil:
	case float64:
		if path == "memory" {
			flat[path] = known(trial.Bytes(v))
			return
		}
		flat[path] = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		flat[path] = fmt.Sprint(v)
	}
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// known prints an amount; 0 was not recorded.
func known[T ~int | ~int64](amount T) string {
	if amount == 0 {
		return ""
	}
	return fmt.Sprint(amount)
}

// Moved is a part of the pipeline whose time is not what it was.
type Moved struct {
	// Part is a phase, "image" and the name of an image that is built, or
	// HostPart.
	Part   string  `json:"part"`
	Before float64 `json:"before_seconds"`
	After  float64 `json:"after_seconds"`
}

const (
	// HostPart is the reference workload: what moves with it may be the host's doing.
	HostPart = "reference workload"
	// imagePart begins the name of a part that is the build of an image.
	imagePart = "image "
	// movedReach is how many nights on each side parts are compared over.
	movedReach = 7
)

// Moved lists the parts of a series whose median time changed by more than the
// share threshold at the night since, most first: of the set-up its phases and
// images, of the builds the images. Before them stands the host.
func (n Nights) Moved(s Series, since int, threshold float64) []Moved {
	all := []Moved{}
	if s.Metric.Unit() != study.UnitSeconds {
		return all
	}
	from, to := max(0, since-movedReach), min(len(n.Runs), since+movedReach)
	before, after := n.parts(s, from, since), n.parts(s, since, to)
	for part, times := range after {
		m := Moved{part, stats.Median(before[part]), stats.Median(times)}
		if math.Abs(m.After/m.Before-1) > threshold {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(x, y Moved) int {
		switch HostPart {
		case x.Part:
			return -1
		case y.Part:
			return 1
		}
		return cmp.Or(cmp.Compare(math.Abs(y.After-y.Before), math.Abs(x.After-x.Before)), cmp.Compare(x.Part, y.Part))
	})
	return all
}

// parts are the times of the parts of a series, in nights from until before end.
func (n Nights) parts(s Series, from, end int) map[string][]float64 {
	times := map[string][]float64{}
	add := func(part string, seconds float64) { times[part] = append(times[part], seconds) }
	for night := from; night < end; night++ {
		if r := n.Fitness[night].Reference; r > 0 {
			add(HostPart, float64(r))
		}
		if s.Metric != study.MetricSetup && s.Metric != study.Metric(trial.PhaseBuild) {
			continue
		}
		at := n.Runs[night].cell(s.Cell)
		for _, t := range n.Runs[night].Trials {
			if t.Cell != at || !t.counts() {
				continue
			}
			for _, p := range trial.Phases() {
				if v, ok := t.Of(study.Metric(p)); ok && s.Metric == study.MetricSetup {
					add(string(p), v)
				}
			}
			for _, b := range t.builds {
				add(imagePart+b.image.Value(), b.seconds)
			}
		}
	}
	return times
}
