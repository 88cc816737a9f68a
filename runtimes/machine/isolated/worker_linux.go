package isolated

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Start starts a worker: a process inside the machine's namespaces and outside
// its memory limit, a child of this process that dies with the machine. A name
// without a slash is looked up in the machine; a worker with no environment of
// its own gets the machine's, by which clients find the engine.
//
// The caller must wait for it, also when the machine is closed meanwhile.
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

// startInside moves its thread into the machine, and never back: the thread
// ends with this goroutine, which keeps it locked.
func (m *Machine) startInside(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The first thread stands for the process in /proc, and Go keeps it.
		// While this goroutine has it, the next one gets another.
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
