package runtimes

import (
	"context"
	"errors"
	"fmt"
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
		at, err := url.Parse(e.Address)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dialPodman(ctx, at) }
		return err
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
	session interface{ Close() error }
}

func (c throughSSH) Close() error { return errors.Join(c.Conn.Close(), c.session.Close()) }

func (e Endpoint) dialPodman(ctx context.Context, at *url.URL) (_ net.Conn, err error) {
	defer Doing(&err, "connecting to %s", e)
	session, err := e.podmanSession(ctx, at)
	if err != nil {
		return nil, err
	}
	conn, err := podman.DialNet(session, "unix", at)
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return throughSSH{conn, session}, nil
}

// podmanSession opens a session by Podman's own client; at is the endpoint's address. The
// client itself would wait for ever for a server that accepts and says nothing.
func (e Endpoint) podmanSession(ctx context.Context, at *url.URL) (*ssh.Client, error) {
	options := &podman.ConnectionDialOptions{Host: e.Address, Identity: e.Identity, User: at.User, Port: 22, InsecureIsMachineConnection: e.Machine}
	if port, err := strconv.Atoi(at.Port()); err == nil {
		options.Port = port
	}
	if until, ok := ctx.Deadline(); ok {
		options.Timeout = time.Until(until)
	}
	type opened struct {
		session *ssh.Client
		err     error
	}
	done := make(chan opened, 1)
	go func() {
		session, err := podman.Dial(options, podman.GolangMode)
		done <- opened{session, err}
	}()
	select {
	case o := <-done:
		return o.session, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				o.session.Close()
			}
		}()
		return nil, fmt.Errorf("ssh did not answer: %w", context.Cause(ctx))
	}
}
