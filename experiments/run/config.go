package run

import (
	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/pipeline"
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
	cfg = pipeline.Config{
		TrialID: x.trial.ID, Endpoint: m.Endpoint(),
		ClusterName: clusterName(x.r.me.Mark, x.trial.ID), NodeImage: s.NodeImage, KindConfig: w.KindConfig,
		ClusterStart: s.ClusterStart, Schedule: schedule, NoCache: s.Build.NoCache, LoadTogether: s.Load.Together,
		Deploy: deployment, ReadyURLs: w.Ready.URLs,
		Test: pipeline.Test{Command: w.Test.Command, Dir: w.Test.Dir, Env: w.Test.Env,
			Format: string(w.Test.Format), Report: w.Test.Report, KnownFailures: w.Test.KnownFailures},
		Limits: x.spec.Limits.Phase, Silence: x.spec.Limits.Silence, WorkDir: workDir,
	}
	secrets := map[string]string{}
	if path := hostAuthorities(); path != "" && (p.kind() != machine.Isolated || s.Machine.Network == experiments.NetworkHost) {
		secrets[authoritiesSecret] = path
	}
	for _, i := range w.Images {
		cfg.Images = append(cfg.Images, pipeline.Image{Name: i.Name, Tag: i.Tag, Context: i.Context, Dockerfile: i.Dockerfile,
			Args: buildArgs(p, i, s), Secrets: secrets})
	}
	p.adapt(&cfg)
	if stop, err = x.registry(&cfg, m); err != nil {
		return cfg, nil, err
	}
	x.nameImages(&cfg)
	return cfg, stop, nil
}

// schedule arranges the workload's images by the cell's strategy. A
// preparation builds them one after the other.
func (x *execution) schedule() (strategies.Schedule, error) {
	name := x.settings.Strategy
	if x.preparing() {
		name = "serial"
	}
	strategy, err := strategies.Named(name, x.spec.Strategies)
	if err != nil {
		return strategies.Schedule{}, err
	}
	var images []strategies.Image
	for _, i := range x.workload.Images {
		images = append(images, strategies.Image{Name: i.Name, Weight: i.Weight})
	}
	return strategy.Schedule(images)
}

// registry gives a trial that needs one its registry.
func (x *execution) registry(cfg *pipeline.Config, m machine.Machine) (stop func(), err error) {
	if !cfg.Schedule.Pull && !x.preparing() {
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
