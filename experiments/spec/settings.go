package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// Settings are everything about a trial that a factor can vary, except its
// workload. A cell is these settings with the cell's levels in their places. In
// a record, memory is a number of bytes.
type Settings struct {
	// Runtime is the type of container engine.
	Runtime trial.Runtime `json:"runtime,omitempty"`
	// Engine is where an isolated machine's engine comes from: a Debian suite,
	// which is bookworm (Podman 4.3, Docker 20.10), trixie (5.4, 26.1) or forky (5.8,
	// 28.5), or the path of an uncompressed tar of a root file system with engines of
	// your own, relative to the spec. Default: trixie, or the running engine on your
	// own host.
	Engine string `json:"engine,omitempty"`
	// Memory is the memory limit of the machine that the engine lives in, such as
	// 7GiB or 12.5GiB. Default: no limit.
	Memory trial.Bytes `json:"memory,omitempty"`
	// Strategy is how images are obtained: serial, 2+1, parallel, registry,
	// adaptive, shared, or the name of one under strategies.
	Strategy string `json:"strategy,omitempty"`
	// ClusterStart says when the cluster is created: before the builds, with
	// them (overlapping), or after them.
	ClusterStart trial.ClusterStart `json:"clusterStart,omitempty" jsonschema:"enum=before,enum=with,enum=after,default=before"`
	// Cluster says what a trial finds of its cluster on an isolated machine: nothing
	// (fresh), or nodes that were initialised before and stopped (prebooted), which it
	// starts. Prebooted answers another question: how soon a kept cluster is back. Default
	// fresh.
	Cluster trial.ClusterState `json:"cluster,omitempty" jsonschema:"enum=fresh,enum=prebooted,default=fresh"`
	// OnCrash says what is done when the engine crashes or hangs before the
	// set-up is done, on an isolated machine: fail ends the trial; serial starts
	// the engine again and finishes the set-up in the same trial, one image at a
	// time. Default fail.
	OnCrash trial.OnCrash `json:"onCrash,omitempty" jsonschema:"enum=fail,enum=serial,default=fail"`
	// Etcd says whether the cluster's store waits for the disk: default waits;
	// noFsync does not, so a crash of the host may lose data, which does not matter
	// for a test cluster. Default default.
	Etcd trial.Etcd `json:"etcd,omitempty" jsonschema:"enum=default,enum=noFsync,default=default"`
	// DNS says how the cluster's DNS starts: default is as Kubernetes has it, where
	// CoreDNS loses 10 to 30 seconds if it starts before kube-proxy's rules are there,
	// and is asked every ten seconds whether it is ready; with quick it goes to the API
	// server's own address, and is asked every second. Quick needs Kubernetes 1.31 or
	// later. Default default.
	DNS trial.DNS `json:"dns,omitempty" jsonschema:"enum=default,enum=quick,default=default"`
	// Build says how images are built.
	Build BuildSettings `json:"build"`
	// Load says how images get into the cluster's nodes.
	Load LoadSettings `json:"load"`
	// Deploy says when manifests are applied.
	Deploy DeploySettings `json:"deploy,omitzero"`
	// NodeImage is the Kind node image. Default: the lab's, or Kind's own.
	NodeImage string `json:"nodeImage,omitempty"`
	// Machine is where the engine lives.
	Machine MachineSettings `json:"machine"`
	// Fault is what is broken on purpose: none, a built-in fault, or the name of
	// one under faults. It needs an isolated machine.
	Fault string `json:"fault,omitempty"`
	// Registry is where a strategy that pulls gets its images.
	Registry RegistrySettings `json:"registry"`
}

// BuildSettings say how images are built.
type BuildSettings struct {
	// NoCache runs every build step again instead of using the cache. With the strategy
	// shared it runs only the steps of common stages again, and images take these stages
	// from the cache. Default true.
	NoCache bool `json:"noCache" jsonschema:"default=true"`
	// Cache is where builds on an isolated machine have their cache: nowhere beyond
	// their own trial (none), in the engine itself, as on a machine that is kept
	// (local), or in a registry that stratbench starts (registry). Local and registry
	// need noCache: false. Default none.
	Cache trial.BuildCache `json:"cache,omitempty" jsonschema:"enum=none,enum=local,enum=registry,default=none"`
	// CacheStart is what a trial finds in that cache: builds of the same sources, made
	// once before the trials (warm), or nothing (cold). To a registry, cold builds
	// export their cache, in a span of its own. Default warm.
	CacheStart trial.CacheStart `json:"cacheStart,omitempty" jsonschema:"enum=warm,enum=cold,default=warm"`
	// Args are build arguments for every image; they override an image's own.
	Args map[string]string `json:"args"`
	// ArgsFromEnvironment names environment variables of stratbench, such as
	// GOPROXY, that are passed on as build arguments. Their values appear in no
	// record and no log. A variable that is not set is left out.
	ArgsFromEnvironment []string `json:"argsFromEnvironment,omitempty"`
}

// Warm reports whether a trial's builds find in their cache what was built before it.
func (b BuildSettings) Warm() bool { return b.Cache.Used() && b.CacheStart != trial.CacheCold }

