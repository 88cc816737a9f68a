package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli/connhelper/commandconn"
	docker "github.com/docker/cli/cli/connhelper/ssh"
	"github.com/inetaf/tcpproxy"

	"github.com/stratbench/stratbench/internal/trial"
)

// aliveEvery is how often the ssh server of a tunnel is asked whether it is still there. A
// tunnel whose server misses three answers is broken.
const aliveEvery = 5 * time.Second

// BySSH reports whether the engine is on another host and is reached by ssh, so that a
// tunnel can lead to that host.
func (e Endpoint) BySSH() bool { return strings.HasPrefix(e.Address, "ssh://") && e.Elsewhere() != "" }

// Tunnel makes addresses of this host's loopback interface ("127.0.0.1:6443") lead to the
// same addresses of the engine's host, through one ssh session, which the engine's own
// command would open in the same way. The tunnel ends with stop, and with this process. If
// it ends otherwise, broken receives the reason.
func (e Endpoint) Tunnel(ctx context.Context, addresses []string) (broken <-chan error, stop func(), err error) {
	defer Doing(&err, "opening a tunnel to %s", e)
	if e.Runtime == trial.Podman {
		return e.podmanTunnel(ctx, addresses)
	}
	flags := []string{"-oExitOnForwardFailure=yes", fmt.Sprintf("-oServerAliveInterval=%.0f", aliveEvery.Seconds()), "-oServerAliveCountMax=3"}
	for _, a := range addresses {
		flags = append(flags, "-L"+a+":"+a)
	}
	conn, err := e.dockerSession(ctx, flags)
	if err != nil {
		return nil, nil, err
	}
	// ssh listens before it starts the command, so the tunnel is open now.
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		ended <- saidBySSH(err)
	}()
	return ended, func() { conn.Close() }, nil
}

// dockerSession opens a session by the user's ssh program, which has answered. A command
// that ends with its input ends ssh where the kernel does not end it with this process.
func (e Endpoint) dockerSession(ctx context.Context, flags []string) (net.Conn, error) {
	conn, err := e.startSSH(flags, "cat")
	if err != nil {
		return nil, err
	}
	conn.Write([]byte("\n")) // if this fails, reading fails too, and says why
	if err := firstByte(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (e Endpoint) podmanTunnel(ctx context.Context, addresses []string) (broken <-chan error, stop func(), err error) {
	session, err := e.podmanSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	proxy := &tcpproxy.Proxy{}
	for _, a := range addresses {
		// Where nothing listens yet, a client is refused as it would be there.
		proxy.AddRoute(a, &tcpproxy.DialProxy{Addr: a, DialContext: session.DialContext, OnDialError: func(client net.Conn, _ error) { client.Close() }})
	}
	if err := proxy.Start(); err != nil {
		session.Close()
		return nil, nil, err
	}
	ended := make(chan error, 2)
	go func() { ended <- fmt.Errorf("the ssh session ended: %v", session.Wait()) }()
	go func() {
		for {
			silent := time.AfterFunc(3*aliveEvery, func() {
				ended <- fmt.Errorf("the ssh server has not answered for %s", 3*aliveEvery)
				session.Close()
			})
			_, _, err := session.SendRequest("keepalive@openssh.com", true, nil)
			silent.Stop()
			if err != nil {
				return // the session has ended
			}
			time.Sleep(aliveEvery)
		}
	}()
	return ended, func() { proxy.Close(); session.Close() }, nil
}

// TunnelCure is what to do if CanTunnel returns an error, for the end of a message.
const TunnelCure = "make ssh connect without a password and forward ports (AllowTcpForwarding in sshd_config there, or the options of the key in authorized_keys), or run stratbench on that host"

// CanTunnel returns why no tunnel can lead to the engine's host now, or nil. It opens ssh
// sessions and nothing else.
func (e Endpoint) CanTunnel(ctx context.Context) (err error) {
	defer Doing(&err, "trying a tunnel to %s", e)
	limit := 5 * time.Second
	if until, ok := ctx.Deadline(); ok {
		limit = time.Until(until) * 2 / 3
	}
	trying, done := context.WithTimeout(ctx, limit)
	defer done()
	err = e.tryForwarding(trying)
	switch {
	case err == nil, strings.Contains(err.Error(), "connect failed"):
		return nil
	case strings.Contains(err.Error(), "administratively prohibited"):
		return fmt.Errorf("its ssh server forwards no ports, so nothing here reaches a cluster there: %w", err)
	case trying.Err() != nil && ctx.Err() == nil:
		// A server that forwards nothing reports it at once. If the server opens a session, only
		// what it was asked to connect to is silent.
		return e.trySession(ctx)
	}
	return err
}

// trySession opens an ssh session and closes it.
func (e Endpoint) trySession(ctx context.Context) error {
	var session io.Closer
	var err error
	if e.Runtime == trial.Podman {
		session, err = e.podmanSession(ctx)
	} else {
		session, err = e.dockerSession(ctx, nil)
	}
	if err == nil {
		session.Close()
	}
	return err
}

// tryForwarding asks the ssh server to connect to the usual port of ssh servers on its own
// host, because what listens there speaks first. If nothing does, both clients print
// "connect failed". Of a server that forwards nothing, they print "administratively
// prohibited".
func (e Endpoint) tryForwarding(ctx context.Context) error {
	const greeter = "127.0.0.1:22"
	if e.Runtime == trial.Podman {
		session, err := e.podmanSession(ctx)
		if err != nil {
			return err
		}
		defer session.Close()
		_, err = session.DialContext(ctx, "tcp", greeter)
		return err
	}
	conn, err := e.startSSH([]string{"-W" + greeter})
	if err != nil {
		return err
	}
	defer conn.Close()
	return firstByte(ctx, conn)
}

// startSSH starts the user's ssh program as Docker's own command does. The connection is
// one of its own: one that other ssh programs share would keep ports after the trial.
func (e Endpoint) startSSH(flags []string, command ...string) (net.Conn, error) {
	host, err := docker.ParseURL(e.Address)
	if err != nil {
		return nil, err
	}
	own := []string{"-T", "-oBatchMode=yes", "-oConnectTimeout=30", "-oControlPath=none", "-oLogLevel=INFO"}
	// A context would not end the program, which lives until the connection is closed.
	return commandconn.New(context.Background(), "ssh", slices.Concat(own, flags, host.Args(command...))...)
}

// firstByte waits for anything that comes through a connection by the ssh program. Its
// error is what ssh said.
func firstByte(ctx context.Context, conn net.Conn) error {
	giveUp := context.AfterFunc(ctx, func() { conn.Close() })
	_, err := conn.Read(make([]byte, 1))
	if !giveUp() {
		return fmt.Errorf("ssh did not answer: %w", context.Cause(ctx))
	}
	if err != nil {
		return saidBySSH(err)
	}
	return nil
}

// saidBySSH is why the ssh program ended.
func saidBySSH(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("ssh ended")
	}
	return printedBySSH(err)
}

// SSHError is what the ssh program printed before it ended, in one line.
type SSHError struct{ Said string }

func (e *SSHError) Error() string { return "ssh ended: " + e.Said }

// printedBySSH is what the ssh program printed, if err has it, without the command and the
// advice about Docker's version that its connection adds.
func printedBySSH(err error) error {
	_, said, printed := strings.Cut(err.Error(), "stderr=")
	if !printed {
		return err
	}
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\r' || r == '\n' })
	return &SSHError{strings.Join(lines, "; ")}
}
