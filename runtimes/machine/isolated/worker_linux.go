package isolated

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"golang.org/x/sys/unix"
)

// Start starts a worker: a process inside the machine's namespaces and outside its memory
// limit, a child of this process that dies with the machine. A name without a slash is
// looked up in the machine; a worker without an environment gets the machine's, by which
// clients find the engine.
//
// The caller must wait for it, also if the machine is closed meanwhile.
func (m *Machine) Start(cmd *exec.Cmd) error {
	if cmd.Env == nil {
		cmd.Env = m.Endpoint().Environ(environment(m.link.link, m.config.WayOut))
		cmd.Env = append(cmd.Env, m.config.WayOut.clientEnvironment()...)
	}
	started := make(chan error)
	go m.startInside(cmd, started)
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s in the machine: %w", cmd.Args[0], err)
	}
	return m.group.AddToPressure(cmd.Process.Pid)
}

// startInside moves its thread into the machine and never back: the goroutine stays locked
// to the thread, which ends with it.
func (m *Machine) startInside(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The first thread represents the process in /proc, and Go never ends it. While
		// this goroutine occupies it, the next goroutine gets another thread.
		again := make(chan error)
		go m.startInside(cmd, again)
		started <- <-again
		runtime.UnlockOSThread()
		return
	}
	started <- m.enterAndStart(cmd)
}

func (m *Machine) enterAndStart(cmd *exec.Cmd) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leaving the process's root: %w", err)
	}
	if err := unix.Setns(m.pidfd, machineNamespaces); err != nil {
		return fmt.Errorf("entering its namespaces: %w", err)
	}
	if !strings.Contains(cmd.Args[0], "/") {
		path, err := lookUp(cmd.Args[0])
		if err != nil {
			return err
		}
		cmd.Path, cmd.Err = path, nil
	}
	return cmd.Start()
}

func lookUp(name string) (string, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s of its root: %w", name, searchPath, exec.ErrNotFound)
}

// Root is the path of the machine's root on the host, as long as the machine exists.
func (m *Machine) Root() string { return fmt.Sprintf("/proc/%d/root", m.init.Process.Pid) }

// Dial connects to an address as seen from the machine, which may be its loopback address.
func (m *Machine) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = m.inNetwork(func() (err error) {
		// Go dials a numeric address on the calling thread.
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// inNetwork calls do on a thread in the machine's network. The thread stays there and ends
// with its goroutine, which keeps it locked.
func (m *Machine) inNetwork(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(m.pidfd, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering the machine's network: %w", err)
			return
		}
		done <- do()
	}()
	return <-done
}

// OwnDisk reports whether the machine writes to a disk of stratbench's own, apart from the
// host's files.
func (m *Machine) OwnDisk() bool {
	_, _, err := m.config.Store.Traffic()
	return err == nil
}

// Squeeze lowers the machine's memory limit while it runs, as the balloon of a virtual
// machine does. The kernel refuses a limit that it cannot reach by reclaiming memory.
func (m *Machine) Squeeze(memory trial.Bytes) error {
	if err := m.group.Squeeze(memory); err != nil {
		return fmt.Errorf("lowering the memory of the machine %s to %s: %w", m.id, memory, err)
	}
	return nil
}
