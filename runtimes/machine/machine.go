// Package machine says where an engine lives and under which limits: on the
// host as the user runs it, isolated in namespaces and a cgroup of its own, or
// in a podman machine.
package machine

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Kind is a kind of machine.
type Kind string

// The kinds of machine. Auto picks one and says why.
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
	return "", fmt.Errorf("%q is no kind of machine; the kinds are auto, host, isolated and podman-machine", text)
}

// Machine is a place with one running engine, in its golden state.
type Machine interface {
	// Endpoint is where the engine listens, as seen by a worker inside the
	// machine.
	Endpoint() runtimes.Endpoint
	// WatchEndpoint is the same as seen from the runner.
	WatchEndpoint() runtimes.Endpoint
	// RegistryHost is the address at which the runner can listen so that both
	// the engine and the cluster's nodes reach it.
	RegistryHost() string
	// Start starts a worker: a process inside the machine, outside its memory
	// limit, that dies with it. A name without a slash is looked up inside; a
	// worker with no environment of its own gets one by which clients find the
	// engine. The caller must wait for it, also when the machine is closed
	// meanwhile.
	Start(worker *exec.Cmd) error
	// Self is the path at which workers inside find this program.
	Self() string
	// Sample reads the machine's cgroup. At is left to the caller. A machine
	// that cannot tell returns an error for which errors.Is(err,
	// errors.ErrUnsupported) is true.
	Sample() (trial.Sample, error)
	// EngineExited is closed when the engine's own process has ended; Exit
	// then tells how. For a machine that stratbench does
	// not run, it is never closed.
	EngineExited() <-chan struct{}
	Exit() trial.Exit
	// Boot identifies the present boot of the machine's own kernel, because virtual
	// machines vanish and come back. It is empty where the kernel is this host's,
	// and where it cannot be asked.
	Boot(ctx context.Context) string
	// Log returns the engine's own log so far, at most its last n bytes.
	Log(n int64) ([]byte, error)
	// Close ends all that the machine runs and removes it without a trace.
	Close(ctx context.Context) error
}
