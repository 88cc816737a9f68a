package isolated

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"golang.org/x/sys/unix"
)

const initName = "stratbench-machine"

// The files that init is started with.
const (
	controlFD = 3
	rootFD    = 4
	logFD     = 5
	programFD = 6
)

// machineNamespaces are those that init starts in; that of control groups comes
// when it has joined its own.
const machineNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Main runs the init of a machine, or its way out, and never returns, in a
// process that was started as one. In any other it does nothing.
func Main() {
	if len(os.Args) != 3 || os.Args[0] != initName {
		return
	}
	if os.Args[1] == "lead-out" {
		if err := leadOut(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "the machine's way out:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	control := os.NewFile(controlFD, "control")
	say := json.NewEncoder(control)
	var s setup
	err := json.Unmarshal([]byte(os.Args[2]), &s)
	switch {
	case err != nil:
	case os.Args[1] == "enter":
		err = enter(s)
	case os.Args[1] == "inside":
		err = inside(s, control, say)
	}
	if err != nil {
		_ = say.Encode(report{Error: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

// enter joins the machine's control groups and makes them the root of a
// namespace. The namespace is that of a thread; starting over makes it that of
// the process.
func enter(s setup) error {
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		return err
	}
	group := tree.Open(s.ID)
	if err := group.Join(); err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("making a control group namespace: %w", err)
	}
	if err := group.MakeRoom(); err != nil {
		return err
	}
	err = unix.Exec("/proc/self/exe", []string{initName, "inside", os.Args[2]}, os.Environ())
	return fmt.Errorf("starting init over: %w", err)
}

// inside sets the machine up and does what the runner asks until the runner
// is gone.
func inside(s setup, control *os.File, say *json.Encoder) error {
	for _, fd := range []int{controlFD, rootFD, logFD, programFD} {
		unix.CloseOnExec(fd)
	}
	if err := enterRoot(s); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("naming the machine: %w", err)
	}
	p := &initProcess{say: say}
	if err := say.Encode(report{Ready: true}); err != nil {
		return err
	}
	return p.obey(json.NewDecoder(control))
}

// initProcess is process 1 of a machine.
type initProcess struct {
	mu     sync.Mutex // held while the engine starts, so that its end is not missed
	engine int
	reaps  bool
	say    *json.Encoder
}

func (p *initProcess) obey(commands *json.Decoder) error {
	for {
		var c command
		if err := commands.Decode(&c); err != nil {
			return nil // the runner is gone, and so is the machine
		}
		var err error
		switch {
		case len(c.Start) > 0:
			err = p.start(c)
		case c.Signal != 0:
			err = p.signal(syscall.Signal(c.Signal))
		}
		if err != nil {
			return err
		}
	}
}

func (p *initProcess) start(c command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(c.Socket), 0o755); err != nil {
		return fmt.Errorf("making the folder of the engine's socket: %w", err)
	}
	if err := os.Setenv("PATH", searchPath); err != nil {
		return err
	}
	path, err := exec.LookPath(c.Start[0])
	if err != nil {
		return fmt.Errorf("finding the engine in the machine's root: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("starting the engine: %w", err)
	}
	defer null.Close()
	p.engine, err = syscall.ForkExec(path, c.Start, &syscall.ProcAttr{
		Dir: "/", Env: c.Env,
		Files: []uintptr{null.Fd(), logFD, logFD},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("starting the engine %s: %w", path, err)
	}
	if !p.reaps {
		p.reaps = true
		go p.reap()
	}
	return p.say.Encode(report{Started: p.engine})
}

func (p *initProcess) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine == 0 {
		return nil
	}
	if err := syscall.Kill(p.engine, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %s to the engine: %w", s, err)
	}
	return nil
}

// reap collects all that ends in the machine, as process 1 must. It starts
// with the engine: before that, nothing can end.
func (p *initProcess) reap() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			<-children // there are none; wait for one
		case p.ended(pid):
			_ = p.say.Encode(report{Exited: exitOf(status)})
		}
	}
}

func (p *initProcess) ended(pid int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pid != p.engine {
		return false
	}
	p.engine = 0
	return true
}

// signals are the causes of ends by signals; other signals are trial.CauseSignal.
var signals = map[syscall.Signal]trial.Cause{
	syscall.SIGKILL: trial.CauseSIGKILL, syscall.SIGTERM: trial.CauseSIGTERM, syscall.SIGSEGV: trial.CauseSIGSEGV, syscall.SIGABRT: trial.CauseSIGABRT,
	syscall.SIGINT: trial.CauseSIGINT, syscall.SIGQUIT: trial.CauseSIGQUIT, syscall.SIGHUP: trial.CauseSIGHUP,
}

func exitOf(status syscall.WaitStatus) *trial.Exit {
	if !status.Signaled() {
		return &trial.Exit{Cause: trial.ExitStatus(status.ExitStatus()), Text: fmt.Sprintf("exit status %d", status.ExitStatus())}
	}
	return &trial.Exit{Cause: cmp.Or(signals[status.Signal()], trial.CauseSignal), Text: "signal: " + status.Signal().String()}
}
