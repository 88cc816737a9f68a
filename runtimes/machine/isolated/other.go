//go:build !linux

package isolated

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"runtime"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// Isolated machines exist only on Linux. Elsewhere everything here fails or does nothing.

var errNotLinux = errors.New("an isolated machine needs Linux, and this is " + runtime.GOOS + "; use the machine kind podman-machine or host")

func Main() {}

func Start(context.Context, Config) (*Machine, error) { return nil, errNotLinux }

func MakeGolden(context.Context, Config, string, func(context.Context, *Machine) error) error {
	return errNotLinux
}

func Sweep(context.Context, *store.Store) ([]string, error) { return nil, nil }

func Checks() host.Checks {
	return host.Checks{{Name: "Linux", Detail: "this is " + runtime.GOOS, Cure: "use the machine kind podman-machine or host"}}
}

type Machine struct{}

func (m *Machine) Endpoint() runtimes.Endpoint                            { return runtimes.Endpoint{} }
func (m *Machine) WatchEndpoint() runtimes.Endpoint                       { return runtimes.Endpoint{} }
func (m *Machine) RegistryHost() string                                   { return "" }
func (m *Machine) Addr() netip.Addr                                       { return netip.Addr{} }
func (m *Machine) Start(*exec.Cmd) error                                  { return errNotLinux }
func (m *Machine) Self() string                                           { return "" }
func (m *Machine) Sample() (trial.Sample, error)                          { return trial.Sample{}, errNotLinux }
func (m *Machine) OOMKills() []OOMKill                                    { return nil }
func (m *Machine) EnginePID() int                                         { return 0 }
func (m *Machine) Pids() ([]int, error)                                   { return nil, errNotLinux }
func (m *Machine) Processes() ([]Process, error)                          { return nil, errNotLinux }
func (m *Machine) EngineExited() <-chan struct{}                          { return nil }
func (m *Machine) Boot(context.Context) string                            { return "" }
func (m *Machine) Exit() trial.Exit                                       { return trial.Exit{} }
func (m *Machine) Log(int64) ([]byte, error)                              { return nil, errNotLinux }
func (m *Machine) Stop(context.Context) error                             { return errNotLinux }
func (m *Machine) Close(context.Context) error                            { return errNotLinux }
func (m *Machine) Root() string                                           { return "" }
func (m *Machine) OwnDisk() bool                                          { return false }
func (m *Machine) Squeeze(trial.Bytes) error                              { return errNotLinux }
func (m *Machine) Dial(context.Context, string, string) (net.Conn, error) { return nil, errNotLinux }
func (m *Machine) Keep(context.Context, string) error                     { return errNotLinux }
func (m *Machine) Restart(context.Context) (*Machine, error)              { return nil, errNotLinux }
