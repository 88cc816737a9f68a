package isolated

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"github.com/stratbench/stratbench/runtimes/machine/store"
	"golang.org/x/sys/unix"
)

// Machine is a running machine with its engine.
type Machine struct {
	id     string
	config Config
	engine engine
	group  *cgroup.Group
	link   *reservation
	log    *os.File
	kills  *killWatch

	init    *exec.Cmd
	pidfd   int
	control *os.File
	reports chan report   // closed when init reports no more
	ended   chan struct{} // closed when init, and the whole machine, has ended

	leader *exec.Cmd     // of the way out, if there is one
	wayOut chan struct{} // closed when it has ended

	readBefore, writtenBefore trial.Bytes

	once      sync.Once
	exited    chan struct{} // closed when the engine has ended
	exit      trial.Exit
	enginePID int
	closed    sync.Once
	closeErr  error
}

// Start starts a machine and returns when its engine answers. A machine that fails to
// start leaves nothing behind.
func Start(ctx context.Context, c Config) (*Machine, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	m := &Machine{
		id: id, config: c, pidfd: -1,
		reports: make(chan report, 4), ended: make(chan struct{}), exited: make(chan struct{}),
	}
	if err := m.start(ctx); err != nil {
		err = fmt.Errorf("starting a machine for %s from %s: %w", c.Runtime, c.From, err)
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return nil, errors.Join(err, m.Close(cleanup))
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context) (err error) {
	if m.log, err = os.OpenFile(m.config.Log, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644); err != nil {
		return fmt.Errorf("opening the engine's log: %w", err)
	}
	if m.link, err = reserveLink(); err != nil {
		return err
	}
	if m.engine, err = engineFor(m.config.Runtime, m.link.link); err != nil {
		return err
	}
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		return err
	}
	if m.group, err = tree.Create(m.id, m.config.Memory, m.config.CPUs); err != nil {
		return err
	}
	m.kills = watchKills(m.group.Path())
	if err := m.prepareRoot(ctx); err != nil {
		return err
	}
	if err := m.startInit(); err != nil {
		return err
	}
	ns, err := m.network()
	if err != nil {
		return err
	}
	err = m.link.connect(m.id, int(ns.Fd()))
	ns.Close()
	if err != nil {
		return err
	}
	return m.startEngine(ctx)
}

// network opens the machine's network namespace.
func (m *Machine) network() (*os.File, error) {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.init.Process.Pid))
	if err != nil {
		return nil, fmt.Errorf("reaching the machine's network: %w", err)
	}
	return ns, nil
}

func (m *Machine) startEngine(ctx context.Context) error {
	if _, err := m.await(ctx, "its set-up"); err != nil {
		return err
	}
	if err := m.openWayOut(); err != nil {
		return err
	}
	if err := m.tell(command{Start: m.engine.argv, Env: environment(m.link.link, m.config.WayOut), Socket: m.engine.socket}); err != nil {
		return err
	}
	started, err := m.await(ctx, "the start of its engine")
	if err != nil {
		return err
	}
	if m.enginePID, err = m.hostPID(started.Started); err != nil {
		return err
	}
	// When memory runs out, the kernel must not choose init, because the machine would end
	// with it. If the host forbids this setting, init stays as it is.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", m.init.Process.Pid), []byte("-1000"), 0)
	go m.follow()
	return m.awaitAnswer(ctx)
}

// await waits for init's next report. Init's last report may arrive after its end is
// seen, so await reads all reports before it says that init has ended.
func (m *Machine) await(ctx context.Context, what string) (report, error) {
	select {
	case r, more := <-m.reports:
		if !more {
			<-m.ended
			return report{}, fmt.Errorf("waiting for %s: its init ended: %s", what, m.init.ProcessState)
		}
		if r.Error != "" {
			return r, errors.New(r.Error)
		}
		return r, nil
	case <-ctx.Done():
		return report{}, fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
	}
}

// follow reads what init reports about a running engine.
func (m *Machine) follow() {
	for r := range m.reports {
		if r.Exited != nil {
			m.engineGone(*r.Exited)
		}
	}
	<-m.ended
	m.engineGone(trial.Exit{Cause: trial.CauseGone, Text: "the machine ended: " + m.init.ProcessState.String()})
}

func (m *Machine) engineGone(how trial.Exit) {
	m.once.Do(func() {
		m.exit = how
		close(m.exited)
	})
}

func (m *Machine) tell(c command) error {
	if err := json.NewEncoder(m.control).Encode(c); err != nil {
		return fmt.Errorf("sending a command to the machine's init: %w", err)
	}
	return nil
}

