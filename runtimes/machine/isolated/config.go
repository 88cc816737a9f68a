package isolated

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// Config says what machine to start.
type Config struct {
	// Store holds From, the name that the machine starts as a copy of:
	// store.Golden(key), or store.Root(key) for an engine with nothing in it.
	Store *store.Store
	From  string
	// Runtime is the engine to start.
	Runtime trial.Runtime
	// Memory limits the engine with all it runs; 0 is no limit.
	Memory trial.Bytes
	// CPUs limits it to the time of so many processors; 0 is no limit.
	CPUs float64
	// Log is the file that the engine's own log is appended to.
	Log string
	// Binds are files and folders of the host that the machine sees, read-only,
	// under the same path.
	Binds []string
	// WayOut lets the machine out of the host; nil keeps it in.
	WayOut *WayOut
}

// GoldenConfig says what golden state to make.
type GoldenConfig struct {
	Store *store.Store
	// Root is the engine root's key, Key the golden state's.
	Root, Key string
	Runtime   trial.Runtime
	Log       string
	Binds     []string
}

// OOMKill is a process of a machine that the kernel killed for want of memory.
type OOMKill struct {
	At   time.Time
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
