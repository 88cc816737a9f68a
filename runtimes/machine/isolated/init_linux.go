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

// self is the path of this program in a machine.
const self = "/run/stratbench/stratbench"

// command is a request of the runner to init: first to start the engine, later to stop it.
type command struct {
	// Start is the engine's arguments, Env its environment, Socket where it will
	// listen.
	Start  []string `json:"start,omitempty"`
	Env    []string `json:"env,omitempty"`
	Socket string   `json:"socket,omitempty"`
	Stop   bool     `json:"stop,omitempty"`
}

// report is a message of init to the runner; it sets one field.
type report struct {
	// Ready means that the machine is set up and an engine can start.
	Ready bool `json:"ready,omitempty"`
	// Started is the engine's process number in the machine.
	Started int `json:"started,omitempty"`
	// Exited is how the engine ended.
	Exited *trial.Exit `json:"exited,omitempty"`
	// Error is why init gave up. Nothing follows it.
	Error string `json:"error,omitempty"`
}

// setup is init's argument.
type setup struct {
	ID    string   `json:"id"`
	Binds []string `json:"binds"`
}

// The files that init inherits.
const (
	controlFD = 3
	rootFD    = 4
	logFD     = 5
	programFD = 6
)

// machineNamespaces are those that init starts in. It makes the one of control groups
// after it has joined its groups.
const machineNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Main runs a machine's init or way out, and never returns, in a process that was
// started as one. In any other process it does nothing.
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

// enter joins the machine's control groups and makes them the root of a namespace.
// Unshare moves only the calling thread into the namespace; the exec that follows leaves
// no other thread.
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
	return fmt.Errorf("starting init again: %w", err)
}

// inside sets the machine up and obeys the runner until the runner is gone.
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
	// Containers that look up a name are told at once that nobody answers, as the machine
	// itself is, and not once a second.
	if err := os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0o644); err != nil {
		return fmt.Errorf("letting the machine's kernel refuse at once what nobody answers: %w", err)
	}
	p := &initProcess{say: say}
	if err := say.Encode(report{Ready: true}); err != nil {
		return err
	}
	for commands := json.NewDecoder(control); ; {
		var c command
		if err := commands.Decode(&c); err != nil {
			return nil // the runner is gone, and the machine ends with it
		}
		var err error
		switch {
		case len(c.Start) > 0:
			err = p.start(c)
		case c.Stop:
			err = p.stop()
		}
		if err != nil {
			return err
		}
	}
}

// initProcess is process 1 of a machine.
type initProcess struct {
	mu     sync.Mutex // held while the engine starts, so that its end is not missed
	engine int
	say    *json.Encoder
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
	go p.reap()
	return p.say.Encode(report{Started: p.engine})
}

func (p *initProcess) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine == 0 {
		return nil
	}
	if err := syscall.Kill(p.engine, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	return nil
}

// reap waits for every process that ends in the machine, as process 1 must. It starts
// with the engine, because nothing can end before.
func (p *initProcess) reap() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			<-children // no process is left; wait for the next
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

// signals are the causes of an end by a signal; any other is trial.CauseSignal.
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
