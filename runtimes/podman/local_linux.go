package podman

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// This file has what works only with a service on this kernel.

// killMarked kills the processes that bear a build's mark. If /proc shows the processes
// of another pid namespace than this one's, process numbers mean nothing, and none is
// killed.
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
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || !bears(folder, m) {
			continue
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		// Another process may have got the number in the meantime.
		if bears(folder, m) {
			_ = process.Kill() // if it has ended meanwhile, all the better
		}
		process.Release()
	}
}

// bears reports whether a process has the mark among its limits.
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

// wanted is the limit that a build asks for by default. A service without the
// capability to raise its hard limit, as in a container, cannot grant it.
const wanted = 1 << 20

// ulimits are what builds of the service at a socket on this kernel must ask for instead.
// A rootless service asks for no more than it may have by itself, which may be less than
// this process has.
func ulimits(socket string) []string {
	var file unix.Stat_t
	if err := unix.Stat(socket, &file); err == nil && file.Uid != 0 {
		return nil
	}
	var limits []string
	for _, l := range []struct {
		name     string
		resource int
	}{{"nofile", unix.RLIMIT_NOFILE}, {"nproc", unix.RLIMIT_NPROC}} {
		var have unix.Rlimit
		if err := unix.Getrlimit(l.resource, &have); err == nil && have.Max < wanted {
			limits = append(limits, fmt.Sprintf("%s=%d:%d", l.name, have.Max, have.Max))
		}
	}
	return limits
}
