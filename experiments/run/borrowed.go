package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
	"github.com/stratbench/stratbench/strategies"
)

// borrowedCluster is the name of clusters on engines that are not
// stratbench's own. A cluster of that name is deleted without asking.
const borrowedCluster = "stratbench-trial"

// borrowedPlace uses an engine of the user's: as it runs (host), or in
// podman's own machine. After each trial it takes away what the trial made
// there, and nothing else.
type borrowedPlace struct {
	of     machine.Kind
	engine runtimes.Endpoint
	own    map[string]strategies.Own
	cache  string
	tags   []string
	lock   *os.File
}

func (p *borrowedPlace) kind() machine.Kind { return p.of }

func (p *borrowedPlace) check(s experiments.Settings) error {
	strategy, err := strategies.Named(s.Strategy, p.own)
	if err != nil {
		return err
	}
	local := runtime.GOOS == "linux" && strings.HasPrefix(p.engine.Address, "unix://")
	switch {
	case s.Engine != "":
		return fmt.Errorf("engine %s: a running engine is what it is; take the factor out, or use --machine isolated", s.Engine)
	case s.Machine.CPUs != 0:
		return errors.New("machine.cpus: a running engine has the processors that it has; take the setting out, or use --machine isolated")
	case strategy.Pull && s.Registry.Prefix == "" && !local:
		return fmt.Errorf("strategy %s: %s cannot reach a registry that stratbench starts; name one under settings.registry.prefix", s.Strategy, p.engine.Address)
	case p.of == machine.PodmanMachine || s.Memory == 0:
		return nil
	}
	return p.checkMemory(s)
}

func (p *borrowedPlace) checkMemory(s experiments.Settings) error {
	memory, err := engineMemory(context.Background(), p.engine)
	if err != nil {
		return err
	}
	return host.CheckMemory(s.Runtime, s.Memory, memory)
}

// engineMemory is the memory that a running engine says it has.
func engineMemory(ctx context.Context, e runtimes.Endpoint) (trial.Bytes, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	engine, err := connect.Engine(ctx, e)
	if err != nil {
		return 0, err
	}
	defer engine.Close()
	info, err := engine.Info(ctx)
	return info.Memory, err
}

// prepare takes the engine for this run alone, and takes away what a killed
// run left on it.
func (p *borrowedPlace) prepare(ctx context.Context, _ []experiments.Settings, note func(string)) error {
	dir := filepath.Join(p.cache, "borrowed-"+string(p.engine.Runtime))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating stratbench's cache folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return fmt.Errorf("another run is using the %s engine: %w; wait for it to end", p.engine.Runtime, err)
	}
	p.lock = lock
	text, err := os.ReadFile(p.owedFile())
	if errors.Is(err, fs.ErrNotExist) || p.of == machine.PodmanMachine {
		return nil
	}
	var owed owed
	if err := errors.Join(err, json.Unmarshal(text, &owed)); err != nil {
		return fmt.Errorf("reading what a killed run left on the %s engine: %w", p.engine.Runtime, err)
	}
	m, err := host.Open(p.engine)
	if err != nil {
		return err
	}
	note("removing what a killed run left on the " + string(p.engine.Runtime) + " engine")
	return p.clean(ctx, m, owed)
}

// owed is what must be put right on a borrowed engine when a trial has ended:
// the cluster deleted, and the workload's names given back to what they named.
type owed struct {
	Named map[string]runtimes.ImageID `json:"named"`
	Tags  []string                    `json:"tags"`
}

func (p *borrowedPlace) owedFile() string {
	return filepath.Join(p.cache, "borrowed-"+string(p.engine.Runtime), "owed.json")
}

func (p *borrowedPlace) start(ctx context.Context, s experiments.Settings, _, _ string) (machine.Machine, error) {
	m, err := p.open(ctx, s)
	if err != nil {
		return nil, err
	}
	owed, err := p.remember(ctx, m)
	if err != nil {
		return nil, err
	}
	return &borrowed{Machine: m, place: p, owed: owed}, nil
}

func (p *borrowedPlace) open(ctx context.Context, s experiments.Settings) (machine.Machine, error) {
	if p.of == machine.PodmanMachine {
		return podmanmachine.Start(ctx, "", s.Memory)
	}
	return host.Open(p.engine)
}

// remember writes down what the workload's names stand for on the engine now.
func (p *borrowedPlace) remember(ctx context.Context, m machine.Machine) (owed, error) {
	o := owed{Named: map[string]runtimes.ImageID{}, Tags: p.tags}
	engine, err := connect.Engine(ctx, m.WatchEndpoint())
	if err != nil {
		return o, err
	}
	defer engine.Close()
	for _, tag := range p.tags {
		id, err := engine.Image(ctx, tag)
		switch {
		case err == nil:
			o.Named[tag] = id
		case !runtimes.IsNotFound(err):
			return o, err
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		return o, err
	}
	return o, os.WriteFile(p.owedFile(), text, 0o644)
}

// clean has a worker take away what a trial made.
func (p *borrowedPlace) clean(ctx context.Context, m machine.Machine, o owed) error {
	text, err := json.Marshal(job{Do: jobClean, Owed: o, Config: pipeline.Config{
		Endpoint: m.Endpoint(), ClusterName: borrowedCluster,
		ClusterStart: trial.ClusterBefore, WorkDir: p.workDir()}})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, m.Self(), WorkerCommand)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	if err := m.Start(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("removing a trial's cluster and images from the %s engine: %w: %s; they are named %s and %s",
			p.engine.Runtime, err, bytes.TrimSpace(said.Bytes()), borrowedCluster, strings.Join(p.tags, ", "))
	}
	return os.Remove(p.owedFile())
}

// buildArgs are none: the workload's own base images can be pulled.
func (p *borrowedPlace) buildArgs() map[string]string { return map[string]string{} }

func (p *borrowedPlace) adapt(c *pipeline.Config) {
	c.ClusterName, c.WorkDir = borrowedCluster, p.workDir()
}

func (p *borrowedPlace) workDir() string {
	return filepath.Join(p.cache, "borrowed-"+string(p.engine.Runtime), "work")
}

func (p *borrowedPlace) close() error {
	if p.lock == nil {
		return nil
	}
	return p.lock.Close()
}

// borrowed is a machine on which a trial's leavings must be taken away.
type borrowed struct {
	machine.Machine
	place *borrowedPlace
	owed  owed
}

func (b *borrowed) Close(ctx context.Context) error {
	return errors.Join(b.place.clean(ctx, b.Machine, b.owed), b.Machine.Close(ctx))
}

// settle does on a borrowed engine what is owed.
func (o owed) settle(ctx context.Context, cfg pipeline.Config, engine runtimes.Engine) error {
	errs := []error{pipeline.Delete(ctx, cfg)}
	for _, tag := range o.Tags {
		errs = append(errs, o.giveBack(ctx, engine, tag))
	}
	return errors.Join(errs...)
}

func (o owed) giveBack(ctx context.Context, engine runtimes.Engine, tag string) error {
	now, err := engine.Image(ctx, tag)
	if runtimes.IsNotFound(err) {
		return nil
	}
	before, had := o.Named[tag]
	switch {
	case err != nil:
		return err
	case had && before == now:
		return nil
	case !had:
		return engine.Remove(ctx, tag)
	}
	if err := engine.Tag(ctx, string(before), tag); err != nil {
		return err
	}
	return engine.Remove(ctx, string(now))
}