// MakeGolden makes the golden state with a key, unless it exists: it starts an engine
// without a limit, lets fill load into it what every trial finds there, stops the engine
// and keeps the contents of its disk. The state exists whole or not at all.
func MakeGolden(ctx context.Context, c Config, key string, fill func(context.Context, *Machine) error) error {
	if c.Store.Has(store.Golden(key)) {
		return nil
	}
	m, err := Start(ctx, c)
	if err != nil {
		return err
	}
	if err = fill(ctx, m); err != nil {
		err = fmt.Errorf("filling it: %w", err)
	} else {
		err = m.Keep(ctx, store.Golden(key))
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err = errors.Join(err, m.Close(cleanup)); err != nil {
		return fmt.Errorf("making the golden state %s of %s: %w", key, c.Runtime, err)
	}
	return nil
}

// Keep stops the engine and keeps the contents of the machine's disk under a name in the
// store: whole or not at all. After that the machine is dead and must still be closed. Its
// workers must have been waited for.
func (m *Machine) Keep(ctx context.Context, name string) error {
	if err := m.Stop(ctx); err != nil {
		return err
	}
	// Everything in the machine must be unmounted before it is copied.
	if err := m.kill(ctx); err != nil {
		return err
	}
	return m.config.Store.Snapshot(ctx, store.Live(m.id), name, true)
}

// Restart starts a new machine with the contents of this one's disk, like a computer that
// is switched off and on. After that this machine is dead and must still be closed. Its
// workers must have been waited for.
func (m *Machine) Restart(ctx context.Context) (*Machine, error) {
	// Everything in the machine must be unmounted before it is copied.
	if err := m.kill(ctx); err != nil {
		return nil, err
	}
	c := m.config
	c.From = store.Live(m.id)
	return Start(ctx, c)
}

// Stop asks the engine to end and waits for that. The machine stays.
func (m *Machine) Stop(ctx context.Context) error {
	if err := m.tell(command{Stop: true}); err != nil {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	select {
	case <-m.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the engine, which does not end: %w", context.Cause(ctx))
	}
}

// Endpoint is the engine's endpoint inside the machine.
func (m *Machine) Endpoint() runtimes.Endpoint { return m.at(m.engine.socket) }

// WatchEndpoint is its endpoint on the host, as long as the machine exists.
func (m *Machine) WatchEndpoint() runtimes.Endpoint { return m.at(m.Root() + m.engine.socket) }

// at is the endpoint at a socket. It is native for Podman, because the command in the
// machine works on the engine's store, under the machine's limit.
func (m *Machine) at(socket string) runtimes.Endpoint {
	return runtimes.Endpoint{Runtime: m.config.Runtime, Address: "unix://" + socket, Native: m.config.Runtime == trial.Podman}
}

// RegistryHost is the address at which this process can listen for the engine and the
// cluster's nodes.
func (m *Machine) RegistryHost() string { return m.link.host.String() }

// Addr is the machine's address, at which this process reaches the ports that the engine
// publishes.
func (m *Machine) Addr() netip.Addr { return m.link.machine }

// Self is the path of this program in the machine.
func (m *Machine) Self() string { return self }

// EngineExited is closed when the engine has ended; Exit then returns how.
func (m *Machine) EngineExited() <-chan struct{} { return m.exited }

// Boot is empty: the kernel is this host's.
func (m *Machine) Boot(context.Context) string { return "" }

// Exit returns how the engine ended, and nothing as long as it has not.
func (m *Machine) Exit() trial.Exit {
	select {
	case <-m.exited:
		return m.exit
	default:
		return trial.Exit{}
	}
}

// Sample reads the machine's control group. The caller sets At. Read and Written are the
// store's traffic since the machine started, because version 1 of the control groups
// cannot attribute what the kernel writes later. If the store has no disk of its own, they
// are the control group's.
func (m *Machine) Sample() (trial.Sample, error) {
	s, err := m.group.Sample()
	// The kernel's log also has kills in containers that no longer exist.
	s.OOMKills = max(s.OOMKills, int64(len(m.OOMKills())))
	if read, written, err := m.config.Store.Traffic(); err == nil {
		s.Read, s.Written = read-m.readBefore, written-m.writtenBefore
	}
	return s, err
}

// OOMKills lists the processes that the kernel killed in this machine for want of memory,
// if its log can be read.
func (m *Machine) OOMKills() []OOMKill { return m.kills.list() }

// Log returns at most the last n bytes of the engine's log.
func (m *Machine) Log(n int64) ([]byte, error) {
	info, err := m.log.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the engine's log: %w", err)
	}
	from := max(0, info.Size()-n)
	b := make([]byte, info.Size()-from)
	read, err := m.log.ReadAt(b, from)
	if err != nil && read < len(b) {
		return b[:read], fmt.Errorf("reading the engine's log: %w", err)
	}
	return b, nil
}

// Close ends everything in the machine and removes it without a trace. Whoever started
// workers must be waiting for them: the kernel does not end a machine whose processes
// nobody has waited for.
func (m *Machine) Close(ctx context.Context) error {
	m.closed.Do(func() { m.closeErr = m.close(ctx) })
	return m.closeErr
}

func (m *Machine) close(ctx context.Context) error {
	var errs []error
	if m.init != nil {
		errs = append(errs, m.kill(ctx))
	}
	if m.pidfd >= 0 {
		errs = append(errs, m.control.Close(), unix.Close(m.pidfd))
	}
	if m.leader != nil {
		_ = m.leader.Process.Kill() // it may have ended; the device vanishes with it
		<-m.wayOut
	}
	if m.link != nil {
		errs = append(errs, m.link.cut(m.id))
	}
	if m.kills != nil {
		m.kills.stop()
	}
	if m.group != nil {
		errs = append(errs, m.group.Remove(ctx))
	}
	if m.log != nil {
		errs = append(errs, m.log.Close())
	}
	// What the store still has to do would disturb the next machine.
	errs = append(errs, m.config.Store.Delete(store.Live(m.id)), m.config.Store.Settle(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the machine %s: %w", m.id, err)
	}
	return nil
}

// kill kills init, and the kernel then kills all of the machine's processes. When the wait
// for init returns, none is left.
func (m *Machine) kill(ctx context.Context) error {
	if err := m.init.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing its init: %w", err)
	}
	var frozen error
	for {
		select {
		case <-m.ended:
			return nil
		case <-time.After(200 * time.Millisecond):
			frozen = m.group.Thaw()
		case <-ctx.Done():
			pids, _ := m.group.Pids()
			return errors.Join(fmt.Errorf("waiting for its processes %v to end (is nobody waiting for a worker?): %w", pids, context.Cause(ctx)), frozen)
		}
	}
}
