package podman

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// killMarked kills the processes of a build's commands, which are known by
// their mark. Where /proc shows another namespace's processes than this one's,
// numbers mean nothing and none is killed.
func killMarked(m mark) {
	self, err := os.Readlink("/proc/self")
	if err != nil || self != strconv.Itoa(os.Getpid()) {
		return
	}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return
	}
	for _, folder := range folders {
		if bears(folder, m) {
			kill(folder, m)
		}
	}
}

// kill looks a second time once it holds the process, because the number may have
// passed to another in between.
func kill(folder string, m mark) {
	pid, err := strconv.Atoi(filepath.Base(folder))
	if err != nil {
		return
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer process.Release()
	if bears(folder, m) {
		// A process that has gone in the meantime is what was wanted.
		_ = process.Kill()
	}
}

// bears tells whether a process has the mark among its limits.
func bears(folder string, m mark) bool {
	limits, err := os.ReadFile(filepath.Join(folder, "limits"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(limits) {
		if value, ok := bytes.CutPrefix(line, []byte("Max file locks ")); ok {
			fields := bytes.Fields(value)
			return len(fields) > 0 && string(fields[0]) == string(m)
		}
	}
	return false
}
