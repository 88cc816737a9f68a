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

// Runtime is a type of container engine.
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

// The types of the settings that factors vary; spec.Settings describes them. The schema of
// the spec checks the names of their levels.
type (
	ClusterStart string
	ClusterState string
	OnCrash      string
	Etcd         string
	DNS          string
	BuildCache   string
	CacheStart   string
	LoadWhen     string
	DeployWhen   string
	LoadPath     string
)

// The levels of clusterStart, and those of the other settings besides their defaults.
const (
	ClusterBefore ClusterStart = "before"
	ClusterWith   ClusterStart = "with"
	ClusterAfter  ClusterStart = "after"

	ClusterPrebooted ClusterState = "prebooted"
	CrashSerial      OnCrash      = "serial"
	EtcdNoSync       Etcd         = "noFsync"
	DNSQuick         DNS          = "quick"
	CacheLocal       BuildCache   = "local"
	CacheRegistry    BuildCache   = "registry"
	CacheCold        CacheStart   = "cold"
	LoadAsBuilt      LoadWhen     = "asBuilt"
	// DeployAsLoaded begins as soon as the cluster is there. An object that needs an image
	// of the trial is applied after that image is in the nodes.
	DeployAsLoaded DeployWhen = "asLoaded"
	// LoadShared streams from the engine's store as an archive does, but no layer twice in a
	// trial, and no file that nodes do not need.
	LoadShared LoadPath = "shared"
	// LoadRegistry has the engine push what it built to a registry of the trial's own,
	// from which each node pulls it.
	LoadRegistry LoadPath = "registry"
	LoadNodePull LoadPath = "node-pull"
)

// Used reports whether builds have a cache beyond their own trial.
func (c BuildCache) Used() bool { return c == CacheLocal || c == CacheRegistry }

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
