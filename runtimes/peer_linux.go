package runtimes

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// PeerPID returns the process that listens at a socket, or that passed it to its
// engine, as systemd does. It is 0 if this process cannot see that one.
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
