package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is what the kernel says of a process now.
type Process struct {
	PID    int
	Parent int
	Name   string
	// State is the kernel's letter: T is stopped, D waits for a disk, Z has ended.
	State string
}

// Stopped says whether the process was stopped, and runs on when it is told to.
func (p Process) Stopped() bool { return p.State == "T" || p.State == "t" }

// ReadProcess reads /proc/PID/stat: 4711 (name) S 1 …, where the name may hold
// anything.
func ReadProcess(pid int) (Process, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return Process{}, err
	}
	text := string(b)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, fmt.Errorf("/proc/%d/stat is %q, which has no name in brackets", pid, text)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 2 {
		return Process{}, fmt.Errorf("/proc/%d/stat is %q, which ends early", pid, text)
	}
	parent, err := strconv.Atoi(fields[1])
	return Process{PID: pid, Parent: parent, Name: text[open+1 : end], State: fields[0]}, err
}
