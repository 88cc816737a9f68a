package host

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Pressure reads the three files in which the kernel tells of the pressure on
// the host or on a control group. A kernel without them leaves it unknown.
func Pressure(cpuFile, memoryFile, ioFile string) trial.Pressure {
	cpu, okCPU := readStall(cpuFile)
	memory, okMemory := readStall(memoryFile)
	io, okIO := readStall(ioFile)
	return trial.Pressure{
		Known:   okCPU && okMemory && okIO,
		CPUSome: cpu["some"].share, MemorySome: memory["some"].share, MemoryFull: memory["full"].share,
		IOSome: io["some"].share, IOFull: io["full"].share,
		MemorySomeTotal: memory["some"].total, MemoryFullTotal: memory["full"].total,
	}
}

// stall is how long processes have waited: the share of the last ten seconds, in
// per cent, and all the time so far.
type stall struct {
	share float64
	total trial.Seconds
}

// readStall reads lines such as "some avg10=1.65 avg60=5.05 avg300=38.69 total=469001136".
func readStall(file string) (map[string]stall, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	stalls := map[string]stall{}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if len(word) < 5 {
			continue
		}
		share, err := strconv.ParseFloat(strings.TrimPrefix(word[1], "avg10="), 64)
		micros, err2 := strconv.ParseInt(strings.TrimPrefix(word[4], "total="), 10, 64)
		if err != nil || err2 != nil {
			return nil, false
		}
		stalls[word[0]] = stall{share, trial.Seconds(time.Duration(micros) * time.Microsecond)}
	}
	_, ok := stalls["some"]
	return stalls, ok
}
