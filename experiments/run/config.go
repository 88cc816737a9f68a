package run

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// workDir is where a worker keeps its own small files, in its machine.
const workDir = "/tmp/stratbench"

// config is what the worker is told. stop ends what the trial needs beside its
// machine.
func (x *execution) config(p place, m machine.Machine) (cfg pipeline.Config, stop func(), err error) {
	schedule, err := x.schedule()
	if err != nil {
		return cfg, nil, err
	}
	w, s := x.workload, x.settings
	deployment, err := x.deployment()
	if err != nil {
		return cfg, nil, err
	}
	cfg = clusterOf(p, s, w)
	cfg.TrialID, cfg.Endpoint, cfg.ClusterName = x.trial.ID, m.Endpoint(), clusterName(x.r.me.Mark, x.trial.ID)
	cfg.ClusterStart, cfg.Schedule, cfg.NoCache = s.ClusterStart, schedule, s.Build.NoCache
	cfg.LoadTogether, cfg.LoadAsBuilt = s.Load.Together, s.Load.When == trial.LoadAsBuilt
	cfg.NodePull = s.Load.Path == trial.LoadNodePull && schedule.Pull
	cfg.Deploy, cfg.ReadyURLs = deployment, w.Ready.URLs
	cfg.Test = pipeline.Test{Command: w.Test.Command, Dir: w.Test.Dir, Env: w.Test.Env,
		Format: string(w.Test.Format), Report: w.Test.Report, KnownFailures: w.Test.KnownFailures}
	cfg.Limits, cfg.Silence = x.spec.Limits.Phase, x.spec.Limits.Silence
	if x.again() {
		cfg.Again = &pipeline.Again{Began: x.began}
	}
	if s.Cluster == trial.ClusterPrebooted {
		cfg.ClusterName, cfg.Prebooted = prebootedName, x.do == jobTrial && !x.again()
	}
	for phase, hook := range w.Hooks {
		if cfg.Hooks == nil {
			cfg.Hooks = map[trial.Phase]pipeline.Hooks{}
		}
		cfg.Hooks[phase] = pipeline.Hooks{Before: hookCommand(hook.Before, w.Dir), After: hookCommand(hook.After, w.Dir)}
	}
	for _, entry := range w.Preload {
		cfg.Preload = append(cfg.Preload, x.r.archives[entry])
	}
	secrets := map[string]string{}
	if path := hostAuthorities(); path != "" && (p.kind() != machine.Isolated || s.Machine.Network == spec.NetworkHost) {
		secrets[authoritiesSecret] = path
	}
	for _, i := range w.Images {
		if w.Setup != nil || x.do == jobPreboot {
			break // its command names the images; or there are none
		}
		cfg.Images = append(cfg.Images, pipeline.Image{Name: i.Name, Tag: i.Tag, Tags: i.Tags, Context: i.Context, Dockerfile: i.Dockerfile,
			Target: i.Target, Platform: i.Platform, Args: buildArgs(p, i, s), Secrets: withSecrets(secrets, i.Secrets), SSH: i.Agents()})
	}
	if w.Setup != nil {
		cfg.Setup = ownSetup(*w.Setup, cfg)
		return cfg, func() {}, nil
	}
	if stop, err = x.registry(&cfg, m); err != nil {
		return cfg, nil, err
	}
	x.nameImages(&cfg)
	return cfg, stop, nil
}

// clusterOf has those parts of a worker's configuration on which its cluster depends.
func clusterOf(p place, s spec.Settings, w spec.Workload) pipeline.Config {
	cfg := pipeline.Config{NodeImage: s.NodeImage, KindConfig: w.KindConfig, WorkDir: workDir}
	p.adapt(&cfg)
	if s.Etcd == trial.EtcdNoSync {
		cfg.KindPatches = append(cfg.KindPatches, kindcluster.NoFsync)
	}
	return cfg
}

func hookCommand(args []string, dir string) *deploy.Command {
	if len(args) == 0 {
		return nil
	}
	return &deploy.Command{Args: args, Dir: dir}
}

// withSecrets are the secrets of every build, and those of one image.
func withSecrets(all, own map[string]string) map[string]string {
	secrets := maps.Clone(all)
	maps.Copy(secrets, own)
	return secrets
}

// schedule arranges the workload's images by the cell's strategy. A
// preparation builds them one after the other.
func (x *execution) schedule() (strategies.Schedule, error) {
	name := x.settings.Strategy
	if len(x.workload.Images) == 0 || x.do == jobPreboot {
		return strategies.Schedule{Strategy: name}, nil
	}
	if x.preparing() {
		name = strategies.Serial
	}
	strategy, err := strategies.Named(name, x.spec.Strategies)
	if err != nil {
		return strategies.Schedule{}, err
	}
	schedule, err := strategy.Schedule(x.toBuild())
	if err == nil && schedule.Admission != nil {
		schedule.Admission.Room = int64(x.record.Machine.Room())
	}
	if x.again() {
		schedule = schedule.Serially()
	}
	x.predict(schedule)
	return schedule, err
}

// registry gives a trial that needs one its registry.
func (x *execution) registry(cfg *pipeline.Config, m machine.Machine) (stop func(), err error) {
	if !cfg.Schedule.Pull && x.do != jobPublish {
		return func() {}, nil
	}
	if named := x.settings.Registry; named.Prefix != "" {
		cfg.Registry, cfg.RegistryPlainHTTP = named.Prefix, named.PlainHTTP
		return func() {}, nil
	}
	addr, stop, err := x.ownRegistry(m.RegistryHost())
	if err != nil {
		return nil, err
	}
	cfg.Registry, cfg.RegistryPlainHTTP = addr, true
	return stop, nil
}

// What bounds a set-up command that says nothing else.
const (
	setupLimit   = time.Hour
	setupSilence = 10 * time.Minute
)

// ownSetup is the user's own set-up, told what the trial is to do.
func ownSetup(s spec.Setup, cfg pipeline.Config) *pipeline.Setup {
	schedule, _ := json.Marshal(cfg.Schedule) // it has nothing that JSON lacks
	values := map[string]string{
		"cluster": cfg.ClusterName, "concurrency": strconv.Itoa(cfg.Schedule.Concurrency()), "runtime": string(cfg.Endpoint.Runtime),
		"schedule": string(schedule), "strategy": cfg.Schedule.Strategy,
	}
	filled := func(args []string) (all []string) {
		for _, arg := range args {
			all = append(all, spec.Fill(arg, values))
		}
		return all
	}
	own := &pipeline.Setup{
		Command: deploy.Command{Args: filled(s.Command), Dir: s.Dir, Env: map[string]string{}},
		Prepare: filled(s.Prepare), Cleanup: filled(s.Cleanup), Marks: map[trial.Phase]pipeline.Mark{},
		Limit: cmp.Or(time.Duration(s.Timeout), setupLimit), Silence: cmp.Or(time.Duration(s.Silence), setupSilence),
	}
	for name, value := range s.Env {
		own.Env[name] = spec.Fill(value, values)
	}
	for phase, mark := range s.Marks {
		own.Marks[phase] = pipeline.Mark{Start: mark.Start, End: mark.End}
	}
	if len(cfg.KindPatches) > 0 {
		own.KindConfig = cfg.KindPatches[0] // the lab's, a configuration of its own
	}
	return own
}
