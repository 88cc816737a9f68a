//go:build !linux

package isolated

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	userhost "github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// Isolated machines exist only on Linux. Elsewhere everything here fails or does nothing.

var errNotLinux = errors.New("an isolated machine needs Linux, and this is " + runtime.GOOS + "; use --machine podman-machine or --machine host")

func Main() {}

func Start(context.Context, Config) (*Machine, error) { return nil, errNotLinux }

func MakeGolden(context.Context, Config, string, func(context.Context, *Machine) error) error {
	return errNotLinux
}

func Sweep(context.Context, *store.Store) ([]string, error) { return nil, nil }

func Checks() host.Checks {
	return host.Checks{{Name: "Linux", Detail: "this is " + runtime.GOOS, Cure: "use --machine podman-machine or --machine host"}}
}

// Machine has all methods of a machine. None is called, because there is no machine.
type Machine struct{ *userhost.Machine }

func (m *Machine) Addr() netip.Addr                                       { return netip.Addr{} }
func (m *Machine) OOMKills() []OOMKill                                    { return nil }
func (m *Machine) EnginePID() int                                         { return 0 }
func (m *Machine) Pids() ([]int, error)                                   { return nil, errNotLinux }
func (m *Machine) Processes() ([]Process, error)                          { return nil, errNotLinux }
func (m *Machine) Stop(context.Context) error                             { return errNotLinux }
func (m *Machine) Root() string                                           { return "" }
func (m *Machine) OwnDisk() bool                                          { return false }
func (m *Machine) Squeeze(trial.Bytes) error                              { return errNotLinux }
func (m *Machine) Dial(context.Context, string, string) (net.Conn, error) { return nil, errNotLinux }
func (m *Machine) Keep(context.Context, string) error                     { return errNotLinux }
func (m *Machine) Restart(context.Context) (*Machine, error)              { return nil, errNotLinux }
