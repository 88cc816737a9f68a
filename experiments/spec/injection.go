package spec

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Injection is something that stratbench breaks on purpose, to see whether it is
// told from everything else. It is a test instrument: it works on isolated
// machines alone, and stands in every record of its trials.
type Injection struct {
	// Do is what is broken.
	Do InjectionKind `json:"do" jsonschema:"required"`
	// At is when. Each kind has a moment of its own.
	At Moment `json:"at"`
	// Image is the image whose build gets the argument STRATBENCH_FAULT, for
	// the faults of a step; the workload's first, without one.
	Image string `json:"image"`
	// Manifest is the file that is applied besides the workload's, for
	// pod-never-ready, relative to the workload's folder and inside it.
	Manifest string `json:"manifest"`
	// Truth is how a trial with this fault truly ends. Each kind has its own.
	Truth Truth `json:"truth"`
}

// Moment is a moment of a trial.
type Moment struct {
	// Phase is the phase with whose start the moment counts.
	Phase trial.Phase `json:"phase"`
	// Span is the name of a span, instead of a phase: "build api".
	Span string `json:"span"`
	// After is how long after that start.
	After Duration `json:"after"`
}

// Delay is how long after its span's start the moment is.
func (m Moment) Delay() time.Duration { return time.Duration(m.After) }

// Truth is how a trial with a fault truly ends.
type Truth struct {
	// Outcomes are right answers; where several are, the fault leaves it to
	// chance which of them it brings about.
	Outcomes []trial.Outcome `json:"outcomes"`
	// Phase is where it ends; empty where that is left to chance.
	Phase trial.Phase `json:"phase"`
}

// InjectionKind is what a fault breaks.
type InjectionKind string

// The kinds of faults. The engine's and the containerd's are those of the
// machine; a step, a pod and a test are the workload's own.
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

// injectionKinds holds the moment and the truth of each kind.
var injectionKinds = map[InjectionKind]Injection{
	EngineKill:     at(trial.PhaseBuild, 3*time.Second, trial.EngineCrash),
	EngineStop:     at(trial.PhaseBuild, 3*time.Second, trial.EngineHang),
	ContainerdKill: at(trial.PhaseCluster, 0, trial.EngineCrash),
	ContainerdStop: at(trial.PhaseCluster, 0, trial.EngineHang),
	NodeKill:       at(trial.PhaseTest, time.Second, trial.ClusterHang),
	APIServerKill:  elsewhere(trial.PhaseLoad, trial.PhaseDeploy, trial.ClusterHang),
	// Whom the kernel kills for want of memory is its choice.
	MemoryBalloon: at(trial.PhaseBuild, 2*time.Second, trial.HostExhausted, trial.BuildOOM, trial.EngineCrash),
	// Docker's engine was seen to die of it, with a panic in BuildKit.
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

// elsewhere is a fault that shows in a later phase.
func elsewhere(p, shows trial.Phase, outcomes ...trial.Outcome) Injection {
	f := at(p, 0, outcomes...)
	f.Truth.Phase = shows
	return f
}

// InjectionKinds lists every InjectionKind, by name.
func InjectionKinds() []InjectionKind { return slices.Sorted(maps.Keys(injectionKinds)) }

// OfRegistry says whether the fault is one of the registry.
func (k InjectionKind) OfRegistry() bool {
	return slices.Contains([]InjectionKind{RegistryDown, RegistrySlow, RegistryReset, Registry503, RegistryTruncate}, k)
}

// OfContainerd says whether the fault needs an engine that has a containerd.
func (k InjectionKind) OfContainerd() bool { return k == ContainerdKill || k == ContainerdStop }

// Fault returns the fault that settings name: one of the spec's own, or a kind
// as it is. Its moment and truth are filled in.
func (s *Spec) Fault(name string) (Injection, bool) {
	f, own := s.Faults[name]
	if !own {
		f.Do = InjectionKind(name)
	}
	kind, known := injectionKinds[f.Do]
	if !known {
		return Injection{}, false
	}
	if f.At == (Moment{}) {
		f.At = kind.At
	}
	if len(f.Truth.Outcomes) == 0 {
		f.Truth = kind.Truth
	}
	return f, true
}

// faultNames are those that settings may name.
func faultNames(own map[string]Injection) []string {
	names := []string{trial.NoFault}
	for _, k := range InjectionKinds() {
		names = append(names, string(k))
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// faultProblem says what is wrong with the fault that settings name.
func (s Settings) faultProblem(own map[string]Injection) []problem {
	known := faultNames(own)
	switch {
	case s.Fault == "":
		return nil
	case !slices.Contains(known, s.Fault):
		return []problem{{pointer: "/fault", message: fmt.Sprintf("fault %q is not known; %s", s.Fault, suggest(s.Fault, known))}}
	case s.Fault != trial.NoFault && s.Machine.Kind != MachineIsolated:
		return []problem{{pointer: "/fault", message: "faults are for isolated machines alone; write machine: {kind: isolated} under settings"}}
	}
	return nil
}
