// Package inject breaks things on purpose in a trial that asks for it, with
// real faults: signals, memory, disk, network. It is a test instrument. It
// works on isolated machines alone, says in the trial's log and record what it
// did and when, and has nothing left when the trial has ended.
package inject

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// Config says what to break, and where.
type Config struct {
	Name    string
	Fault   spec.Injection
	Machine machine.Machine
	// Cluster is the name of the trial's Kind cluster.
	Cluster string
	// Attempt counts the trial's attempts from 1.
	Attempt int
	Elapsed func() trial.Seconds
	// Say is told what was done, as it is done.
	Say func(at trial.Seconds, text string)
}

// target is what can be broken: a machine of stratbench's own.
type target interface {
	EnginePID() int
	Pids() ([]int, error)
	Processes() ([]isolated.Process, error)
	Root() string
	OwnDisk() bool
	Squeeze(memory trial.Bytes) error
	Sample() (trial.Sample, error)
}

// Injector waits for its moment and then breaks what it is to break.
type Injector struct {
	Config
	target target
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	begun  bool
	worker int
	done   results.Injected
	undo   []func() error
}

// New makes an injector. A machine that is not stratbench's own is refused,
// whatever the spec says.
func New(c Config) (*Injector, error) {
	t, own := c.Machine.(target)
	if !own {
		return nil, fmt.Errorf("fault %s: only isolated machines may be broken; write machine: {kind: isolated} under settings", c.Name)
	}
	if c.Fault.Do == spec.DiskFill && !t.OwnDisk() {
		return nil, fmt.Errorf("fault %s: the machine has no disk of its own here (no btrfs or loop device), and the host's may not be filled", c.Name)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Injector{Config: c, target: t, ctx: ctx, stop: stop, done: results.Injected{
		Name: c.Name, Do: string(c.Fault.Do), Truth: c.Fault.Truth.Outcomes, Phase: c.Fault.Truth.Phase}}, nil
}

// WorkerStarted tells the injector the worker's process.
func (i *Injector) WorkerStarted(pid int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.worker = pid
}

// SpanBegan tells the injector that a span of the trial has begun.
func (i *Injector) SpanBegan(s trial.Span) {
	m := i.Fault.At
	if m.Span != "" && m.Span != s.Name || m.Span == "" && (s.Phase != m.Phase || s.Name != string(m.Phase)) {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.begun {
		return
	}
	i.begun = true
	i.work.Go(func() {
		select {
		case <-i.ctx.Done():
		case <-time.After(time.Duration(m.After)):
			i.strike()
		}
	})
}

// strike does what the fault is. A fault of the workload or of the registry
// was there from the beginning; here it is only said.
func (i *Injector) strike() {
	strikes := map[spec.InjectionKind]func() (string, error){
		spec.EngineKill: i.killEngine, spec.EngineStop: i.stopEngine,
		spec.ContainerdKill: i.killContainerd, spec.ContainerdStop: i.stopContainerd,
		spec.NodeKill: i.killNode, spec.APIServerKill: i.killAPIServer,
		spec.MemoryBalloon: i.balloon, spec.DiskFill: i.fillDisk, spec.InotifyExhaust: i.exhaustInotify,
		spec.WorkerKill: i.killWorker, spec.RunnerKill: i.killRunner,
	}
	at := i.Elapsed()
	what, err := "it was in place from the beginning", error(nil)
	if strike := strikes[i.Fault.Do]; strike != nil {
		what, err = strike()
	}
	said := fmt.Sprintf("! fault %s injected: %s", i.Name, what)
	i.mu.Lock()
	i.done.At, i.done.What = &at, what
	if err != nil {
		i.done.Error = err.Error()
		said += ", which failed: " + err.Error()
	}
	i.mu.Unlock()
	i.Say(at, said)
}

// Stop ends the fault and returns what was done.
func (i *Injector) Stop() results.Injected {
	i.stop()
	i.work.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, undo := range i.undo {
		if err := undo(); err != nil {
			i.done.Error = errors.Join(errors.New(i.done.Error), err).Error()
		}
	}
	i.undo = nil
	return i.done
}

// again does something every so often until the trial has ended.
func (i *Injector) again(interval time.Duration, do func()) {
	i.work.Go(func() {
		t := time.NewTicker(interval)
		defer t.Stop()
		for {
			do()
			select {
			case <-i.ctx.Done():
				return
			case <-t.C:
			}
		}
	})
}
