package isolated

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

var machines atomic.Int64

// newID names a machine after this process, so that whoever finds what is left
// of it can tell whether its owner still lives. A process number alone would
// not do: it is used again.
func newID() (string, error) {
	start, err := startTime(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("naming a machine: %w", err)
	}
	return fmt.Sprintf("%d-%s-%d", os.Getpid(), start, machines.Add(1)), nil
}

// orphaned reports whether id is a machine's whose owner is gone. A name that
// is no machine's is never orphaned: it is not ours to remove.
func orphaned(id string) bool {
	part := strings.Split(id, "-")
	if len(part) != 3 {
		return false
	}
	pid, err := strconv.Atoi(part[0])
	if err != nil {
		return false
	}
	start, err := startTime(pid)
	return err != nil || start != part[1]
}

// startTime is when a process started, in clock ticks since the boot.
func startTime(pid int) (string, error) {
	f, err := stat(pid)
	if err != nil {
		return "", err
	}
	return f[19], nil
}

// stat reads the fields of /proc/PID/stat that follow the name, which is in
// brackets and may hold anything. The first is the state.
func stat(pid int) ([]string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields, fewer than 20", pid, len(f))
	}
	return f, nil
}
