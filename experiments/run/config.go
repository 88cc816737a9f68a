package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/run/inject"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// workDir is the folder of a worker's own small files, in its machine.
const workDir = "/tmp/stratbench"

// config is the worker's configuration. x.ends end what is served for it, and the tunnel
// that it may need.
func (x *execution) config(ctx context.Context, m machine.Machine) (cfg pipeline.Config, err error) {
	schedule, err := x.schedule()
	if err != nil {
		return cfg, err
	}
	w, s := x.workload, x.settings
	cfg = clusterOf(x.place, x.resolved)
	cfg.Endpoint, cfg.ClusterName = m.Endpoint(), clusterName(x.r.me.Mark, x.trial.ID)
	if x.place.kind() != machine.Isolated { // what a stopped build takes with it must not be a user's
		cfg.Sender = cfg.ClusterName
	}
	if err := x.openTunnel(ctx, &cfg); err != nil {
		return cfg, err
	}
	cfg.Task, cfg.Settings, cfg.Schedule = x.do, s, schedule
	cfg.Deploy, cfg.ReadyURLs = x.r.deployments[deploymentKey(x.resolved)].steps, w.Ready.URLs
	cfg.Test, cfg.Setup, cfg.Hooks, cfg.HooksDir = w.Test, w.Setup, w.Hooks, w.Dir
	limits := x.spec.Limits
	if x.preparing() {
		limits = limits.OfPreparation()
	}
	cfg.Limits, cfg.Silence = limits.Phase, limits.Silence
	if x.again() {
		cfg.Again = &x.began
	}
	if s.Cluster == trial.ClusterPrebooted {
		cfg.ClusterName = prebootedName
	}
	for _, entry := range w.Preload {
		cfg.Preload = append(cfg.Preload, x.r.archives[entry])
	}
	if w.Setup != nil || x.do == pipeline.Preboot { // a set-up command names its images itself
		return cfg, nil
	}
	secrets := map[string]string{}
	if path := hostAuthorities(); path != "" && (x.place.kind() != machine.Isolated || s.Machine.Network == spec.NetworkHost) {
		secrets[authoritiesSecret] = path
	}
	for _, i := range w.Images {
		image := pipeline.Image{Image: i}
		image.Tag, image.Tags = spec.FullName(i.Tag), nil // as nodes spell them
		for _, tag := range i.Tags {
			image.Tags = append(image.Tags, spec.FullName(tag))
		}
		if len(i.Command) == 0 {
			image.Args, image.SSH, image.Contexts = buildArgs(x.place, i, s), i.Agents(), maps.Clone(i.Contexts)
			image.Secrets, image.SecretTexts = maps.Clone(secrets), map[string]string{}
			for id, secret := range i.Secrets {
				if name, is := spec.SecretVariable(secret); is {
					image.SecretTexts[id] = os.Getenv(name)
				} else {
					image.Secrets[id] = secret
				}
			}
		}
		cfg.Images = append(cfg.Images, image)
	}
	if err = x.registry(&cfg, m); err != nil {
		return cfg, err
	}
	x.nameImages(&cfg)
	if schedule.Shares {
		cfg.Common, err = x.common(cfg.Images)
	}
	return cfg, err
}

// clusterOf is the part of a worker's configuration on which its cluster depends.
func clusterOf(p place, c resolved) pipeline.Config {
	cfg := pipeline.Config{NodeImage: c.settings.NodeImage, KindConfig: c.workload.KindConfig, WorkDir: workDir}
	p.adapt(&cfg)
	if c.settings.Etcd == trial.EtcdNoSync {
		cfg.KindPatches = append(cfg.KindPatches, kindcluster.NoFsync)
	}
	if c.settings.DNS == trial.DNSQuick {
		cfg.KindPatches = append(cfg.KindPatches, kindcluster.QuickDNS)
	}
	return cfg
}

// schedule arranges the workload's images by the cell's strategy. A preparation
// builds one after the other.
func (x *execution) schedule() (strategies.Schedule, error) {
	strategy := x.strategy
	if len(x.workload.Images) == 0 || x.do == pipeline.Preboot {
		return strategies.Schedule{Strategy: strategy.Name}, nil
	}
	if x.preparing() {
		strategy, _ = strategies.Named(strategies.Serial, nil) // it is built in
	}
	images := x.workload.ToSchedule()
	for i := range images {
		for _, e := range x.r.builds {
			if e.Image == images[i].Name && e.Runtime == x.settings.Runtime && e.NoCache == x.settings.Build.NoCache {
				images[i].Peak, images[i].Takes = int64(e.Peak), e.Takes.Duration()
			}
		}
	}
	schedule, err := strategy.Schedule(images)
	if err == nil && schedule.Admission != nil {
		schedule.Admission.Room = int64(x.record.Machine.Room())
	}
	if x.again() {
		schedule = schedule.Serially()
	}
	// What the builds are expected to take is recorded before they begin. Builds with a
	// cache teach nothing, and nothing is known of them.
	if !schedule.Pull && len(schedule.Stages) > 0 && !x.preparing() && !x.again() && !x.settings.Build.Cache.Used() {
		of := Demands(x.r.builds, x.settings.Runtime, x.settings.Build.NoCache)
		if p, err := schedule.Predict(of, cmp.Or(x.settings.Machine.CPUs, float64(x.record.Machine.CPUs))); err == nil {
			x.record.Predicted = &results.Predicted{Build: trial.Seconds(p.Takes), Peak: trial.Bytes(p.Peak)}
		}
	}
	return schedule, err
}

