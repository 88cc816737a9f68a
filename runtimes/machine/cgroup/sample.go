package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// Sample reads what the group used. At is left to the caller.
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
	var cpu int64
	cpu, errs[0] = readNumber(g.of("cpuacct"), "cpuacct.usage")
	s.CPU = trial.Seconds(cpu)
	s.Memory, errs[1] = readBytes(g.memory(), "memory.usage_in_bytes")
	s.MemoryAnon, errs[2] = readField(g.memory(), "memory.stat", "total_rss")
	s.Read, s.Written, errs[3] = readThrottle(g.of("blkio"))
	s.OOMKills = g.lost.count(g.memory(), "memory.oom_control")
	return s, errors.Join(errs[:]...)
}

func (g *Group) sampleV2() (s trial.Sample, err error) {
	var errs [6]error
	dir := g.in(g.tree.Unified)
	var micros, kills trial.Bytes
	micros, errs[0] = readField(dir, "cpu.stat", "usage_usec")
	s.CPU = trial.Seconds(time.Duration(micros) * time.Microsecond)
	s.Memory, errs[1] = readBytes(dir, "memory.current")
	s.MemoryAnon, errs[2] = readField(dir, "memory.stat", "anon")
	s.Read, s.Written, errs[3] = readIOStat(dir)
	kills, errs[4] = readField(dir, "memory.events", "oom_kill")
	s.OOMKills = int64(kills)
	// Kernels before 5.19 do not keep it.
	if s.MemoryPeak, errs[5] = readBytes(dir, "memory.peak"); errors.Is(errs[5], fs.ErrNotExist) {
		errs[5] = nil
	}
	return s, errors.Join(errs[:]...)
}

func readNumber(dir, name string) (int64, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", name, err)
	}
	return n, nil
}

func readBytes(dir, name string) (trial.Bytes, error) {
	n, err := readNumber(dir, name)
	return trial.Bytes(n), err
}

// readField reads a number from a file of lines of a name and a number.
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

// readThrottle reads lines such as "7:0 Read 4096". A kernel without block
// throttling has no such file, and then nothing is known: 0.
func readThrottle(dir string) (read, written trial.Bytes, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "blkio.throttle.io_service_bytes_recursive"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if len(word) != 3 || stacked(word[0]) {
			continue
		}
		n, err := strconv.ParseInt(word[2], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("reading block traffic: %w", err)
		}
		switch word[1] {
		case "Read":
			read += trial.Bytes(n)
		case "Write":
			written += trial.Bytes(n)
		}
	}
	return read, written, nil
}

// readIOStat reads lines such as "7:0 rbytes=1 wbytes=2 rios=3 …".
func readIOStat(dir string) (read, written trial.Bytes, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "io.stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if len(word) < 2 || stacked(word[0]) {
			continue
		}
		for _, w := range word[1:] {
			key, value, _ := strings.Cut(w, "=")
			n, _ := strconv.ParseInt(value, 10, 64)
			switch key {
			case "rbytes":
				read += trial.Bytes(n)
			case "wbytes":
				written += trial.Bytes(n)
			}
		}
	}
	return read, written, nil
}

// stacked reports whether a device is a loop device (major 7): what it moves,
// the disk below it moves too, and would count twice.
func stacked(device string) bool { return strings.HasPrefix(device, "7:") }
