// Package isolated runs an engine of stratbench's own: in its own mount, process,
// network, IPC, host name and control group namespaces, on its own copy of an engine
// root, under a real memory limit.
//
// A machine is a tree of processes below one init, which is this very program, started
// again. Everything in a machine depends on that init: when it ends, the kernel ends all
// processes of the machine and removes its mounts and its network. Init ends when the
// runner does. What the kernel cannot remove by itself, empty control groups and the copy
// of the root, has the runner's process in its name; Sweep removes it at the next start.
//
// The program must call Main before anything else in its main function.
package isolated

import (
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// Config says what machine to start.
type Config struct {
	// Store contains From, the name that the machine starts as a copy of:
	// store.Golden(key), or store.Root(key) for an engine with nothing in it.
	Store *store.Store
	From  string
	// Runtime is the engine to start.
	Runtime trial.Runtime
	// Memory limits the engine and everything it runs; 0 is no limit.
	Memory trial.Bytes
	// CPUs limits it to the time of that many processors; 0 is no limit.
	CPUs float64
	// Log is the file that the engine's own log is appended to.
	Log string
	// Binds are files and folders of the host that the machine sees, read-only,
	// under the same path.
	Binds []string
	// WayOut lets the machine reach hosts beyond its runner, unless it is nil.
	WayOut *WayOut
}

// WayOut lets a machine reach what the host reaches. A machine without one
// reaches its runner and nothing else.
type WayOut struct {
	// Proxies are the variables that name the host's proxies to programs, such as
	// HTTPS_PROXY. The engine and its clients get them.
	Proxies map[string]string
	// Authorities is the host's file of certificates of authorities, or empty.
	Authorities string
	// ClientConfig returns the config.json of the docker command for clients in the
	// machine: with the user's logins, and the proxies as the machine reaches them. It is
	// kept in the machine's memory and never on a disk.
	ClientConfig func(proxies map[string]string) ([]byte, error)
}

// OOMKill is a process of a machine that the kernel killed for want of memory.
type OOMKill struct {
	PID  int
	Name string
	// Group is the process's control group below the machine's: a container's,
	// or empty.
	Group string
}

// Process is what a process of a machine was doing at one moment.
type Process struct {
	PID  int
	Name string
	// State is the kernel's letter: R runs, S sleeps, D waits for the disk, T
	// is stopped, Z has ended.
	State string
	CPU   trial.Seconds
	// Group is as in OOMKill.
	Group string
}
