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

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
)

// Activity is what the host is doing, and has done since it started.
type Activity struct {
	Load1 float64
	// MemoryAnon is what of MemoryUsed belongs to processes and no file.
	MemoryAvailable, MemoryUsed, MemoryAnon trial.Bytes
	Pressure                                trial.Pressure

	// CPU is the time of all processors since the start. For Busy of it they
	// worked, and for Steal another guest of the same hardware had them.
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
	var errs [4]error
	if avg, err := proc.LoadAvg(); err == nil {
		a.Load1 = avg.Load1
	} else {
		errs[0] = err
	}
	if mem, err := proc.Meminfo(); err == nil {
		a.MemoryAvailable, a.MemoryAnon = known(mem.MemAvailableBytes), known(mem.AnonPagesBytes)
		a.MemoryUsed = known(mem.MemTotalBytes) - a.MemoryAvailable
	} else {
		errs[1] = err
	}
	if stat, err := proc.Stat(); err == nil {
		t := stat.CPUTotal // the time of guests is in that of their users already
		a.Busy = seconds(t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ)
		a.Steal = seconds(t.Steal)
		a.CPU = a.Busy + a.Steal + seconds(t.Idle+t.Iowait)
	} else {
		errs[2] = err
	}
	vm, err := readNumbers(filepath.Join(folder, "vmstat"))
	a.Read, a.Written = trial.Bytes(vm["pgpgin"]<<10), trial.Bytes(vm["pgpgout"]<<10)
	a.OOMKills, errs[3] = vm["oom_kill"], err
	a.Pressure = Pressure(filepath.Join(folder, "pressure/cpu"), filepath.Join(folder, "pressure/memory"), filepath.Join(folder, "pressure/io"))
	if err := errors.Join(errs[:]...); err != nil {
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

// seconds undoes what a float64 makes of the kernel's ticks, which are
// hundredths of a second for programs everywhere.
func seconds(s float64) trial.Seconds { return trial.Seconds(math.Round(s*100)) * 1e7 }

// readNumbers reads a file of lines of a name and a number.
func readNumbers(path string) (map[string]int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		if word := strings.Fields(line); len(word) == 2 {
			values[word[0]], _ = strconv.ParseInt(word[1], 10, 64)
		}
	}
	return values, nil
}
