package isolated

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// Root is the machine's root as this process reaches it, while the machine is.
func (m *Machine) Root() string { return fmt.Sprintf("/proc/%d/root", m.init.Process.Pid) }

// Dial connects to an address as the machine sees it, its loopback address
// included.
func (m *Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	type dialled struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		// The thread is in the machine from here on, and ends with this goroutine.
		runtime.LockOSThread()
		if err := unix.Setns(m.pidfd, unix.CLONE_NEWNET); err != nil {
			done <- dialled{nil, fmt.Errorf("entering the machine's network: %w", err)}
			return
		}
		// An address of digits is dialled on this very thread.
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		done <- dialled{conn, err}
	}()
	d := <-done
	return d.conn, d.err
}
