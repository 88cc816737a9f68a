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
	"go.podman.io/common/pkg/ssh"

	"github.com/stratbench/stratbench/internal/trial"
)

// overSSH has the transport connect through ssh as the engine's own command
// does: Docker through the user's ssh, Podman through a client of its own.
func (e Endpoint) overSSH(transport *http.Transport) error {
	if e.Runtime == trial.Podman {
		at, err := url.Parse(e.Address)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dialPodman(ctx, at) }
		return err
	}
	// ssh asks for no password: there is nobody to answer.
	helper, err := connhelper.GetConnectionHelperWithSSHOpts(e.Address, []string{"-o BatchMode=yes"})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", e, err)
	}
	transport.DialContext = helper.Dialer
	return nil
}

// throughSSH is a connection with the ssh session that it goes through.
type throughSSH struct {
	net.Conn
	session interface{ Close() error }
}

func (c throughSSH) Close() error { return errors.Join(c.Conn.Close(), c.session.Close()) }

func (e Endpoint) dialPodman(ctx context.Context, at *url.URL) (net.Conn, error) {
	options := &ssh.ConnectionDialOptions{Host: e.Address, Identity: e.Identity, User: at.User, Port: 22, InsecureIsMachineConnection: e.Machine}
	if port, err := strconv.Atoi(at.Port()); err == nil {
		options.Port = port
	}
	if until, ok := ctx.Deadline(); ok {
		options.Timeout = time.Until(until)
	}
	session, err := ssh.Dial(options, ssh.GolangMode)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", e, err)
	}
	conn, err := ssh.DialNet(session, "unix", at)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to %s: %w", e, err), session.Close())
	}
	return throughSSH{conn, session}, nil
}
