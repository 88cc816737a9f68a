package host

import (
	"os"
	"strconv"
	"strings"

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
		CPUSome: cpu["some"], MemorySome: memory["some"], MemoryFull: memory["full"],
		IOSome: io["some"], IOFull: io["full"],
	}
}

// readStall reads lines such as "some avg10=1.65 avg60=5.05 avg300=38.69 total=469001136".
func readStall(file string) (map[string]float64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	stall := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if len(word) < 2 {
			continue
		}
		share, err := strconv.ParseFloat(strings.TrimPrefix(word[1], "avg10="), 64)
		if err != nil {
			return nil, false
		}
		stall[word[0]] = share
	}
	_, ok := stall["some"]
	return stall, ok
}
