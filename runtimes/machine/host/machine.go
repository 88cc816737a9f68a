package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Machine is the host with a user's engine on it.
type Machine struct {
	engine runtimes.Endpoint
	self   string
	before host.Activity
}

// Open returns the machine of a user's engine. It starts nothing.
func Open(e runtimes.Endpoint) (*Machine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	if runtime.GOOS == "linux" {
		self = "/proc/self/exe" // this program even after an upgrade
	}
	m := &Machine{engine: e, self: self}
	if m.local() {
		if m.before, err = host.Look(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
	}
	return m, nil
}

// Endpoint is the engine's endpoint. Workers run on the host and use the same one.
func (m *Machine) Endpoint() runtimes.Endpoint { return m.engine }

// WatchEndpoint is the same.
func (m *Machine) WatchEndpoint() runtimes.Endpoint { return m.engine }

// RegistryHost is the loopback address. Engines for which OnLoopback is true reach it, and
// without TLS; nobody else does.
func (m *Machine) RegistryHost() string { return "127.0.0.1" }

// Start starts a worker on the host. It does not die with the engine, which nothing here
// ends.
func (m *Machine) Start(cmd *exec.Cmd) error {
	if cmd.Env == nil {
		cmd.Env = m.engine.Environ(os.Environ())
	}
	if cmd.Args[0] == m.self {
		cmd.Args[0] = os.Args[0] // the name by which lists of processes show this program
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Args[0], err)
	}
	return nil
}

// Self is this program.
func (m *Machine) Self() string { return m.self }

// local reports whether the engine's address is on this system.
func (m *Machine) local() bool { return strings.HasPrefix(m.engine.Address, "unix://") }

// Sample reads the whole host, which includes the engine. If the engine is elsewhere, or the
// host does not report its use, the error is errors.ErrUnsupported.
func (m *Machine) Sample() (trial.Sample, error) {
	if !m.local() {
		return trial.Sample{}, fmt.Errorf("reading what the engine at %s uses: %w", m.engine.Address, errors.ErrUnsupported)
	}
	now, err := host.Look()
	if err != nil {
		return trial.Sample{}, err
	}
	return since(m.before, now), nil
}

// since is what the host has used between before and now.
func since(before, now host.Activity) trial.Sample {
	return trial.Sample{
		CPU:    now.Busy - before.Busy,
		Memory: now.MemoryUsed, MemoryAnon: now.MemoryAnon,
		Read: now.Read - before.Read, Written: now.Written - before.Written,
		OOMKills: now.OOMKills - before.OOMKills,
		Pressure: now.Pressure,
	}
}

// EngineExited is never closed: the engine is the user's.
func (m *Machine) EngineExited() <-chan struct{} { return nil }

// Exit is always empty, for the same reason.
func (m *Machine) Exit() trial.Exit { return trial.Exit{} }

// Boot is empty: the kernel is this host's, or that of a virtual machine that can only be
// reached through its engine.
func (m *Machine) Boot(context.Context) string { return "" }

// Log returns nothing: the engine keeps its own log.
func (m *Machine) Log(int64) ([]byte, error) { return nil, nil }

// Close leaves everything as it is.
func (m *Machine) Close(context.Context) error { return nil }
