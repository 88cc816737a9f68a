package host

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
)

// Activity is what the host is doing, and has done since it started.
type Activity struct {
	Load1 float64
	// MemoryAnon is the part of MemoryUsed that belongs to processes, not to files.
	MemoryAvailable, MemoryUsed, MemoryAnon trial.Bytes
	Pressure                                trial.Pressure

	// CPU is the time of all processors since the start. They worked during Busy,
	// and another guest of the same hardware used them during Steal.
	CPU, Busy, Steal trial.Seconds
	Read, Written    trial.Bytes
	OOMKills         int64
}

// Look reads what the host is doing. The error names what could not be read; it
// is errors.ErrUnsupported where the system has no /proc.
func Look() (Activity, error) { return look("/proc") }

func look(folder string) (a Activity, err error) {
	proc, err := procfs.NewFS(folder)
	if err != nil {
		return a, fmt.Errorf("reading what a host with %s does: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	avg, errLoad := proc.LoadAvg()
	if errLoad == nil {
		a.Load1 = avg.Load1
	}
	mem, errMemory := proc.Meminfo()
	if errMemory == nil {
		a.MemoryAvailable, a.MemoryAnon = known(mem.MemAvailableBytes), known(mem.AnonPagesBytes)
		a.MemoryUsed = known(mem.MemTotalBytes) - a.MemoryAvailable
	}
	stat, errStat := proc.Stat()
	if errStat == nil {
		t := stat.CPUTotal // User and Nice include the time of guests
		a.Busy = seconds(t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ)
		a.Steal = seconds(t.Steal)
		a.CPU = a.Busy + a.Steal + seconds(t.Idle+t.Iowait)
	}
	vmstat, errVM := os.ReadFile(filepath.Join(folder, "vmstat"))
	vm := map[string]int64{}
	for line := range strings.Lines(string(vmstat)) { // a name and a number
		if word := strings.Fields(line); len(word) == 2 {
			vm[word[0]], _ = strconv.ParseInt(word[1], 10, 64)
		}
	}
	a.Read, a.Written, a.OOMKills = trial.Bytes(vm["pgpgin"]<<10), trial.Bytes(vm["pgpgout"]<<10), vm["oom_kill"]
	a.Pressure = Pressure(filepath.Join(folder, "pressure/cpu"), filepath.Join(folder, "pressure/memory"), filepath.Join(folder, "pressure/io"))
	if err := errors.Join(errLoad, errMemory, errStat, errVM); err != nil {
		return a, fmt.Errorf("reading what the host does: %w", err)
	}
	return a, nil
}

func known(n *uint64) trial.Bytes {
	if n == nil {
		return 0
	}
	return trial.Bytes(*n)
}

// seconds rounds a float64 to the kernel's ticks, which are hundredths of a second.
func seconds(s float64) trial.Seconds { return trial.Seconds(math.Round(s*100)) * 1e7 }

// Pressure reads the three files in which the kernel reports the pressure on the
// host or on a control group. A kernel without them leaves it unknown.
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

// stall is how long processes have waited: as a share of the last ten seconds, in
// per cent, and in all.
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
		var kind string
		var share, other float64
		var micros time.Duration
		if _, err := fmt.Sscanf(line, "%s avg10=%f avg60=%f avg300=%f total=%d", &kind, &share, &other, &other, &micros); err != nil {
			return nil, false
		}
		stalls[kind] = stall{share, trial.Seconds(micros * time.Microsecond)}
	}
	_, ok := stalls["some"]
	return stalls, ok
}
