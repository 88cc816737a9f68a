package strategies

import (
	"time"

	"github.com/stratbench/stratbench/internal/host"
)

// HostGauge reads the memory of this host, of which an engine that runs here is
// a part. It returns false where the host does not tell: on what is no Linux.
func HostGauge() (Reading, bool) {
	a, err := host.Look()
	if err != nil {
		return Reading{}, false
	}
	return Reading{At: time.Now(), Room: int64(a.MemoryUsed + a.MemoryAvailable), Used: int64(a.MemoryAnon),
		Some: a.Pressure.MemorySomeTotal.Duration(), Full: a.Pressure.MemoryFullTotal.Duration(), Pressure: a.Pressure.Known}, true
}
