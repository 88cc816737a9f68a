package history

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// fact is one thing that can change between two nights and be a cause.
type fact struct{ name, value string }

// facts are what is known of how a cell was run in a night, in the order in
// which they are told. What was not recorded is left out.
func (r *Run) facts(cell trial.Cell) []fact {
	var all []fact
	add := func(name, value string) {
		if value != "" {
			all = append(all, fact{name, value})
		}
	}
	at := r.cell(cell)
	if at >= 0 {
		for _, f := range r.machineFacts(at) {
			add(f.name, f.value)
		}
	}
	e := r.Environment
	add("Kind", e.KindVersion)
	add("kernel", e.Kernel)
	if at >= 0 {
		for _, f := range settingFacts(r.Settings[at]) {
			add(f.name, f.value)
		}
	}
	for _, f := range imageFacts(e.Images) {
		add(f.name, f.value)
	}
	add("workload", short(e.WorkloadHash))
	add("spec", short(e.SpecHash))
	add("git revision", revision(e.GitRevision, e.GitDirty))
	add("stratbench", e.Stratbench)
	add("Go", e.GoVersion)
	add("system", e.OS)
	add("CPU", e.CPUModel)
	add("CPUs of the host", number(e.CPUs))
	add("memory of the host", amount(e.Memory))
	return all
}

const recipeOf, contextOf = "Dockerfile and arguments of ", "build context of "

// imageFacts has the context that all images share once.
func imageFacts(images []results.ImageSource) (all []fact) {
	shared := len(images) > 1
	for _, i := range images {
		all = append(all, fact{recipeOf + i.Image, short(i.Recipe)})
		shared = shared && i.Context == images[0].Context
	}
	if shared {
		return append(all, fact{contextOf + "all images", short(images[0].Context)})
	}
	for _, i := range images {
		all = append(all, fact{contextOf + i.Image, short(i.Context)})
	}
	return all
}

// machineFacts are those that the trials of a cell recorded; where they
// differ within a night, all values.
func (r *Run) machineFacts(cell int) []fact {
	of := func(name string, value func(results.Machine, *Trial) string) fact {
		var seen []string
		for _, t := range r.Trials {
			if t.Cell != cell || t.Standing == results.WarmUp {
				continue
			}
			if v := value(t.machine.Value(), t); v != "" && !slices.Contains(seen, v) {
				seen = append(seen, v)
			}
		}
		return fact{name, strings.Join(seen, ", ")}
	}
	return []fact{
		of(engineName(r.runtime(cell)), func(m results.Machine, _ *Trial) string { return m.EngineVersion }),
		of("node image", func(m results.Machine, _ *Trial) string { return m.NodeImage }),
		of("machine", func(m results.Machine, _ *Trial) string { return describe(m) }),
		of("memory limit", func(m results.Machine, _ *Trial) string { return amount(m.Room()) }),
		of("CPUs of the machine", func(m results.Machine, _ *Trial) string { return number(m.CPUs) }),
		of("tests in the suite", func(_ results.Machine, t *Trial) string { return number(t.Ran) }),
	}
}

// describe is the kind of a machine, and its engine's builder and storage driver.
func describe(m results.Machine) string {
	parts := []string{m.Kind, m.Builder, m.StorageDriver}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func (r *Run) runtime(cell int) string {
	for _, t := range r.Trials {
		if runtime := t.machine.Value().Runtime; t.Cell == cell && runtime != "" {
			return runtime
		}
	}
	return ""
}

func engineName(runtime string) string {
	switch runtime {
	case "":
		return "engine"
	case "podman":
		return "Podman"
	case "docker":
		return "Docker"
	}
	return runtime
}

// settingFacts flattens settings: "setting build.noCache" is true.
func settingFacts(settings string) []fact {
	var tree any
	if json.Unmarshal([]byte(settings), &tree) != nil {
		return nil
	}
	flat := map[string]string{}
	flatten(flat, "", tree)
	var all []fact
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		all = append(all, fact{"setting " + name, flat[name]})
	}
	return all
}

func flatten(flat map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			flatten(flat, strings.TrimPrefix(path+"."+key, "."), below)
		}
	case nil:
	case float64:
		if path == "memory" {
			flat[path] = amount(trial.Bytes(v))
			return
		}
		flat[path] = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		flat[path] = fmt.Sprint(v)
	}
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func revision(hash string, dirty bool) string {
	if dirty {
		return short(hash) + " with changes"
	}
	return short(hash)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func amount(b trial.Bytes) string {
	if b == 0 {
		return ""
	}
	return b.String()
}