// registry gives a trial that pulls or publishes its registry: the user's, or stratbench's
// own, with the trial's fault in front of it if that is a fault of the registry.
func (x *execution) registry(cfg *pipeline.Config, m machine.Machine) (err error) {
	if !cfg.Schedule.Pull && x.do != pipeline.Publish {
		return errors.Join(x.loadRegistry(cfg, m), x.cacheRegistry(cfg, m))
	}
	if named := x.settings.Registry; named.Prefix != "" {
		cfg.Registry, cfg.RegistryPlainHTTP = named.Prefix, named.PlainHTTP
		return nil
	}
	cfg.RegistryPlainHTTP = true
	state, _ := x.Level(results.StateFactor)
	fault, ok := x.injection()
	if !ok || !fault.Do.OfRegistry() {
		cfg.Registry, err = x.listen(x.r.oci[state], m.RegistryHost())
		return err
	}
	upstream, err := x.listen(x.r.oci[state], "127.0.0.1")
	if err != nil {
		return err
	}
	address, stop, err := inject.Registry(fault.Do, m.RegistryHost(), upstream)
	if err != nil {
		return err
	}
	cfg.Registry, x.ends = address, append(x.ends, stop)
	return nil
}

// loadRegistry gives a trial an empty registry, if its images go into the nodes that way.
func (x *execution) loadRegistry(cfg *pipeline.Config, m machine.Machine) error {
	if x.settings.Load.Path != trial.LoadRegistry || x.do != pipeline.Trial {
		return nil
	}
	oci, err := x.emptyRegistry("load-" + x.trial.ID)
	if err == nil {
		cfg.LoadRegistry, err = x.listen(oci, m.RegistryHost())
	}
	return err
}

// emptyRegistry is a registry that ends with the trial. Its folder has this name.
func (x *execution) emptyRegistry(name string) (http.Handler, error) {
	x.ends = append(x.ends, func() { os.RemoveAll(filepath.Join(x.r.scratch.Dir, name)) })
	return x.r.newRegistry(name)
}

// cacheRegistry gives builds with a cache in a registry that registry: the one that a
// preparation fills, or an empty one of the trial's own.
func (x *execution) cacheRegistry(cfg *pipeline.Config, m machine.Machine) (err error) {
	b := x.settings.Build
	if b.Cache != trial.CacheRegistry {
		return nil
	}
	oci := x.r.oci[x.r.caches[x.Key()]]
	if !b.Warm() {
		if oci, err = x.emptyRegistry(cachePrefix + x.trial.ID); err != nil {
			return err
		}
	}
	address, err := x.listen(oci, m.RegistryHost())
	if err != nil {
		return err
	}
	if repositories := address + "/cache"; cfg.Warm() {
		cfg.CacheFrom = repositories
	} else {
		cfg.CacheTo = repositories
	}
	return nil
}

// listen serves a registry at a free port of host. Each machine reaches the runner at an
// address of its own, so a registry listens for one machine.
func (x *execution) listen(oci http.Handler, host string) (addr string, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("starting the registry on %s: %w", host, err)
	}
	server := &http.Server{Handler: oci, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	x.ends = append(x.ends, func() { server.Close() })
	return l.Addr().String(), nil
}

// cacheMountNamespace is the build argument that BuildKit's Dockerfile frontend puts
// before the IDs of cache mounts (RUN --mount=type=cache), in every Docker that Kind works
// with. No step sees it unless the Dockerfile declares it.
const cacheMountNamespace = "BUILDKIT_CACHE_MOUNT_NS"

// nameImages gives the images of a trial their names on its engine, also in build
// arguments and further contexts that name another image. The names of what is pushed and
// pulled begin with the registry: the trial's own, or a user's, in which the tag is the
// run's. On a user's Docker, builds without the cache give cache mounts names of the
// trial's: BuildKit would put empty ones in the place of the user's.
func (x *execution) nameImages(cfg *pipeline.Config) {
	tag := "stratbench-" + x.r.me.Mark + "-" + string(x.settings.Runtime)
	if state, ok := x.Level(results.StateFactor); ok {
		tag += "-" + strings.Trim(results.StateFile(state, ""), "-")
	}
	tag += "-" + imagesOf(x.resolved)
	refs := map[string]string{}
	for i, image := range cfg.Images {
		cfg.Images[i].Build = x.r.me.Mark + "-" + x.trial.ID + "-" + image.Name
		cfg.Images[i].Ref = imageName(x.r.me.Mark, x.trial.ID, image.Name)
		if cfg.Registry != "" {
			cfg.Images[i].Ref = strings.TrimSuffix(cfg.Registry, "/") + "/" + strings.ToLower(image.Name) + ":" + tag
		}
		refs[image.Name] = cfg.Images[i].Ref
		if x.ledger == nil || cfg.Endpoint.Runtime != trial.Docker || !cfg.Settings.Build.NoCache || len(image.Command) > 0 {
			continue
		}
		if _, own := image.Args[cacheMountNamespace]; !own {
			image.Args[cacheMountNamespace] = clusterName(x.r.me.Mark, x.trial.ID)
		}
	}
	if x.do == pipeline.Publish && x.settings.Registry.Prefix != "" {
		x.r.report.note("images with the tag %s are pushed to %s and stay there, because few registries let a client delete a tag", tag, cfg.Registry)
	}
	for _, of := range cfg.Images {
		for arg, value := range of.Args {
			if named, is := namedByArgument(x.workload, value); is {
				of.Args[arg] = refs[named.Name]
			}
		}
		for name, context := range of.Contexts {
			if named, is := namedByContext(x.workload, context); is {
				of.Contexts[name] = trial.ImageContextPrefix + refs[named.Name]
			}
		}
	}
}
