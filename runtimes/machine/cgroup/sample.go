package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// Sample reads what the group used. The caller sets At.
func (g *Group) Sample() (trial.Sample, error) {
	read := g.sampleV1
	if g.tree.Version() == 2 {
		read = g.sampleV2
	}
	s, err := read()
	if err != nil {
		return s, fmt.Errorf("reading the control group %s: %w", g.id, err)
	}
	if g.tree.Unified != "" {
		dir := g.in(g.tree.Unified)
		s.Pressure = host.Pressure(filepath.Join(dir, "cpu.pressure"), filepath.Join(dir, "memory.pressure"), filepath.Join(dir, "io.pressure"))
	}
	return s, nil
}

func (g *Group) sampleV1() (s trial.Sample, err error) {
	var errs [4]error
	var cpu trial.Bytes
	cpu, errs[0] = readNumber(g.of("cpuacct"), "cpuacct.usage")
	s.CPU = trial.Seconds(cpu)
	s.Memory, errs[1] = readNumber(g.of("memory"), "memory.usage_in_bytes")
	s.MemoryAnon, errs[2] = readField(g.of("memory"), "memory.stat", "total_rss")
	s.Read, s.Written, errs[3] = readTraffic(g.of("blkio"), "blkio.throttle.io_service_bytes_recursive")
	s.OOMKills = g.lost.count(g.of("memory"))
	return s, errors.Join(errs[:]...)
}

func (g *Group) sampleV2() (s trial.Sample, err error) {
	var errs [6]error
	dir := g.in(g.tree.Unified)
	var micros, kills trial.Bytes
	micros, errs[0] = readField(dir, "cpu.stat", "usage_usec")
	s.CPU = trial.Seconds(time.Duration(micros) * time.Microsecond)
	s.Memory, errs[1] = readNumber(dir, "memory.current")
	s.MemoryAnon, errs[2] = readField(dir, "memory.stat", "anon")
	s.Read, s.Written, errs[3] = readTraffic(dir, "io.stat")
	kills, errs[4] = readField(dir, "memory.events", "oom_kill")
	s.OOMKills = int64(kills)
	// Kernels before 5.19 do not have it.
	if s.MemoryPeak, errs[5] = readNumber(dir, "memory.peak"); errors.Is(errs[5], fs.ErrNotExist) {
		errs[5] = nil
	}
	return s, errors.Join(errs[:]...)
}

// lostKills adds up OOM kills on version 1, where each group counts only its own kills, and
// its count is lost when its container is removed.
type lostKills struct {
	mu   sync.Mutex
	seen map[string]int64
	gone int64
}

// count returns the kills in dir and below, with those of groups that are gone.
func (l *lostKills) count(dir string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := map[string]int64{}
	total := int64(0)
	// A group that vanishes during the walk counts as gone.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if n, err := readField(path, "memory.oom_control", "oom_kill"); err == nil {
			now[path] = int64(n)
			total += int64(n)
		}
		return nil
	})
	for path, n := range l.seen {
		if _, still := now[path]; !still {
			l.gone += n
		}
	}
	l.seen = now
	return l.gone + total
}

func readNumber(dir, name string) (trial.Bytes, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", name, err)
	}
	return trial.Bytes(n), nil
}

// readField reads a number from a file whose lines have a name and a number.
func readField(dir, name, field string) (trial.Bytes, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if word, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && word == field {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading %s of %s: %w", field, name, err)
			}
			return trial.Bytes(n), nil
		}
	}
	return 0, fmt.Errorf("there is no %s in %s", field, filepath.Join(dir, name))
}

// readTraffic adds up the bytes read and written in a file of one of two formats:
// "8:0 Read 4096" on version 1, "8:0 rbytes=1 wbytes=2 rios=3 …" on version 2. A kernel
// without block throttling has no such file; the result is then 0.
//
// Loop devices (major 7) do not count, because the disk below them has the same traffic.
func readTraffic(dir, name string) (read, written trial.Bytes, err error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if len(word) < 2 || strings.HasPrefix(word[0], "7:") {
			continue
		}
		fields := word[1:]
		if len(word) == 3 && !strings.Contains(word[1], "=") {
			fields = []string{word[1] + "=" + word[2]}
		}
		for _, f := range fields {
			key, value, _ := strings.Cut(f, "=")
			to := map[string]*trial.Bytes{"Read": &read, "rbytes": &read, "Write": &written, "wbytes": &written}[key]
			if to == nil {
				continue
			}
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("reading block traffic: %w", err)
			}
			*to += trial.Bytes(n)
		}
	}
	return read, written, nil
}
