package trial

import (
	"fmt"
	"slices"
	"strings"
)

// parse finds text among the allowed values of an enumeration, so that an
// unknown name can never enter a program or a record.
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

// Runtime is the kind of container engine.
type Runtime string

// The runtimes that stratbench can drive.
const (
	Podman Runtime = "podman"
	Docker Runtime = "docker"
)

// Runtimes lists every Runtime.
func Runtimes() []Runtime { return []Runtime{Podman, Docker} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (r *Runtime) UnmarshalText(text []byte) (err error) {
	*r, err = parse("runtime", text, Runtimes())
	return err
}

// Phase is one part of the pipeline.
type Phase string

// The phases of a trial, in the order in which they are reported. They may
// overlap when the cluster starts with the builds.
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

// UnmarshalText implements encoding.TextUnmarshaler; the empty text is the
// phase of what lies outside the phases.
func (p *Phase) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*p = ""
		return nil
	}
	*p, err = parse("phase", text, Phases())
	return err
}

// ClusterStart is when the cluster is created in relation to the builds.
type ClusterStart string

// The levels of the factor clusterStart.
const (
	ClusterBefore ClusterStart = "before"
	ClusterWith   ClusterStart = "with"
	ClusterAfter  ClusterStart = "after"
)

// ClusterStarts lists every ClusterStart.
func ClusterStarts() []ClusterStart {
	return []ClusterStart{ClusterBefore, ClusterWith, ClusterAfter}
}

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (c *ClusterStart) UnmarshalText(text []byte) (err error) {
	*c, err = parse("clusterStart", text, ClusterStarts())
	return err
}

// ClusterState is what a trial finds of its cluster; empty is ClusterFresh.
type ClusterState string

// The levels of the factor cluster.
const (
	// ClusterFresh: nothing; it is created.
	ClusterFresh ClusterState = "fresh"
	// ClusterPrebooted: nodes that were initialised and stopped; they are started.
	ClusterPrebooted ClusterState = "prebooted"
)

// ClusterStates lists every ClusterState.
func ClusterStates() []ClusterState { return []ClusterState{ClusterFresh, ClusterPrebooted} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (c *ClusterState) UnmarshalText(text []byte) (err error) {
	*c, err = parse("cluster", text, ClusterStates())
	return err
}

// OnCrash is what a trial does after its engine crashed or hung before the set-up
// was done; empty is CrashFails.
type OnCrash string

// The levels of the factor onCrash.
const (
	// CrashFails: the trial ends.
	CrashFails OnCrash = "fail"
	// CrashSerial: the engine is started again, and the set-up is finished with
	// one build at a time.
	CrashSerial OnCrash = "serial"
)

// OnCrashes lists every OnCrash.
func OnCrashes() []OnCrash { return []OnCrash{CrashFails, CrashSerial} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (o *OnCrash) UnmarshalText(text []byte) (err error) {
	*o, err = parse("onCrash", text, OnCrashes())
	return err
}

// Etcd is whether the cluster's store waits until its writes are on the disk; empty
// is EtcdSyncs.
type Etcd string

// The levels of the factor etcd.
const (
	EtcdSyncs  Etcd = "default"
	EtcdNoSync Etcd = "noFsync"
)

// Etcds lists every Etcd.
func Etcds() []Etcd { return []Etcd{EtcdSyncs, EtcdNoSync} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (e *Etcd) UnmarshalText(text []byte) (err error) {
	*e, err = parse("etcd", text, Etcds())
	return err
}

// LoadWhen is when images are loaded into the nodes; empty is LoadAfter.
type LoadWhen string

// The levels of the factor load.when.
const (
	// LoadAfter: when all images are built.
	LoadAfter LoadWhen = "after"
	// LoadAsBuilt: each as soon as it is built and the cluster is there.
	LoadAsBuilt LoadWhen = "asBuilt"
)

// LoadWhens lists every LoadWhen.
func LoadWhens() []LoadWhen { return []LoadWhen{LoadAfter, LoadAsBuilt} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (l *LoadWhen) UnmarshalText(text []byte) (err error) {
	*l, err = parse("load.when", text, LoadWhens())
	return err
}

// DeployWhen says when manifests are applied; empty is DeployAfter.
type DeployWhen string

// The levels of the factor deploy.when.
const (
	// DeployAfter: when all images are in the nodes.
	DeployAfter DeployWhen = "after"
	// DeployAsLoaded: as soon as the cluster is there, but objects that need an image
	// of the trial once that image is in the nodes.
	DeployAsLoaded DeployWhen = "asLoaded"
)

// DeployWhens lists every DeployWhen.
func DeployWhens() []DeployWhen { return []DeployWhen{DeployAfter, DeployAsLoaded} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (d *DeployWhen) UnmarshalText(text []byte) (err error) {
	*d, err = parse("deploy.when", text, DeployWhens())
	return err
}

// LoadPath says by which way images come into the nodes; empty is LoadArchive.
type LoadPath string

// The levels of the factor load.path.
const (
	// LoadArchive: streamed as an archive from the engine's store.
	LoadArchive LoadPath = "archive"
	// LoadNodePull: each node pulls them from the registry, past the engine.
	LoadNodePull LoadPath = "node-pull"
)

// LoadPaths lists every LoadPath.
func LoadPaths() []LoadPath { return []LoadPath{LoadArchive, LoadNodePull} }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (l *LoadPath) UnmarshalText(text []byte) (err error) {
	*l, err = parse("load.path", text, LoadPaths())
	return err
}

// Outcome is how a trial ended: what the system under test did.
type Outcome string

// The closed set of outcomes. RunnerFault alone is not an outcome of the system under
// test: stratbench could not measure, and the trial never enters a sample.
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
	// SetupFailed: a set-up command failed outside of every phase that was seen in
	// it.
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

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (o *Outcome) UnmarshalText(text []byte) (err error) {
	*o, err = parse("outcome", text, Outcomes())
	return err
}

// phases are the only ones in which an outcome can happen. An outcome that is not
// listed can happen in any.
var phases = map[Outcome][]Phase{
	BuildFailed:         {PhaseBuild},
	BuildOOM:            {PhaseBuild},
	ClusterCreateFailed: {PhaseCluster},
	ClusterHang:         {PhaseCluster, PhaseLoad, PhaseDeploy, PhaseTest},
	LoadFailed:          {PhaseLoad},
	DeployFailed:        {PhaseDeploy},
	TestFailed:          {PhaseTest},
}

// failures are the outcomes of phases that failed by themselves.
var failures = map[Phase]Outcome{
	PhaseCluster: ClusterCreateFailed,
	PhaseBuild:   BuildFailed,
	PhaseLoad:    LoadFailed,
	PhaseDeploy:  DeployFailed,
	PhaseTest:    TestFailed,
}

// Failure is the outcome if the phase failed by itself, or "" for no phase.
func (p Phase) Failure() Outcome { return failures[p] }

// In reports whether the outcome can happen in the phase. An unknown phase may
// be the right one.
func (o Outcome) In(p Phase) bool {
	where, bound := phases[o]
	return p == "" || !bound || slices.Contains(where, p)
}

// Phase returns the only phase in which the outcome can happen, or none.
func (o Outcome) Phase() Phase {
	if where := phases[o]; len(where) == 1 {
		return where[0]
	}
	return ""
}
