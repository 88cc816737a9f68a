package spec

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Injection is something that stratbench breaks on purpose, to see whether the
// verdict names it. It works on isolated machines only, and is in the record of
// each of its trials.
type Injection struct {
	// Do is what is broken.
	Do InjectionKind `json:"do" jsonschema:"required"`
	// At is when it is broken. Each fault has a default.
	At Moment `json:"at"`
	// Image is the image whose build gets the argument STRATBENCH_FAULT, for
	// the faults of a build step. Default: the workload's first image.
	Image string `json:"image"`
	// Manifest is the file that is applied in addition to the workload's, for
	// pod-never-ready, relative to the workload's folder and inside it.
	Manifest string `json:"manifest"`
	// Truth is how a trial with this fault really ends. Each fault has a default.
	Truth Truth `json:"truth"`
}

// Moment is a moment of a trial.
type Moment struct {
	// Phase is the phase from whose start time is counted.
	Phase trial.Phase `json:"phase"`
	// Span is the name of a span, instead of a phase: "build api".
	Span string `json:"span"`
	// After is how long after that start.
	After Duration `json:"after"`
}

// Truth is how a trial with a fault really ends.
type Truth struct {
	// Outcomes are the right verdicts. A fault with several causes one of them
	// by chance.
	Outcomes []trial.Outcome `json:"outcomes"`
	// Phase is where the trial ends; empty if that is up to chance.
	Phase trial.Phase `json:"phase"`
}

// InjectionKind is what a fault breaks.
type InjectionKind string

// The built-in faults. The engine and containerd are the machine's; a step, a pod
// and a test are the workload's own.
const (
	EngineKill       InjectionKind = "engine-kill"
	EngineStop       InjectionKind = "engine-stop"
	ContainerdKill   InjectionKind = "containerd-kill"
	ContainerdStop   InjectionKind = "containerd-stop"
	NodeKill         InjectionKind = "node-kill"
	APIServerKill    InjectionKind = "apiserver-kill"
	MemoryBalloon    InjectionKind = "memory-balloon"
	DiskFill         InjectionKind = "disk-fill"
	InotifyExhaust   InjectionKind = "inotify-exhaust"
	RegistryDown     InjectionKind = "registry-down"
	RegistrySlow     InjectionKind = "registry-slow"
	RegistryReset    InjectionKind = "registry-reset"
	Registry503      InjectionKind = "registry-503"
	RegistryTruncate InjectionKind = "registry-truncate"
	StepFail         InjectionKind = "step-fail"
	StepOOM          InjectionKind = "step-oom"
	StepSleep        InjectionKind = "step-sleep"
	PodNeverReady    InjectionKind = "pod-never-ready"
	TestFail         InjectionKind = "test-fail"
	WorkerKill       InjectionKind = "worker-kill"
	RunnerKill       InjectionKind = "runner-kill"
)

// injectionKinds holds the default moment and truth of each fault.
var injectionKinds = map[InjectionKind]Injection{
	EngineKill:     at(trial.PhaseBuild, 3*time.Second, trial.EngineCrash),
	EngineStop:     at(trial.PhaseBuild, 3*time.Second, trial.EngineHang),
	ContainerdKill: at(trial.PhaseCluster, 0, trial.EngineCrash),
	ContainerdStop: at(trial.PhaseCluster, 0, trial.EngineHang),
	NodeKill:       at(trial.PhaseTest, time.Second, trial.ClusterHang),
	// It shows in the next phase.
	APIServerKill: {At: Moment{Phase: trial.PhaseLoad}, Truth: Truth{Outcomes: []trial.Outcome{trial.ClusterHang}, Phase: trial.PhaseDeploy}},
	// Which process the kernel kills when memory runs out is up to the kernel.
	MemoryBalloon: at(trial.PhaseBuild, 2*time.Second, trial.HostExhausted, trial.BuildOOM, trial.EngineCrash),
	// Docker's engine has died of it, with a panic in BuildKit.
	DiskFill:         at(trial.PhaseBuild, time.Second, trial.Storage, trial.EngineCrash),
	InotifyExhaust:   at(trial.PhaseCluster, 0, trial.ClusterCreateFailed, trial.HostExhausted),
	RegistryDown:     at(trial.PhaseBuild, 0, trial.PullFailed),
	RegistrySlow:     at(trial.PhaseBuild, 0, trial.PullFailed),
	RegistryReset:    at(trial.PhaseBuild, 0, trial.PullFailed),
	Registry503:      at(trial.PhaseBuild, 0, trial.PullFailed),
	RegistryTruncate: at(trial.PhaseBuild, 0, trial.PullFailed),
	StepFail:         at(trial.PhaseBuild, 0, trial.BuildFailed),
	StepOOM:          at(trial.PhaseBuild, 0, trial.BuildOOM),
	StepSleep:        at(trial.PhaseBuild, 0, trial.BuildFailed),
	PodNeverReady:    at(trial.PhaseDeploy, 0, trial.DeployFailed),
	TestFail:         at(trial.PhaseTest, 0, trial.TestFailed),
	WorkerKill:       at(trial.PhaseBuild, 3*time.Second, trial.RunnerFault),
	RunnerKill:       at(trial.PhaseBuild, 3*time.Second, trial.OK),
}

func at(p trial.Phase, after time.Duration, outcomes ...trial.Outcome) Injection {
	return Injection{At: Moment{Phase: p, After: Duration(after)}, Truth: Truth{Outcomes: outcomes, Phase: p}}
}

// InjectionKinds lists every InjectionKind, by name.
func InjectionKinds() []InjectionKind { return slices.Sorted(maps.Keys(injectionKinds)) }

// OfRegistry reports whether the fault is one of the registry.
func (k InjectionKind) OfRegistry() bool { return strings.HasPrefix(string(k), "registry-") }

// OfContainerd reports whether the fault needs an engine that has a containerd.
func (k InjectionKind) OfContainerd() bool { return strings.HasPrefix(string(k), "containerd-") }

// Fault returns the fault that settings name: one of the spec's own, or a
// built-in one. Its moment and truth are filled in.
func (s *Spec) Fault(name string) Injection {
	f, own := s.Faults[name]
	if !own {
		f.Do = InjectionKind(name)
	}
	kind := injectionKinds[f.Do]
	if f.At == (Moment{}) {
		f.At = kind.At
	}
	if len(f.Truth.Outcomes) == 0 {
		f.Truth = kind.Truth
	}
	return f
}
