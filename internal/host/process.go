package host

import (
	"errors"
	"strconv"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Began is when a process began, in the kernel's ticks since the host started.
// Numbers of processes are used again; with this each is told from the next.
func Began(pid int) (string, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return "", err
	}
	stat, err := proc.Stat()
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(stat.Starttime, 10), nil
}

// Alive reports whether there is a process of that number.
func Alive(pid int) bool {
	return pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}
