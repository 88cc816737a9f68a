package enginetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/runtimes"
)

// stop stops the process that listens at the socket. The returned function lets it go
// on.
func stop(t *testing.T, socket string) (start func()) {
	pid := listener(t, socket)
	must(t, unix.Kill(pid, unix.SIGSTOP))
	for end := time.Now().Add(5 * time.Second); !stopped(t, pid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return sync.OnceFunc(func() {
		if err := unix.Kill(pid, unix.SIGCONT); err != nil {
			t.Errorf("letting the engine go on: %v", err)
		}
	})
}

// stopped reports whether all threads of a process have stopped, which takes some time
// after the signal.
func stopped(t *testing.T, pid int) bool {
	threads, err := procfs.AllThreads(pid)
	must(t, err)
	return !slices.ContainsFunc(threads, func(thread procfs.Proc) bool {
		stat, err := thread.Stat()
		return err != nil || stat.State != "T"
	})
}

// kill ends the process that listens at the socket.
func kill(t *testing.T, socket string) { must(t, unix.Kill(listener(t, socket), unix.SIGKILL)) }

func listener(t *testing.T, socket string) int {
	pid, err := runtimes.PeerPID(t.Context(), socket)
	must(t, err)
	if pid <= 1 {
		Missing(t, "the engine's process cannot be seen from here")
	}
	return pid
}
