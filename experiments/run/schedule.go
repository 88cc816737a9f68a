package run

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// checkSchedule reports the settings of a cell that the workload cannot follow.
func checkSchedule(c resolved) error {
	s, w := c.settings, c.workload
	var errs []error
	if w.Setup != nil {
		adapts := c.strategy.Adapts && len(w.Images) > 0
		for _, of := range []struct {
			asked bool
			why   string
		}{
			{s.OnCrash == trial.CrashSerial, "onCrash serial: the set-up command builds by itself, and stratbench cannot finish its work; write onCrash: fail, and have the command recover by itself (docs/use-in-your-suite.md)"},
			{s.Etcd == trial.EtcdNoSync, "etcd noFsync: the set-up command makes its cluster by itself; patch the Kind configuration that it uses, or take the setting out"},
			{s.DNS == trial.DNSQuick, "dns quick: the set-up command makes its cluster by itself; set the period of CoreDNS's readiness probe there, or take the setting out"},
			{s.Build.Cache.Used(), "build.cache: the set-up command builds by itself; take the setting out"},
			{s.Build.CacheStart != "", "build.cacheStart: the set-up command builds by itself; take the setting out"},
			{s.Cluster == trial.ClusterPrebooted, "cluster prebooted: the set-up command makes its cluster by itself; take the setting out"},
			{s.Load.When == trial.LoadAsBuilt, "load.when asBuilt: the set-up command loads by itself; take the setting out"},
			{s.Load.Path == trial.LoadShared, "load.path shared: the set-up command loads by itself; take the setting out"},
			{s.Load.Path == trial.LoadRegistry, "load.path registry: the set-up command loads by itself; take the setting out"},
			{s.Load.Path == trial.LoadNodePull, "load.path node-pull: the set-up command loads by itself; take the setting out"},
			{s.Deploy.When == trial.DeployAsLoaded, "deploy.when asLoaded: the set-up command deploys by itself; take the setting out"},
			{c.strategy.Pull, "strategy " + s.Strategy + " pulls images that stratbench has built and pushed before, and stratbench does not know the images of a set-up command; leave the strategy out, or have the command pull by itself under a strategy of its own"},
			{adapts && !takes(*w.Setup, "schedule", "strategy"), "strategy " + s.Strategy + ": the set-up command gets neither {{schedule}} nor {{strategy}}, so it cannot start builds by the machine's memory; pass one of them to it (docs/use-in-your-suite.md), or take the strategy out"},
		} {
			if of.asked {
				errs = append(errs, errors.New(of.why))
			}
		}
		return errors.Join(errs...)
	}
	if s.Load.When == trial.LoadAsBuilt && s.ClusterStart == trial.ClusterAfter {
		errs = append(errs, errors.New("load.when asBuilt: with clusterStart after, there is no cluster while images are built; write clusterStart: before or with, or load.when: after"))
	}
	if s.Deploy.When == trial.DeployAsLoaded {
		errs = append(errs, checkDeployAsLoaded(s, w))
	}
	_, noCacheVaried := c.spec.LevelNames("build.noCache")
	_, cacheVaried := c.spec.LevelNames("build.cache")
	cached := s.Build.Cache.Used()
	switch {
	case cached && s.Build.NoCache && noCacheVaried:
		errs = append(errs, pointless("build.cache", "build.noCache", "build.cache %s: with build.noCache: true, every step runs again and finds nothing in a cache; use build.noCache: false, or build.cache: none", s.Build.Cache))
	case cached && s.Build.NoCache:
		errs = append(errs, fmt.Errorf("build.cache %s: build.noCache, which is true by default, runs every step again and finds nothing in a cache; write build: {noCache: false} under settings", s.Build.Cache))
	case !cached && s.Build.CacheStart != "" && !cacheVaried:
		errs = append(errs, fmt.Errorf("build.cacheStart %s: there is no cache, because build.cache is none; write local or registry there, or take the setting out", s.Build.CacheStart))
	}
	if i := slices.IndexFunc(w.Images, func(i spec.Image) bool { return len(i.Command) > 0 }); i >= 0 && cached {
		errs = append(errs, fmt.Errorf("build.cache %s: a command builds the image %s, and has a cache of its own or none; take the setting out", s.Build.Cache, w.Images[i].Name))
	}
	if len(w.Images) == 0 {
		return errors.Join(errs...)
	}
	switch {
	case s.Load.Path == trial.LoadNodePull && !c.strategy.Pull:
		errs = append(errs, pointless("load.path", "strategy", "load.path node-pull: the strategy %s builds, and nodes can pull only what was pushed; use the strategy registry, or load.path: archive", s.Strategy))
	case s.Load.Path == trial.LoadRegistry && c.strategy.Pull:
		errs = append(errs, pointless("load.path", "strategy", "load.path registry: the images of the strategy %s are in a registry before the trial; write load.path: node-pull, or use a strategy that builds", s.Strategy))
	case cached && c.strategy.Pull:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s pulls, and nothing is built; use a strategy that builds, or build.cache: none", s.Build.Cache, s.Strategy))
	case cached && c.strategy.Shares:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s builds common stages first, which have no cache of their own; use another strategy, or build.cache: none", s.Build.Cache, s.Strategy))
	}
	return errors.Join(append(errs, outOfOrder(c))...)
}

