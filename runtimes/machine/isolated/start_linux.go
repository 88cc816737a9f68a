package isolated

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/runtimes/machine/store"
	"golang.org/x/sys/unix"
)

// prepareRoot makes the machine's copy of the engine root and writes its files.
func (m *Machine) prepareRoot(ctx context.Context) error {
	live := store.Live(m.id)
	if err := m.config.Store.Snapshot(ctx, m.config.From, live, false); err != nil {
		return err
	}
	// A store that cannot report its traffic now cannot do so later.
	m.readBefore, m.writtenBefore, _ = m.config.Store.Traffic()
	root, err := os.OpenRoot(m.config.Store.Path(live))
	if err != nil {
		return fmt.Errorf("opening the machine's root: %w", err)
	}
	defer root.Close()
	for _, files := range []map[string]string{system(m.link.link, m.config.WayOut), m.engine.files} {
		for name, text := range files {
			if err := writeFile(root, name, text); err != nil {
				return fmt.Errorf("writing %s of the machine: %w", name, err)
			}
		}
	}
	return nil
}

// writeFile replaces what exists, even a link to elsewhere.
func writeFile(root *os.Root, name, text string) error {
	name = name[1:]
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	return root.WriteFile(name, []byte(text), mode)
}

// startInit starts this program again as process 1 of new namespaces.
func (m *Machine) startInit() error {
	binds := m.config.Binds
	if out := m.config.WayOut; out != nil && out.Authorities != "" {
		binds = append(slices.Clone(binds), out.Authorities)
	}
	config, err := json.Marshal(setup{ID: m.id, Binds: binds})
	if err != nil {
		return err
	}
	root, err := m.config.Store.Mount(store.Live(m.id))
	if err != nil {
		return err
	}
	defer root.Close()
	// This opens the file that this process runs, even if another file has its name by now.
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/proc/self/exe", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("opening this program: %w", err)
	}
	program := os.NewFile(uintptr(fd), "program")
	defer program.Close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("making the control socket: %w", err)
	}
	near, far := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer far.Close()
	cmd := &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{initName, "enter", string(config)},
		Env:         []string{"PATH=" + searchPath},
		ExtraFiles:  []*os.File{far, root, m.log, program},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: machineNamespaces, Pdeathsig: syscall.SIGKILL, Setsid: true},
	}
	if err := startOnThread(cmd, m.ended); err != nil {
		return errors.Join(fmt.Errorf("starting its init: %w", err), near.Close())
	}
	m.init = cmd
	m.control = near
	if m.pidfd, err = unix.PidfdOpen(cmd.Process.Pid, 0); err != nil {
		return fmt.Errorf("opening a pidfd of its init: %w", err)
	}
	go m.listen(near)
	return nil
}

// startOnThread starts a process on a thread that lasts as long as the process, because the
// kernel kills a process with the thread that started it. ended is closed when the process
// has ended.
func startOnThread(cmd *exec.Cmd, ended chan<- struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says how it ended
			close(ended)
		}
	}()
	return <-started
}

// listen passes on init's reports until init is gone.
func (m *Machine) listen(control *os.File) {
	defer close(m.reports)
	for in := json.NewDecoder(control); ; {
		var r report
		if err := in.Decode(&r); err != nil {
			return
		}
		m.reports <- r
	}
}

// awaitAnswer waits until the engine answers.
func (m *Machine) awaitAnswer(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := m.WatchEndpoint().Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-m.exited:
			return fmt.Errorf("its engine ended before it answered: %s: %s", m.exit.Text, m.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("its engine does not answer: %w: %w: %s", context.Cause(ctx), err, m.lastWords())
		case <-tick.C:
		}
	}
}

// lastWords are the last lines of the engine's log.
func (m *Machine) lastWords() []byte {
	b, _ := m.Log(2000)
	return bytes.TrimSpace(b)
}
