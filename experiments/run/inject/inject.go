// Package inject breaks things on purpose in a trial that asks for it, with real
// faults: signals, memory, disk, network. It is a test instrument. It works only on
// isolated machines, logs and records what it did and when, and leaves nothing
// behind when the trial has ended.
package inject

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// Config is what to break, and where.
type Config struct {
	Name    string
	Fault   spec.Injection
	Machine machine.Machine
	// Cluster is the name of the trial's Kind cluster.
	Cluster string
	// Attempt counts the trial's attempts from 1.
	Attempt int
	Elapsed func() trial.Seconds
	// Say logs what is done, as it is done.
	Say func(at trial.Seconds, text string)
}

// Injector waits for its moment and then breaks what it is to break.
type Injector struct {
	Config
	target *isolated.Machine
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	begun  bool
	worker int
	done   results.Injected
	// taken are the inotify instances to give back.
	taken []int
}

// New makes an injector. Only an isolated machine is accepted, whatever the spec
// asks for.
func New(c Config) (*Injector, error) {
	t, own := c.Machine.(*isolated.Machine)
	if !own {
		return nil, fmt.Errorf("fault %s: only isolated machines may be broken; write machine: {kind: isolated} under settings", c.Name)
	}
	if c.Fault.Do == spec.DiskFill && !t.OwnDisk() {
		return nil, fmt.Errorf("fault %s: the machine has no disk of its own here (no btrfs or loop device), and the host's must not be filled; leave the fault out, or make both available (stratbench doctor shows how)", c.Name)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Injector{Config: c, target: t, ctx: ctx, stop: stop, done: results.Injected{
		Name: c.Name, Do: string(c.Fault.Do), Truth: c.Fault.Truth.Outcomes, Phase: c.Fault.Truth.Phase}}, nil
}

// WorkerStarted names the worker's process.
func (i *Injector) WorkerStarted(pid int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.worker = pid
}

// SpanBegan notes that a span of the trial has begun, which may be the fault's
// moment.
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

// strike injects the fault. A fault of the workload or of the registry was in place
// from the beginning; it is only logged here.
func (i *Injector) strike() {
	strikes := map[spec.InjectionKind]func() (string, error){
		spec.EngineKill:     func() (string, error) { return i.signalEngine(syscall.SIGKILL) },
		spec.EngineStop:     func() (string, error) { return i.signalEngine(syscall.SIGSTOP) },
		spec.ContainerdKill: i.killContainerd,
		spec.ContainerdStop: func() (string, error) { return i.signalContainerd(syscall.SIGSTOP) },
		spec.NodeKill:       i.killNode, spec.APIServerKill: i.killAPIServer,
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
	for _, fd := range i.taken {
		if err := syscall.Close(fd); err != nil {
			i.done.Error = errors.Join(errors.New(i.done.Error), err).Error()
		}
	}
	i.taken = nil
	return i.done
}

// again repeats something at an interval until the trial has ended.
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

func (i *Injector) signalEngine(s syscall.Signal) (string, error) {
	pid := i.target.EnginePID()
	return fmt.Sprintf("sent %s to the engine, process %d", s, pid), syscall.Kill(pid, s)
}

// killContainerd kills each containerd that the engine starts, for a while: it would
// otherwise be back before anything needs it.
func (i *Injector) killContainerd() (string, error) {
	const lasts = 20 * time.Second
	until := time.Now().Add(lasts)
	_, err := i.signalContainerd(syscall.SIGKILL)
	i.again(50*time.Millisecond, func() {
		if time.Now().Before(until) {
			_, _ = i.signalContainerd(syscall.SIGKILL) // fails while there is none
		}
	})
	return fmt.Sprintf("kills the engine's containerd for %s, each time it is started", lasts), err
}

func (i *Injector) signalContainerd(s syscall.Signal) (string, error) {
	pid, err := probe.Child(i.target, "containerd")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("sent %s to the engine's containerd, process %d", s, pid), syscall.Kill(pid, s)
}

func (i *Injector) killNode() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	node := i.Cluster + "-control-plane"
	_, err := i.Machine.WatchEndpoint().Ask(ctx, http.MethodPost, "/containers/"+node+"/kill?signal=KILL")
	return "killed the container " + node, err
}

// killAPIServer kills the API server, and each that the kubelet starts in its
// place, until the trial has ended.
func (i *Injector) killAPIServer() (string, error) {
	i.again(100*time.Millisecond, func() {
		all, _ := i.target.Processes() // tried again soon
		for _, p := range all {
			if p.Name == "kube-apiserver" {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	})
	return "kills the API server, each time it is started", nil
}

func (i *Injector) killWorker() (string, error) {
	i.mu.Lock()
	pid := i.worker
	i.mu.Unlock()
	if pid == 0 {
		return "", errors.New("no worker has started")
	}
	return fmt.Sprintf("killed the worker, process %d", pid), syscall.Kill(pid, syscall.SIGKILL)
}

// killRunner kills this process, in the first attempt only: the run is then
// resumed.
func (i *Injector) killRunner() (string, error) {
	if i.Attempt > 1 {
		return "the runner was killed in the first attempt; this one goes on", nil
	}
	i.Say(i.Elapsed(), "! fault "+i.Name+" injected: the runner kills itself")
	return "", syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// argument passes a fault to the workload's Dockerfile or suite.
const argument = "STRATBENCH_FAULT"

// Adapt adds a fault of the workload to the configuration. dir is the workload's
// folder.
func Adapt(cfg *pipeline.Config, f spec.Injection, dir string) error {
	switch f.Do {
	case spec.StepFail, spec.StepOOM, spec.StepSleep:
		i := 0
		if f.Image != "" {
			i = slices.IndexFunc(cfg.Images, func(image pipeline.Image) bool { return image.Name == f.Image })
		}
		if i < 0 || i >= len(cfg.Images) {
			return fmt.Errorf("fault %s: the workload has no image %q; name one that it has, under faults", f.Do, f.Image)
		}
		if len(cfg.Images[i].Command) > 0 {
			return fmt.Errorf("fault %s: a command builds the image %s, and gets no build argument; name an image with a Dockerfile", f.Do, cfg.Images[i].Name)
		}
		cfg.Images = slices.Clone(cfg.Images)
		cfg.Images[i].Args = with(cfg.Images[i].Args, argument, string(f.Do))
	case spec.PodNeverReady:
		if !filepath.IsLocal(f.Manifest) {
			return fmt.Errorf("fault %s: manifest %q is not in the workload's folder; name one that is", f.Do, f.Manifest)
		}
		steps, errs := deploy.Prepare([]spec.Step{{Name: "apply " + f.Manifest, Apply: []string{filepath.Join(dir, f.Manifest)}}}, deploy.Server{})
		if len(errs) > 0 {
			return fmt.Errorf("fault %s: %w", f.Do, errors.Join(errs...))
		}
		cfg.Deploy = append(slices.Clone(cfg.Deploy), steps...)
	case spec.TestFail:
		cfg.Test.Env = with(cfg.Test.Env, argument, string(f.Do))
	}
	return nil
}

func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// toxics is what the proxy before the registry does to its answers.
var toxics = map[spec.InjectionKind]string{
	// A kilobyte a second: manifests arrive, layers do not.
	spec.RegistrySlow:     `{"name": "slow", "type": "bandwidth", "stream": "downstream", "attributes": {"rate": 1}}`,
	spec.RegistryReset:    `{"name": "reset", "type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}}`,
	spec.RegistryTruncate: `{"name": "truncate", "type": "limit_data", "stream": "downstream", "attributes": {"bytes": 150000}}`,
}

// Registry puts a fault before the registry at upstream. The engine uses the
// returned address, a port of host, until stop is called.
func Registry(do spec.InjectionKind, host, upstream string) (address string, stop func(), err error) {
	switch do {
	case spec.RegistryDown:
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", nil, fmt.Errorf("finding a port at which no registry answers: %w", err)
		}
		return l.Addr().String(), func() {}, l.Close() // nobody listens there any more
	case spec.Registry503: // every answer, which the proxy cannot do
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", nil, fmt.Errorf("starting a registry that is unavailable: %w", err)
		}
		server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the registry is down for maintenance", http.StatusServiceUnavailable)
		})}
		go server.Serve(l)
		return l.Addr().String(), func() { server.Close() }, nil
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "registry", net.JoinHostPort(host, "0"), upstream)
	if err := proxy.Start(); err != nil {
		return "", nil, fmt.Errorf("starting the proxy before the registry: %w", err)
	}
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxics[do])); err != nil {
		proxy.Stop()
		return "", nil, fmt.Errorf("making the registry %s: %w", do, err)
	}
	return proxy.Listen, proxy.Stop, nil
}
