package run

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
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
			{s.Build.Cache.Used(), "build.cache: the set-up command builds by itself; take the setting out"},
			{s.Build.CacheStart != "", "build.cacheStart: the set-up command builds by itself; take the setting out"},
			{s.Cluster == trial.ClusterPrebooted, "cluster prebooted: the set-up command makes its cluster by itself; take the setting out"},
			{s.Load.When == trial.LoadAsBuilt, "load.when asBuilt: the set-up command loads by itself; take the setting out"},
			{s.Load.Path == trial.LoadNodePull, "load.path node-pull: the set-up command loads by itself; take the setting out"},
			{s.Deploy.When == trial.DeployAsLoaded, "deploy.when asLoaded: the set-up command deploys by itself; take the setting out"},
			{adapts && !followsSchedule(*w.Setup), "strategy " + s.Strategy + ": the set-up command gets neither {{schedule}} nor {{strategy}}, so it cannot start builds by the machine's memory; pass one of them to it (docs/use-in-your-suite.md), or take the strategy out"},
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
	switch {
	case len(w.Images) == 0:
	case s.Load.Path == trial.LoadNodePull && !c.strategy.Pull:
		errs = append(errs, pointless("load.path", "strategy", "load.path node-pull: the strategy %s builds, and nodes can pull only what was pushed; use the strategy registry, or load.path: archive", s.Strategy))
	case cached && c.strategy.Pull:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s pulls, and nothing is built; use a strategy that builds, or build.cache: none", s.Build.Cache, s.Strategy))
	case cached && c.strategy.Shares:
		errs = append(errs, pointless("build.cache", "strategy", "build.cache %s: the strategy %s builds common stages first, which have no cache of their own; use another strategy, or build.cache: none", s.Build.Cache, s.Strategy))
	case c.strategy.Adapts:
		errs = append(errs, builtFromEachOther(c))
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

// followsSchedule reports whether a set-up command gets the schedule or the strategy, and
// not only the number of images to build at a time.
func followsSchedule(s spec.Setup) bool {
	const here = "\x00"
	texts := slices.AppendSeq(slices.Clone(s.Command), maps.Values(s.Env))
	return slices.ContainsFunc(texts, func(text string) bool {
		return strings.Contains(spec.Fill(text, map[string]string{"schedule": here, "strategy": here}), here)
	})
}

// builtFromEachOther reports an image that is built from another one of the workload: a
// strategy that adapts would choose the order of the two.
func builtFromEachOther(c resolved) error {
	for _, image := range c.workload.Images {
		args := map[string]string{}
		maps.Copy(args, image.Args)
		maps.Copy(args, c.settings.Build.Args)
		for _, name := range slices.Sorted(maps.Keys(args)) {
			if other, is := namedByArgument(c.workload, args[name]); is && other.Name != image.Name {
				return fmt.Errorf("strategy %s: it chooses the order of builds, and %s is built from %s (argument %s); use serial, or stages of your own under strategies", c.settings.Strategy, image.Name, other.Name, name)
			}
		}
	}
	return nil
}
