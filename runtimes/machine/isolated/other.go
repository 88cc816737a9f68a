//go:build !linux

package isolated

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

var errNotLinux = errors.New("an isolated machine needs Linux, and this is " + runtime.GOOS + "; use the machine kind podman-machine or host")

// Main does nothing: there are isolated machines on Linux alone.
func Main() {}

// Start returns an error: there are isolated machines on Linux alone.
func Start(context.Context, Config) (*Machine, error) { return nil, errNotLinux }

// MakeGolden returns an error: there are isolated machines on Linux alone.
func MakeGolden(context.Context, GoldenConfig, func(context.Context, *Machine) error) error {
	return errNotLinux
}

// Sweep finds nothing: no run has left anything here.
func Sweep(context.Context, *store.Store) ([]string, error) { return nil, nil }

// Checks returns the one check that fails.
func Checks() []Check {
	return []Check{{Name: "Linux", Detail: "this is " + runtime.GOOS, Cure: "use the machine kind podman-machine or host"}}
}

// Machine is never made here.
type Machine struct{}

func (m *Machine) ID() string                       { return "" }
func (m *Machine) Endpoint() runtimes.Endpoint      { return runtimes.Endpoint{} }
func (m *Machine) WatchEndpoint() runtimes.Endpoint { return runtimes.Endpoint{} }
func (m *Machine) RegistryHost() string             { return "" }
func (m *Machine) Addr() netip.Addr                 { return netip.Addr{} }
func (m *Machine) Start(*exec.Cmd) error            { return errNotLinux }
func (m *Machine) Self() string                     { return "" }
func (m *Machine) Sample() (trial.Sample, error)    { return trial.Sample{}, errNotLinux }
func (m *Machine) OOMKills() []OOMKill              { return nil }
func (m *Machine) EnginePID() int                   { return 0 }
func (m *Machine) Pids() ([]int, error)             { return nil, errNotLinux }
func (m *Machine) Processes() ([]Process, error)    { return nil, errNotLinux }
func (m *Machine) EngineExited() <-chan struct{}    { return nil }
func (m *Machine) Boot(context.Context) string      { return "" }
func (m *Machine) Exit() trial.Exit                 { return trial.Exit{} }
func (m *Machine) Log(int64) ([]byte, error)        { return nil, errNotLinux }
func (m *Machine) Stop(context.Context) error       { return errNotLinux }
func (m *Machine) Close(context.Context) error      { return errNotLinux }
func (m *Machine) Root() string                     { return "" }
func (m *Machine) OwnDisk() bool                    { return false }
func (m *Machine) Squeeze(trial.Bytes) error        { return errNotLinux }

// Dial returns an error: there are isolated machines on Linux alone.
func (m *Machine) Dial(context.Context, string, string) (net.Conn, error) { return nil, errNotLinux }

// Keep returns an error: there are isolated machines on Linux alone.
func (m *Machine) Keep(context.Context, string) error { return errNotLinux }

// Restart returns an error: there are isolated machines on Linux alone.
func (m *Machine) Restart(context.Context) (*Machine, error) { return nil, errNotLinux }