// checkDeployAsLoaded reports what is not possible with a deployment beside the builds.
func checkDeployAsLoaded(s spec.Settings, w spec.Workload) error {
	if s.ClusterStart == trial.ClusterAfter {
		return errors.New("deploy.when asLoaded: with clusterStart after, there is no cluster while images are built; write clusterStart: before or with, or deploy.when: after")
	}
	if len(w.Hooks[trial.PhaseDeploy].Before) > 0 || len(w.Hooks[trial.PhaseLoad].After) > 0 {
		return errors.New("deploy.when asLoaded: the hooks before deploy and after load would not run between the two; make them a step with a command, or write deploy.when: after")
	}
	for i, step := range w.Steps() {
		if step.Timeout > 0 && step.Wait == nil {
			return fmt.Errorf("deploy.when asLoaded: the timeout of step %d of the deployment would include the time in which it waits for images; take it out, or write deploy.when: after", i+1)
		}
	}
	return nil
}

// takes reports whether a set-up command gets one of these values in its arguments or its
// env.
func takes(s spec.Setup, names ...string) bool {
	const here = "\x00"
	values := map[string]string{}
	for _, name := range names {
		values[name] = here
	}
	texts := slices.AppendSeq(slices.Clone(s.Command), maps.Values(s.Env))
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(spec.Fill(text, values), here) })
}

// outOfOrder reports an image that a strategy does not build after the image of the
// workload on which it is built. The images of a strategy that pulls were built
// beforehand, one by one in the workload's order.
func outOfOrder(c resolved) error {
	strategy := c.strategy
	if strategy.Pull {
		strategy, _ = strategies.Named(strategies.Serial, nil) // it is built in
	}
	schedule, err := strategy.Schedule(c.workload.ToSchedule())
	if err != nil {
		return nil // loading has reported it
	}
	schedule.Strategy = c.settings.Strategy
	return OutOfOrder(c.workload, c.settings.Build.Args, schedule)
}

// OutOfOrder reports an image that a schedule begins before the one on which it is built,
// as seen with these build arguments, is finished.
func OutOfOrder(w spec.Workload, args map[string]string, s strategies.Schedule) error {
	before := func(base, image string) bool {
		for _, stage := range s.Stages {
			first, then := slices.Index(stage.Images, base), slices.Index(stage.Images, image)
			if first >= 0 || then >= 0 {
				return then < 0 || first >= 0 && first < then && stage.Concurrency == 1
			}
		}
		return false
	}
	for _, image := range w.Images {
		for _, base := range w.Images {
			if how := builtOn(w, args, image, base); how != "" && !before(base.Name, image.Name) {
				return fmt.Errorf("strategy %s: it does not finish %s before it begins %s, which is built on it (%s); use serial, with %s first in the workload, or stages of your own under strategies",
					s.Strategy, base.Name, image.Name, how, base.Name)
			}
		}
	}
	return nil
}

// imageVariable is a variable with the name of an image on the engine.
var imageVariable = regexp.MustCompile(`\bSTRATBENCH_IMAGE_([A-Z0-9_]+)`)

