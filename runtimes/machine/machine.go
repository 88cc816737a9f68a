// Package machine defines the place where an engine lives: the host, where the user runs
// it; an isolated machine, with namespaces and a cgroup of its own; or a podman machine.
package machine

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Kind is a type of machine.
type Kind string

// The types of machine. Auto means that Detect chooses one.
const (
	Auto          Kind = "auto"
	Host          Kind = "host"
	Isolated      Kind = "isolated"
	PodmanMachine Kind = "podman-machine"
)

// ParseKind reads a Kind.
func ParseKind(text string) (Kind, error) {
	switch k := Kind(text); k {
	case Auto, Host, Isolated, PodmanMachine:
		return k, nil
	}
	return "", fmt.Errorf("%q is not a type of machine; the types are auto, host, isolated and podman-machine", text)
}

// Machine is a place with one running engine, in its golden state.
type Machine interface {
	// Endpoint is where the engine listens, as a worker inside the machine sees it.
	Endpoint() runtimes.Endpoint
	// WatchEndpoint is where the engine listens, as the runner sees it.
	WatchEndpoint() runtimes.Endpoint
	// RegistryHost is an address at which the runner can listen and which both the engine
	// and the cluster's nodes reach.
	RegistryHost() string
	// Start starts a worker: a process inside the machine, outside its memory limit, that
	// dies with it. A name without a slash is looked up inside; a worker without an
	// environment gets one by which clients find the engine. The caller must wait for it,
	// also if the machine is closed meanwhile.
	Start(worker *exec.Cmd) error
	// Self is the path of this program inside the machine.
	Self() string
	// Sample reads what the machine uses. The caller sets At. If the machine does not know,
	// errors.Is(err, errors.ErrUnsupported) is true.
	Sample() (trial.Sample, error)
	// EngineExited is closed when the engine's own process has ended; Exit then returns
	// how. It is never closed if stratbench does not run the engine.
	EngineExited() <-chan struct{}
	Exit() trial.Exit
	// Boot identifies the current boot of the machine's own kernel, because virtual machines
	// can restart. It is empty if the kernel is this host's, or cannot be asked.
	Boot(ctx context.Context) string
	// Log returns the engine's own log so far, at most its last n bytes.
	Log(n int64) ([]byte, error)
	// Close ends everything that the machine runs and removes it without a trace.
	Close(ctx context.Context) error
}
