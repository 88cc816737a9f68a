package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/docker/cli/cli/connhelper"
	podman "go.podman.io/common/pkg/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/stratbench/stratbench/internal/trial"
)

// overSSH makes the transport connect through ssh as the engine's own command does:
// Docker with the user's ssh program, Podman with its own client.
func (e Endpoint) overSSH(transport *http.Transport) error {
	if e.Runtime == trial.Podman {
		transport.DialContext = func(ctx context.Context, _, _ string) (_ net.Conn, err error) {
			defer Doing(&err, "connecting to %s", e)
			session, err := e.podmanSession(ctx)
			if err != nil {
				return nil, err
			}
			at, _ := url.Parse(e.Address) // the session has parsed it
			conn, err := podman.DialNet(session, "unix", at)
			if err != nil {
				return nil, errors.Join(err, session.Close())
			}
			return throughSSH{conn, session}, nil
		}
		return nil
	}
	// In batch mode, ssh asks for no password: nobody could answer.
	helper, err := connhelper.GetConnectionHelperWithSSHOpts(e.Address, []string{"-o BatchMode=yes"})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", e, err)
	}
	transport.DialContext = helper.Dialer
	return nil
}

// throughSSH is a connection and the ssh session below it.
type throughSSH struct {
	net.Conn
	session io.Closer
}

func (c throughSSH) Close() error { return errors.Join(c.Conn.Close(), c.session.Close()) }

// podmanSession opens a session by Podman's own client. The client itself would wait for ever
// for a server that accepts and says nothing.
func (e Endpoint) podmanSession(ctx context.Context) (*ssh.Client, error) {
	at, err := url.Parse(e.Address)
	if err != nil {
		return nil, err
	}
	options := &podman.ConnectionDialOptions{Host: e.Address, Identity: e.Identity, User: at.User, Port: 22, InsecureIsMachineConnection: e.Machine}
	if port, err := strconv.Atoi(at.Port()); err == nil {
		options.Port = port
	}
	if until, ok := ctx.Deadline(); ok {
		options.Timeout = time.Until(until)
	}
	session, answered, err := Await(ctx, func() (*ssh.Client, error) { return podman.Dial(options, podman.GolangMode) })
	if !answered {
		return nil, fmt.Errorf("ssh did not answer: %w", context.Cause(ctx))
	}
	return session, err
}

// Await waits until open returns, or ctx ends and answered is false. What is opened after
// that is closed. It is for clients that ignore contexts.
func Await[T io.Closer](ctx context.Context, open func() (T, error)) (_ T, answered bool, _ error) {
	type result struct {
		opened T
		err    error
	}
	done := make(chan result, 1)
	go func() {
		opened, err := open()
		done <- result{opened, err}
	}()
	select {
	case r := <-done:
		return r.opened, true, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.opened.Close()
			}
		}()
		var none T
		return none, false, ctx.Err()
	}
}
