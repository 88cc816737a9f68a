package enginetest

import (
	"net"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// stop halts the process that listens at the socket and returns how to let
// it go on.
func stop(t *testing.T, socket string) (start func()) {
	pid := listener(t, socket)
	must(t, unix.Kill(pid, unix.SIGSTOP))
	return sync.OnceFunc(func() {
		if err := unix.Kill(pid, unix.SIGCONT); err != nil {
			t.Errorf("letting the engine go on: %v", err)
		}
	})
}

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
