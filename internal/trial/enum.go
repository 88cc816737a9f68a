package trial

import (
	"fmt"
	"slices"
	"strings"
)

// parse reads one of the allowed values. The types that records contain use it, so that
// an unknown name is an error of reading and not a value.
func parse[T ~string](kind string, text []byte, allowed []T) (T, error) {
	if i := slices.Index(allowed, T(text)); i >= 0 {
		return allowed[i], nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return "", fmt.Errorf("%q is not a known %s; known are %s", text, kind, strings.Join(names, ", "))
}

// Runtime is a kind of container engine.
type Runtime string

// The runtimes that stratbench can drive.
const (
	Podman Runtime = "podman"
	Docker Runtime = "docker"
)

// Runtimes lists every Runtime.
func Runtimes() []Runtime { return []Runtime{Podman, Docker} }

// UnmarshalText implements encoding.TextUnmarshaler. An unknown name is an error.
func (r *Runtime) UnmarshalText(text []byte) (err error) {
	*r, err = parse("runtime", text, Runtimes())
	return err
}

// Phase is a part of a trial.
type Phase string

// The phases of a trial, in the order in which reports list them. Some may overlap, for
// example if clusterStart is with.
const (
	PhaseCluster Phase = "cluster"
	PhaseBuild   Phase = "build"
	PhaseLoad    Phase = "load"
	PhaseDeploy  Phase = "deploy"
	PhaseTest    Phase = "test"
)

// Phases lists every Phase in order.
func Phases() []Phase {
	return []Phase{PhaseCluster, PhaseBuild, PhaseLoad, PhaseDeploy, PhaseTest}
}

// UnmarshalText implements encoding.TextUnmarshaler. An unknown name is an error. Spans
// outside of all phases have an empty one.
func (p *Phase) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*p = ""
		return nil
	}
	*p, err = parse("phase", text, Phases())
	return err
}

// The next types are the levels of settings. The schema of the spec checks their names.

// ClusterStart is when the cluster is created in relation to the builds.
type ClusterStart string

// The levels of clusterStart.
const (
	ClusterBefore ClusterStart = "before"
	ClusterWith   ClusterStart = "with"
	ClusterAfter  ClusterStart = "after"
)

// ClusterState is what a trial finds of its cluster: by default nothing ("fresh"), so
// that it creates one.
type ClusterState string

// ClusterPrebooted is a cluster that was initialised and stopped before. The trial starts
// its nodes.
const ClusterPrebooted ClusterState = "prebooted"

// OnCrash is what a trial does if its engine crashes or hangs before the set-up is done:
// by default it ends ("fail").
type OnCrash string

// CrashSerial starts the engine again and finishes the set-up with one build at a time.
const CrashSerial OnCrash = "serial"

// Etcd is whether the cluster's store waits until its writes are on the disk, as it does
// by default ("default").
type Etcd string

// EtcdNoSync does not wait.
const EtcdNoSync Etcd = "noFsync"

// DNS is how the cluster's DNS starts: by default it waits until kube-proxy's rules are
// there, and is asked every ten seconds whether it is ready ("default").
type DNS string

// DNSQuick does not wait, and asks every second.
const DNSQuick DNS = "quick"

// BuildCache is where builds have their cache: by default nowhere beyond their own trial
// ("none").
type BuildCache string

// The levels of build.cache besides none.
const (
	// CacheLocal is in the engine itself, as on a machine that is kept.
	CacheLocal BuildCache = "local"
	// CacheRegistry is in a registry, to which builds export and from which they import.
	CacheRegistry BuildCache = "registry"
)

// Used reports whether builds have a cache beyond their own trial.
func (c BuildCache) Used() bool { return c == CacheLocal || c == CacheRegistry }

// CacheStart is what a trial finds in its cache: by default builds of the same images,
// made before ("warm").
type CacheStart string

// CacheCold is an empty cache.
const CacheCold CacheStart = "cold"

// LoadWhen is when images are loaded into the nodes: by default after the last one is
// built ("after").
type LoadWhen string

// LoadAsBuilt loads each image as soon as it is built and the cluster is there.
const LoadAsBuilt LoadWhen = "asBuilt"

// DeployWhen is when manifests are applied: by default after all images are in the nodes
// ("after").
type DeployWhen string

// DeployAsLoaded begins as soon as the cluster is there. An object that needs an image of
// the trial is applied after that image is in the nodes.
const DeployAsLoaded DeployWhen = "asLoaded"

// LoadPath is how images come into the nodes: by default in an archive that is streamed
// from the engine's store ("archive").
type LoadPath string

// The levels of load.path besides archive.
const (
	// LoadShared streams from the engine's store too, but no layer twice in a trial, and
	// no file that nodes do not need.
	LoadShared LoadPath = "shared"
	// LoadNodePull has each node pull from the registry, without the engine.
	LoadNodePull LoadPath = "node-pull"
)

// Outcome is how a trial ended: what the system under test did.
type Outcome string

// All outcomes. RunnerFault alone says nothing about the system under test: stratbench
// could not measure, and the trial never enters a sample.
const (
	OK                  Outcome = "ok"
	BuildFailed         Outcome = "build-failed"
	BuildOOM            Outcome = "build-oom"
	EngineCrash         Outcome = "engine-crash"
	EngineHang          Outcome = "engine-hang"
	Storage             Outcome = "storage"
	PullFailed          Outcome = "pull-failed"
	ClusterCreateFailed Outcome = "cluster-create-failed"
	ClusterHang         Outcome = "cluster-hang"
	LoadFailed          Outcome = "load-failed"
	DeployFailed        Outcome = "deploy-failed"
	TestFailed          Outcome = "test-failed"
	// SetupFailed is the failure of a set-up command outside of every phase that was
	// seen in it.
	SetupFailed   Outcome = "setup-failed"
	HostExhausted Outcome = "host-exhausted"
	Cancelled     Outcome = "cancelled"
	RunnerFault   Outcome = "runner-fault"
)

// Outcomes lists every Outcome.
func Outcomes() []Outcome {
	return []Outcome{OK, BuildFailed, BuildOOM, EngineCrash, EngineHang, Storage, PullFailed,
		ClusterCreateFailed, ClusterHang, LoadFailed, DeployFailed, TestFailed, SetupFailed, HostExhausted,
		Cancelled, RunnerFault}
}

// UnmarshalText implements encoding.TextUnmarshaler. An unknown name is an error.
func (o *Outcome) UnmarshalText(text []byte) (err error) {
	*o, err = parse("outcome", text, Outcomes())
	return err
}

// failures are the outcomes of phases in which nothing but the phase's own work failed.
var failures = map[Phase]Outcome{
	PhaseCluster: ClusterCreateFailed,
	PhaseBuild:   BuildFailed,
	PhaseLoad:    LoadFailed,
	PhaseDeploy:  DeployFailed,
	PhaseTest:    TestFailed,
}

// Failure is the outcome if nothing but the phase's own work failed. It is empty for no
// phase.
func (p Phase) Failure() Outcome { return failures[p] }

// In reports whether the outcome can happen in the phase. It can in an empty phase,
// because that one is not known.
func (o Outcome) In(p Phase) bool {
	if o == ClusterHang {
		return p != PhaseBuild
	}
	return p == "" || o.Phase() == "" || o.Phase() == p
}

// Phase returns the only phase in which the outcome can happen. It is empty if there
// are several.
func (o Outcome) Phase() Phase {
	for _, p := range Phases() {
		if p.Failure() == o || p == PhaseBuild && o == BuildOOM {
			return p
		}
	}
	return ""
}
