package host

import (
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
)

// What an engine reports may lie this far from a level and still be it. An
// engine in a virtual machine has less than the machine was given, because the
// kernel keeps some for itself: up to 8 % on machines of 2 GiB, less on larger
// ones. Levels closer together than this cannot be told apart on a host.
const (
	lessPercent = 8
	morePercent = 2
)

// MemoryError says that an engine does not have the memory that a level asks for.
type MemoryError struct {
	Runtime trial.Runtime
	Level   trial.Bytes
	Engine  trial.Bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the level is %s and the %s engine has %s, which is not within -%d %% and +%d %% of it: %s",
		e.Level, e.Runtime, e.Engine, lessPercent, morePercent, e.cure())
}

func (e *MemoryError) cure() string {
	isolated := "take the memory as it is (--as-found), or use the machine kind isolated, which sets the limit itself"
	if e.Runtime == trial.Podman {
		return fmt.Sprintf("podman machine stop && podman machine set --memory %d && podman machine start, %s", e.Level>>20, isolated)
	}
	return fmt.Sprintf("give its virtual machine %s (Docker Desktop: Settings, Resources, Memory; colima start --memory %.0f; orb config set memory_mib %d; rdctl set --virtual-machine.memory-in-gb %.0f), %s",
		e.Level, float64(e.Level)/(1<<30), e.Level>>20, float64(e.Level)/(1<<30), isolated)
}

// CheckMemory compares what an engine says that it has with a level, and
// returns a *MemoryError when they differ. stratbench never changes the memory
// of a user's engine.
func CheckMemory(runtime trial.Runtime, level, engine trial.Bytes) error {
	if engine*100 >= level*(100-lessPercent) && engine*100 <= level*(100+morePercent) {
		return nil
	}
	return &MemoryError{Runtime: runtime, Level: level, Engine: engine}
}
