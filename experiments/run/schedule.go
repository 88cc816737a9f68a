package run

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// checkSchedule reports the settings of a cell that the workload cannot follow.
func checkSchedule(asked *spec.Spec, s spec.Settings, w spec.Workload) error {
	var errs []error
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
		{s.Load.Path == trial.LoadNodePull, "load.path node-pull: the set-up command loads by itself; take the setting out"},
		{s.Deploy.When == trial.DeployAsLoaded, "deploy.when asLoaded: the set-up command deploys by itself; take the setting out"},
	} {
		if w.Setup != nil && of.asked {
			errs = append(errs, errors.New(of.why))
		}
	}
	if s.Load.When == trial.LoadAsBuilt && w.Setup == nil && s.ClusterStart == trial.ClusterAfter {
		errs = append(errs, errors.New("load.when asBuilt: with clusterStart after, there is no cluster while images are built; write clusterStart: before or with, or load.when: after"))
	}
	if s.Deploy.When == trial.DeployAsLoaded && w.Setup == nil {
		errs = append(errs, checkDeployAsLoaded(s, w))
	}
	_, varied := asked.LevelNames("build.noCache")
	switch {
	case !s.Build.Cache.Used() || !s.Build.NoCache || w.Setup != nil:
	case varied:
		errs = append(errs, pointless("build.cache", "build.noCache", "build.cache %s: with build.noCache: true, every step runs again and finds nothing in a cache; use build.noCache: false, or build.cache: none", s.Build.Cache))
	default:
		errs = append(errs, fmt.Errorf("build.cache %s: build.noCache, which is true by default, runs every step again and finds nothing in a cache; write build: {noCache: false} under settings", s.Build.Cache))
	}
	if i := slices.IndexFunc(w.Images, func(i spec.Image) bool { return len(i.Command) > 0 }); i >= 0 && s.Build.Cache.Used() && w.Setup == nil {
		errs = append(errs, fmt.Errorf("build.cache %s: a command builds the image %s, and has a cache of its own or none; take the setting out", s.Build.Cache, w.Images[i].Name))
	}
	if _, varied := asked.LevelNames("build.cache"); s.Build.CacheStart != "" && !s.Build.Cache.Used() && !varied && w.Setup == nil {
		errs = append(errs, fmt.Errorf("build.cacheStart %s: there is no cache, because build.cache is none; write local or registry there, or take the setting out", s.Build.CacheStart))
	}
	if s.Strategy == "" || len(w.Images) == 0 {
		return errors.Join(errs...)
	}
	strategy, err := strategies.Named(s.Strategy, asked.Strategies)
	switch {
	case err != nil:
		errs = append(errs, err)
	case w.Setup == nil && s.Load.Path == trial.LoadNodePull && !strategy.Pull:
		errs = append(errs, pointless("load.path", "strategy", "load.path node-pull: the strategy %s builds, and nodes can pull only what was pushed; use the strategy registry, or load.path: archive", s.Strategy))
	case w.Setup == nil && s.Build.Cache.Used() && strategy.Pull:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s pulls, and nothing is built; use a strategy that builds, or build.cache: none", s.Build.Cache, s.Strategy))
	case w.Setup == nil && s.Build.Cache.Used() && strategy.Shares:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s builds common stages first, which have no cache of their own; use another strategy, or build.cache: none", s.Build.Cache, s.Strategy))
	case strategy.Adapts && w.Setup != nil && !takes(*w.Setup, "schedule", "strategy"):
		errs = append(errs, fmt.Errorf("strategy %s: the set-up command gets neither {{schedule}} nor {{strategy}}, so it cannot start builds by the machine's memory; pass one of them to it (docs/use-in-your-suite.md), or take the strategy out", s.Strategy))
	}
	if err == nil && w.Setup == nil {
		errs = append(errs, outOfOrder(strategy, s, w))
	}
	return errors.Join(errs...)
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

// outOfOrder reports an image that a strategy does not build after the one of the workload
// on which it is built. The images of a strategy that pulls were built beforehand, one by
// one in the workload's order.
func outOfOrder(strategy strategies.Strategy, s spec.Settings, w spec.Workload) error {
	if strategy.Pull {
		strategy, _ = strategies.Named(strategies.Serial, nil) // built in
	}
	schedule, err := strategy.Schedule(w.ToSchedule())
	if err != nil {
		return nil // loading has reported it
	}
	before := func(base, image string) bool {
		for _, stage := range schedule.Stages {
			first, then := slices.Index(stage.Images, base), slices.Index(stage.Images, image)
			if first >= 0 || then >= 0 {
				return then < 0 || first >= 0 && first < then && stage.Concurrency == 1
			}
		}
		return false
	}
	for _, image := range w.Images {
		for _, base := range w.Images {
			if how := builtOn(w, image, base, s.Build.Args); how != "" && !before(base.Name, image.Name) {
				return fmt.Errorf("strategy %s: it does not finish %s before it begins %s, which is built on it (%s); use serial, with %s first in the workload, or stages of your own under strategies",
					s.Strategy, base.Name, image.Name, how, base.Name)
			}
		}
	}
	return nil
}

// imageVariable is a variable with the name of an image on the engine.
var imageVariable = regexp.MustCompile(`\bSTRATBENCH_IMAGE_([A-Z0-9_]+)`)

// builtOn is how an image is seen to be built on another one: a build argument names
// the other, or its command has the other's variable. It is empty if it is not.
func builtOn(w spec.Workload, image, base spec.Image, common map[string]string) (how string) {
	if image.Name == base.Name {
		return ""
	}
	args := map[string]string{}
	maps.Copy(args, image.Args)
	maps.Copy(args, common)
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if named, is := namedByArgument(w, args[name]); is && named.Name == base.Name {
			return "argument " + name
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