// builtOn describes how an image is built on another one: a build argument or a further
// context names the other, or the command has the other's variable. It is empty for an
// image that is not built on the other.
func builtOn(w spec.Workload, args map[string]string, image, base spec.Image) (how string) {
	if image.Name == base.Name {
		return ""
	}
	given := map[string]string{}
	maps.Copy(given, image.Args)
	maps.Copy(given, args)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if named, is := namedByArgument(w, given[name]); is && named.Name == base.Name {
			return "argument " + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(image.Contexts)) {
		if named, is := namedByContext(w, image.Contexts[name]); is && named.Name == base.Name {
			return "context " + name
		}
	}
	own := strings.ToUpper(strings.ReplaceAll(base.Name, "-", "_"))
	for _, m := range imageVariable.FindAllStringSubmatch(strings.Join(image.Command, " "), -1) {
		if m[1] == own {
			return "variable " + m[0]
		}
	}
	return ""
}

// pointlessError means that levels of a cell make no sense together.
type pointlessError struct {
	// of are the settings with these levels.
	of   []string
	text string
}

func (e *pointlessError) Error() string { return e.text }

func pointless(one, other, format string, args ...any) error {
	return &pointlessError{[]string{one, other}, fmt.Sprintf(format, args...)}
}

// leaveOut is how the spec leaves out the cells with these levels. It is empty if fewer
// than two of them are varied: then the message itself has the cure.
func (e *pointlessError) leaveOut(cell trial.Cell) string {
	levels := levelsOf(cell, e.of)
	if len(levels) < 2 {
		return ""
	}
	var entry yaml.Node
	_ = entry.Encode(levels) // never fails for texts
	entry.Style = yaml.FlowStyle
	text, _ := yaml.Marshal(&entry)
	return fmt.Sprintf("; to leave such cells out, write leaveOut: [%s] under design", strings.TrimSpace(string(text)))
}

// levelsOf are the levels of a cell of those settings that are varied.
func levelsOf(cell trial.Cell, settings []string) trial.Levels {
	levels := trial.Levels{}
	for _, setting := range settings {
		if level, varied := cell.Level(setting); varied {
			levels[setting] = level
		}
	}
	return levels
}

// idle are settings whose levels may do nothing beside each other, and why.
var idle = []struct {
	of  []string
	why string
}{
	{[]string{"build.cache", "build.cacheStart"}, "a build cache that is none, or local and cold, has nothing in it"},
	{[]string{"load.together", "load.when", "load.path"}, "images that are loaded as they are built, or pulled by the nodes, travel one by one"},
}

// effectOf is the same for cells that differ only in levels that do nothing.
func effectOf(c resolved) string {
	s, others := c.settings, slices.Clone(c.Cell)
	for _, group := range idle {
		others = slices.DeleteFunc(others, func(a trial.Assignment) bool { return slices.Contains(group.of, a.Factor) })
	}
	cache := s.Build.Cache
	if !s.Build.Warm() && cache != trial.CacheRegistry {
		cache = ""
	}
	together := s.Load.Together && s.Load.When != trial.LoadAsBuilt && s.Load.Path != trial.LoadNodePull && s.Load.Path != trial.LoadRegistry
	return fmt.Sprintf("%s\n%q %v %q %q %v", others.Key(), cache, s.Build.Warm(), s.Load.When, s.Load.Path, together)
}

// plainest finds the cell to keep of those with the same effect: the first one without a
// build cache, or else the first one.
func (r *runner) plainest() map[string]trial.Cell {
	kept, cached := map[string]trial.Cell{}, map[string]bool{}
	for _, cell := range r.plan.Cells {
		c, err := r.cell(cell)
		if err != nil {
			continue // preflight reports it
		}
		effect, used := effectOf(c), c.settings.Build.Cache.Used()
		if _, known := kept[effect]; !known || cached[effect] && !used {
			kept[effect], cached[effect] = cell, used
		}
	}
	return kept
}

// sameAs reports a cell that does what another one does, which is kept.
func sameAs(kept, cell trial.Cell) error {
	for _, group := range idle {
		of := levelsOf(kept, group.of)
		for _, setting := range group.of {
			if level, varied := cell.Level(setting); varied && level != of[setting] {
				return &pointlessError{group.of, fmt.Sprintf("%s %s: %s, so this does what %s does, and one of the two is enough", setting, level, group.why, of)}
			}
		}
	}
	return nil
}
