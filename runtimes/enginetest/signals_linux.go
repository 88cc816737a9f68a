package enginetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

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
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("looking at the engine's threads: %v", err)
	}
	for _, path := range threads {
		status, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(status, []byte("State:\tT")) {
			return false
		}
	}
	return true
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
