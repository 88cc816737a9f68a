package runtimes

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// PeerPID is the process that listens at a socket, or that has handed it to
// its engine, as systemd does; 0 when it is not among the processes that this
// one can see.
func PeerPID(ctx context.Context, socket string) (int, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var got error
	if err := raw.Control(func(fd uintptr) {
		peer, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if got != nil {
		return 0, got
	}
	return int(peer.Pid), nil
}

// foreign reports whether an engine's socket is of processes that this one
// cannot see: it was mounted into the container that this process is in.
func foreign(ctx context.Context, socket string) bool {
	pid, err := PeerPID(ctx, socket)
	return err == nil && pid == 0
}
