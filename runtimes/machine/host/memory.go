package host

import (
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
)

// The memory that an engine reports may differ this much from a level. An engine in a
// virtual machine has less than the machine was given, because the kernel reserves some: up
// to 8 % on machines of 2 GiB, less on larger ones. Levels that are closer together cannot
// be distinguished on a host.
const (
	lessPercent = 8
	morePercent = 2
)

// MemoryError is the error if an engine does not have the memory of a level.
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
	isolated := "take the memory as it is (--as-found), or use --machine isolated, which sets the limit itself"
	if e.Runtime == trial.Podman {
		return fmt.Sprintf("podman machine stop && podman machine set --memory %d && podman machine start, %s", e.Level>>20, isolated)
	}
	return fmt.Sprintf("give its virtual machine %s (Docker Desktop: Settings, Resources, Memory; colima start --memory %.0f; orb config set memory_mib %d; rdctl set --virtual-machine.memory-in-gb %.0f), %s",
		e.Level, float64(e.Level)/(1<<30), e.Level>>20, float64(e.Level)/(1<<30), isolated)
}

// CheckMemory compares the memory that an engine reports with a level, and returns a
// *MemoryError if they differ. stratbench never changes the memory of a user's engine.
func CheckMemory(runtime trial.Runtime, level, engine trial.Bytes) error {
	if engine*100 >= level*(100-lessPercent) && engine*100 <= level*(100+morePercent) {
		return nil
	}
	return &MemoryError{Runtime: runtime, Level: level, Engine: engine}
}