// LoadSettings say how images get into the cluster's nodes.
type LoadSettings struct {
	// Together sends all images in one archive, so that shared layers are sent
	// once. Default true.
	Together bool `json:"together" jsonschema:"default=true"`
	// When says when images go into the node: after all are built, or each as
	// soon as it is built and the cluster is there (asBuilt), while others still
	// build; each then travels by itself, whatever together says. Default after.
	When trial.LoadWhen `json:"when,omitempty" jsonschema:"enum=after,enum=asBuilt,default=after"`
	// Path is the way by which images come into the nodes: archive streams them from the
	// engine, as it saves them; shared streams only what the nodes lack, so that a layer
	// is sent once in a trial, whatever together and when say; registry has the engine
	// push each image to a registry of the trial's own, from which the nodes pull it, on
	// isolated machines; node-pull has the nodes pull them from the registry themselves,
	// past the engine, where the strategy pulls. They pull without the user's logins.
	// Default archive.
	Path trial.LoadPath `json:"path,omitempty" jsonschema:"enum=archive,enum=shared,enum=registry,enum=node-pull,default=archive"`
}

// DeploySettings say when manifests are applied.
type DeploySettings struct {
	// When says when the deployment begins: after all images are in the nodes, or as
	// soon as the cluster is there (asLoaded), beside builds and loads; objects that
	// need an image of the workload are then held until it is in the nodes. Default
	// after.
	When trial.DeployWhen `json:"when,omitempty" jsonschema:"enum=after,enum=asLoaded,default=after"`
}

// MachineSettings say where the engine lives.
type MachineSettings struct {
	// Kind is the type of machine: host (your running engine), isolated (an engine
	// that stratbench starts in namespaces and a cgroup; Linux and root only),
	// podman-machine, or auto. Default auto.
	Kind MachineKind `json:"kind" jsonschema:"enum=auto,enum=host,enum=isolated,enum=podman-machine,default=auto"`
	// CPUs limits the machine's processors; 0 is no limit.
	CPUs float64 `json:"cpus" jsonschema:"minimum=0"`
	// Network says what an isolated machine can reach: none is stratbench's own
	// registry only; host is everything that this host can reach, through its
	// proxies and with your registry logins. Default none: a download during a
	// trial would be part of the measured time, and no two downloads are alike.
	Network MachineNetwork `json:"network,omitempty" jsonschema:"enum=none,enum=host,default=none"`
}

// RegistrySettings name a registry. Without a prefix, stratbench starts one.
type RegistrySettings struct {
	// Prefix is host[:port][/path], put before the name of each image.
	Prefix string `json:"prefix"`
	// PlainHTTP talks to it without TLS.
	PlainHTTP bool `json:"plainHTTP"`
}

// MachineKind is a type of machine, and MachineNetwork what an isolated one can reach;
// empty is none.
type (
	MachineKind    string
	MachineNetwork string
)

// The names that have a meaning here. MachineAuto leaves the choice to stratbench.
const (
	MachineAuto     MachineKind    = "auto"
	MachineIsolated MachineKind    = "isolated"
	NetworkNone     MachineNetwork = "none"
	NetworkHost     MachineNetwork = "host"
)

func defaultSettings() Settings {
	return Settings{
		ClusterStart: trial.ClusterBefore,
		Build:        BuildSettings{NoCache: true},
		Load:         LoadSettings{Together: true},
		Machine:      MachineSettings{Kind: MachineAuto},
	}
}

// UnmarshalJSON reads settings over those already in s. Memory may be text with a
// unit, as in a spec, or a number of bytes, as in a record.
func (s *Settings) UnmarshalJSON(b []byte) error {
	type plain Settings
	file := struct {
		*plain
		Memory amount `json:"memory"`
	}{(*plain)(s), amount(s.Memory)}
	if err := json.Unmarshal(b, &file); err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	s.Memory = trial.Bytes(file.Memory)
	return nil
}

// amount is an amount of memory as text with a unit or as a number of bytes.
type amount trial.Bytes

func (a *amount) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return json.Unmarshal(b, (*int64)(a))
	}
	n, err := trial.ParseBytes(text)
	*a = amount(n)
	return err
}

// Broken reports whether trials with these settings are broken on purpose.
func (s Settings) Broken() bool { return s.Fault != "" && s.Fault != trial.NoFault }

// problems are the issues of settings that a schema cannot find, by their
// pointers in the spec.
func (s Settings) problems(of *Spec) []problem {
	r := &resolver{}
	if known := strategies.Names(of.Strategies); s.Strategy != "" && !slices.Contains(known, s.Strategy) {
		r.problem("/settings/strategy", "strategy %q is not known; %s", s.Strategy, suggest(s.Strategy, known))
	}
	if strings.Contains(s.Engine, "://") {
		r.problem("/settings/engine", "%q is an address, and engine says where an isolated machine's engine comes from; take it out, and name an engine on another host by DOCKER_HOST or CONTAINER_HOST in the environment", s.Engine)
	}
	if s.Registry.Prefix != "" {
		if _, err := name.NewRepository(s.Registry.Prefix + "/image"); err != nil || strings.Contains(s.Registry.Prefix, "://") {
			r.problem("/settings/registry/prefix", "%q is not the address of a registry; write host[:port][/path], such as registry.example.com/bench", s.Registry.Prefix)
		}
	}
	known := []string{trial.NoFault}
	for _, kind := range InjectionKinds() {
		known = append(known, string(kind))
	}
	known = append(known, slices.Sorted(maps.Keys(of.Faults))...)
	switch {
	case !s.Broken():
	case !slices.Contains(known, s.Fault):
		r.problem("/settings/fault", "fault %q is not known; %s", s.Fault, suggest(s.Fault, known))
	case s.Machine.Kind != MachineIsolated:
		r.problem("/settings/fault", "faults work on isolated machines only; write machine: {kind: isolated} under settings")
	}
	return r.problems
}
