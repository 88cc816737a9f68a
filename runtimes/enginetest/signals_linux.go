package enginetest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stop halts the process that listens at the socket and returns how to let
// it go on.
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

// stopped tells whether all threads of a process have come to a halt, which
// they do some time after the signal.
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

// listener asks the kernel who opened the socket.
func listener(t *testing.T, socket string) int {
	conn, err := net.Dial("unix", socket)
	must(t, err)
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	must(t, err)
	var peer *unix.Ucred
	must(t, raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}))
	must(t, err)
	if peer.Pid <= 1 {
		Missing(t, "the engine's process is not to be seen from here")
	}
	return int(peer.Pid)
}
