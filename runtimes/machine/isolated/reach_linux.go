package isolated

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
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

// OwnDisk says whether what the machine writes goes to a disk of stratbench's
// own, which the host's own files are not on.
func (m *Machine) OwnDisk() bool {
	_, _, err := m.config.Store.Traffic()
	return err == nil
}

// Squeeze lowers the machine's memory limit while it runs, as the balloon of a
// virtual machine does. The kernel refuses less than it can reclaim.
func (m *Machine) Squeeze(memory trial.Bytes) error {
	if err := m.group.Squeeze(memory); err != nil {
		return fmt.Errorf("lowering the memory of the machine %s to %s: %w", m.id, memory, err)
	}
	return nil
}
