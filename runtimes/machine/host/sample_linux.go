package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
)

// proc is where the kernel tells. Tests put files of their own there.
var proc = "/proc"

// counters are totals since the boot.
type counters struct {
	cpu           trial.Seconds
	read, written trial.Bytes
	kills         int64
}

// ticks is what the kernel counts processor time in for programs, everywhere.
const ticks = 100

func readCounters() (c counters, err error) {
	b, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return c, fmt.Errorf("reading what the host uses: %w", err)
	}
	// cpu  user nice system idle iowait irq softirq steal …
	line, _, _ := strings.Cut(string(b), "\n")
	for i, w := range strings.Fields(line) {
		n, _ := strconv.ParseInt(w, 10, 64)
		if idle := i == 4 || i == 5; i > 0 && i <= 7 && !idle {
			c.cpu += trial.Seconds(time.Duration(n) * time.Second / ticks)
		}
	}
	vm, err := fields("vmstat")
	if err != nil {
		return c, err
	}
	c.read, c.written = trial.Bytes(vm["pgpgin"]<<10), trial.Bytes(vm["pgpgout"]<<10)
	c.kills = vm["oom_kill"]
	return c, nil
}

func sample(before counters) (trial.Sample, error) {
	now, err := readCounters()
	if err != nil {
		return trial.Sample{}, err
	}
	memory, err := fields("meminfo")
	if err != nil {
		return trial.Sample{}, err
	}
	return trial.Sample{
		CPU:        now.cpu - before.cpu,
		Memory:     trial.Bytes((memory["MemTotal"] - memory["MemAvailable"]) << 10),
		MemoryAnon: trial.Bytes(memory["AnonPages"] << 10),
		Read:       now.read - before.read, Written: now.written - before.written,
		OOMKills: now.kills - before.kills,
		Pressure: cgroup.Pressure(filepath.Join(proc, "pressure/cpu"), filepath.Join(proc, "pressure/memory"), filepath.Join(proc, "pressure/io")),
	}, nil
}

// fields reads a file of lines of a name, perhaps a colon, and a number.
func fields(name string) (map[string]int64, error) {
	b, err := os.ReadFile(filepath.Join(proc, name))
	if err != nil {
		return nil, fmt.Errorf("reading what the host uses: %w", err)
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		if word := strings.Fields(line); len(word) > 1 {
			values[strings.TrimSuffix(word[0], ":")], _ = strconv.ParseInt(word[1], 10, 64)
		}
	}
	return values, nil
}
