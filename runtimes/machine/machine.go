// Package machine says where an engine lives and under which limits: on the
// host as the user runs it, isolated in namespaces and a cgroup of its own, or
// in a podman machine.
package machine

import (
	"context"
	"os/exec"

	"github.com/stratbench/stratbench/internal/trial"
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

// Machine is a place with one running engine, in its golden state.
type Machine interface {
	// Endpoint is the engine's address as seen by a worker inside the machine:
	// "unix:///run/docker.sock".
	Endpoint() string
	// WatchEndpoint is the same engine's address as seen from the runner.
	WatchEndpoint() string
	// RegistryAddr is the host:port at which the runner can listen so that
	// both the engine and the cluster's nodes reach it; port 0 picks one.
	RegistryHost() string
	// Command prepares a worker that runs inside the machine, outside its
	// memory limit, and dies with it.
	Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error)
	// Sample reads the machine's cgroup.
	Sample() (trial.Sample, error)
	// EngineExited is closed when the engine's own process has ended; Exit
	// then tells how ("signal: killed"). For a machine that stratbench does
	// not run, it is never closed.
	EngineExited() <-chan struct{}
	Exit() string
	// Log returns the engine's own log so far, at most its last n bytes.
	Log(n int64) ([]byte, error)
	// Close ends all that the machine runs and removes it without a trace.
	Close(ctx context.Context) error
}
