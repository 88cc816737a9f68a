package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
)

// borrowedPlace uses an engine of the user's: as it runs (host), or in podman's
// own machine. After each trial it takes away what the trial made there, and
// nothing else.
type borrowedPlace struct {
	of     machine.Kind
	engine runtimes.Endpoint
	cache  string
	report reporter
	// describe is how long the engine may take to describe itself.
	describe time.Duration
	me       holder
	// held is true while this run holds the engine's lock.
	held bool
	// unsettled is true if what a trial made has not been taken away, or may not have been.
	unsettled bool
	// dead is the killed run that held the engine's lock before, or nil.
	dead *holder
	// nodeImages are those that the engine lacked when it was inspected.
	nodeImages []string
	// came are the names of images that were added during the run.
	came []string
}

func (p *borrowedPlace) kind() machine.Kind { return p.of }

func (p *borrowedPlace) check(c resolved) error {
	s, strategy := c.settings, c.strategy
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch {
	case s.Engine != "":
		return fmt.Errorf("engine %s: a running engine cannot be exchanged; take engine out, or use --machine isolated", s.Engine)
	case s.Machine.CPUs != 0:
		return errors.New("machine.cpus: a running engine keeps its processors; take the setting out, or use --machine isolated")
	case s.Machine.Network == spec.NetworkNone:
		return errors.New("machine.network: a running engine keeps its network; take the setting out, or use --machine isolated")
	case s.Cluster == trial.ClusterPrebooted:
		return errors.New("cluster prebooted: stratbench keeps no cluster on an engine of yours; write cluster: fresh, or use --machine isolated")
	case s.OnCrash == trial.CrashSerial:
		return errors.New("onCrash serial: stratbench does not restart an engine of yours; write onCrash: fail, or use --machine isolated")
	case strategy.Shares && s.Build.NoCache:
		return fmt.Errorf("strategy %s: images take their common stages from the build cache, and that of an engine of yours also holds what other builds left; write build: {noCache: false}, or use --machine isolated", s.Strategy)
	case s.Build.Cache.Used():
		return fmt.Errorf("build.cache %s: an engine of yours has a build cache of its own, which would answer as well; write build.cache: none, or use --machine isolated", s.Build.Cache)
	case strategy.Pull && s.Registry.Prefix == "" && !host.OnLoopback(ctx, p.engine):
		return fmt.Errorf("strategy %s: %s cannot reach a registry that stratbench starts, as it does not share this host's network; name one under settings.registry.prefix", s.Strategy, p.engine.Address)
	case strategy.Pull && s.Load.Path == trial.LoadNodePull && s.Registry.Prefix == "":
		return errors.New("load.path node-pull: the nodes of an engine of yours do not reach a registry that stratbench starts; name one under settings.registry.prefix, or use --machine isolated")
	case s.Load.Path == trial.LoadRegistry:
		return errors.New("load.path registry: the nodes of an engine of yours do not reach a registry that stratbench starts; write load.path: archive or shared, or use --machine isolated")
	case p.of == machine.PodmanMachine || s.Memory == 0:
		return nil
	}
	info, err := connect.Info(ctx, p.engine)
	if err != nil {
		return err
	}
	return host.CheckMemory(s.Runtime, s.Memory, info.Memory)
}

// claim takes the engine for this run alone. An engine in a podman machine is
// taken once that machine runs.
func (p *borrowedPlace) claim(ctx context.Context, me holder) error {
	p.me = me
	if p.of == machine.PodmanMachine {
		return nil
	}
	return p.lock(ctx, p.engine)
}

// prepare takes away what killed runs left on the engine, and pulls the node
// images, so that the first trial's cluster phase does not include that.
func (p *borrowedPlace) prepare(ctx context.Context, _ []spec.Settings) error {
	if p.of == machine.PodmanMachine {
		return nil
	}
	m, err := host.Open(p.engine)
	if err != nil {
		return err
	}
	if err := p.settleOld(ctx, m); err != nil || len(p.nodeImages) == 0 {
		return err
	}
	engine, err := connect.Engine(ctx, p.engine)
	if err != nil {
		return err
	}
	defer engine.Close()
	for _, ref := range p.nodeImages {
		p.report.note("pulling the node image %s to the %s engine", ref, p.engine.Runtime)
		if _, err := engine.Pull(ctx, ref, false, io.Discard); err != nil {
			return fmt.Errorf("%w: pulling the node image %s: %w; correct its name, log in to its registry, or bring it to the engine (%s load)", ErrNoneReady, ref, err, p.engine.Runtime)
		}
		p.came = append(p.came, ref)
	}
	return nil
}

// settleOld takes away what killed runs left on the engine of a machine.
func (p *borrowedPlace) settleOld(ctx context.Context, m machine.Machine) error {
	info, err := connect.Info(ctx, m.WatchEndpoint())
	if err != nil {
		return err
	}
	dir := ledgers(p.cache, info.ID)
	owed, err := readLedgers(dir)
	defer func() { // a podman machine's next start reads them again
		for _, l := range owed.killed {
			l.close()
		}
	}()
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(owed.live, func(d debt) bool { return p.isHere(d, m) }); i >= 0 {
		return fmt.Errorf("the run %s uses this %s engine, and somebody has removed its lock there (the volume %s); wait for that run to end", owed.live[i].Run, p.engine.Runtime, lockVolume)
	}
	neverBegun(p.cache, true)
	unwritten := []string{}
	for _, path := range owed.damaged {
		if mark := markOfFile(path); mark != "" {
			unwritten = append(unwritten, mark)
			p.report.note("the ledger %s, which lists what a killed trial left on the %s engine, cannot be read: only what has that run's name is removed", path, p.engine.Runtime)
		}
	}
	if p.dead != nil && !slices.ContainsFunc(owed.killed, func(l *ledger) bool { return l.debt.Mark == p.dead.Mark }) {
		unwritten = append(unwritten, p.dead.Mark)
	}
	if len(unwritten) > 0 {
		had, contents, err := p.had(ctx, m)
		if err != nil {
			return err
		}
		for _, d := range debtsByName(had, contents, unwritten) {
			if p.dead != nil && d.Mark == p.dead.Mark {
				p.report.note("this user has no ledger of the killed run %s, so only what has its name is removed from the %s engine; images without a name and records of the build cache that it left stay", p.dead.Run, p.engine.Runtime)
			}
			l, err := openLedger(dir, d)
			if err != nil {
				return err
			}
			owed.killed = append(owed.killed, l)
		}
	}
	for _, path := range owed.damaged { // what is known of them is in other ledgers now
		if markOfFile(path) == "" {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing a damaged ledger: %w", err)
		}
	}
	for _, l := range owed.killed {
		err = errors.Join(err, p.settleKilled(ctx, m, l))
	}
	return err
}

// secondLook is how long after their removal a killed run's things are looked for again,
// because the engine may still be making what that run asked for.
var secondLook = 3 * time.Second

// settleLimit bounds how long it may take to take away what one trial left.
const settleLimit = 5 * time.Minute

// settleKilled takes away what a trial of a killed run left, until nothing more
// comes. If there never was anything, the ledger is kept unless it is surely of this
// engine: another one may have the same ID by chance.
func (p *borrowedPlace) settleKilled(ctx context.Context, m machine.Machine, l *ledger) error {
	var left settlement
	for looks := 1; ; looks++ {
		limited, cancel := context.WithTimeoutCause(ctx, settleLimit, fmt.Errorf("not done within %s", settleLimit))
		s, err := p.settle(limited, m, l)
		cancel()
		if err != nil {
			return err
		}
		// Steps of builds that the user has made something from stay, and are found each
		// time, and so is the lock of this run.
		last := s.Owed || looks > 1 && (!s.Found || l.debt.Mark == p.me.Mark) || looks == 5
		s.Found, s.Unknown = s.Found || left.Found, append(left.Unknown, s.Unknown...)
		left = s
		if last {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(secondLook):
		}
	}
	if left.Found {
		p.report.note("removed what trial %s of the run %s left on the %s engine", l.debt.Trial, l.debt.Run, p.engine.Runtime)
	}
	if l.debt.Mark == p.me.Mark {
		p.came = append(p.came, left.New...)
	}
	latest := p.dead != nil && l.debt.Mark == p.dead.Mark
	if left.Found || latest { // after an earlier run, anything may have come since
		p.tell(left, l.debt)
	}
	if left.Owed || !left.Found && !latest && !p.isHere(l.debt, m) {
		return nil
	}
	return l.settled()
}

// isHere reports whether a debt was made from this host at the engine's address.
func (p *borrowedPlace) isHere(d debt, m machine.Machine) bool {
	return d.Host == p.me.onHost() && d.Address == m.WatchEndpoint().String()
}

// tell reports what stays on the engine after a trial.
func (p *borrowedPlace) tell(s settlement, of debt) {
	for _, text := range s.Left {
		p.report.note("stays on the %s engine after the run %s: %s", p.engine.Runtime, of.Run, text)
	}
	if len(s.Unknown) > 0 {
		p.report.note("stays on the %[1]s engine after the run %[2]s, and was disconnected from the network of its trial %[3]s: %[4]s; it is not written down whether that trial made it: if you do not know it, remove it with %[1]s rm --force --volumes",
			p.engine.Runtime, of.Run, of.Trial, strings.Join(s.Unknown, ", "))
	}
}

func (p *borrowedPlace) start(ctx context.Context, s spec.Settings, _, trialID, _ string) (machine.Machine, error) {
	var m machine.Machine
	var err error
	if p.of == machine.PodmanMachine {
		m, err = podmanmachine.Start(ctx, s.Memory)
	} else {
		m, err = host.Open(p.engine)
	}
	if err != nil {
		return nil, err
	}
	if p.of == machine.PodmanMachine {
		p.unsettled = true // an earlier run may have left something
		err = p.lock(ctx, m.WatchEndpoint())
	}
	// A trial must find nothing of one before it, such as its build cache.
	if err == nil && p.unsettled {
		err = p.settleOld(ctx, m)
		p.unsettled = err != nil
	}
	var l *ledger
	if err == nil {
		l, err = p.remember(ctx, m, trialID)
	}
	if err != nil {
		closing, cancel := context.WithTimeout(context.Background(), giveBackLimit)
		defer cancel()
		return nil, errors.Join(err, (&borrowed{Machine: m, place: p}).Close(closing))
	}
	return &borrowed{Machine: m, place: p, ledger: l}, nil
}

// giveBackLimit bounds how long it may take to give back an engine or a machine on
// which no trial runs.
const giveBackLimit = 30 * time.Second

// had returns a debt with only what is on the engine now, which no trial has to take away.
func (p *borrowedPlace) had(ctx context.Context, m machine.Machine) (debt, runtimes.Contents, error) {
	info, contents, err := onEngine(ctx, m.WatchEndpoint())
	d := debt{Runtime: p.engine.Runtime, Engine: info.ID, Address: m.WatchEndpoint().String(), Host: p.me.onHost(), HadCache: contents.BuildCache, HadContainers: []string{}}
	for _, i := range contents.Images {
		d.HadImages = append(d.HadImages, i.ID)
	}
	for _, o := range contents.Containers {
		d.HadContainers = append(d.HadContainers, o.ID)
	}
	return d, contents, err
}

// remember opens the ledger of a trial with what is on the engine before it.
func (p *borrowedPlace) remember(ctx context.Context, m machine.Machine, trialID string) (*ledger, error) {
	d, contents, err := p.had(ctx, m)
	if err == nil && lockOf(contents).Mark != p.me.Mark { // somebody has removed the volume
		err = p.lock(ctx, m.WatchEndpoint())
	}
	if err != nil {
		return nil, err
	}
	d.Run, d.Mark, d.Trial, d.Cluster = p.me.Run, p.me.Mark, trialID, clusterName(p.me.Mark, trialID)
	return openLedger(ledgers(p.cache, d.Engine), d)
}

// onEngine asks an engine what it is and what is on it.
func onEngine(ctx context.Context, at runtimes.Endpoint) (info runtimes.Info, contents runtimes.Contents, err error) {
	engine, err := connect.Engine(ctx, at)
	if err != nil {
		return info, contents, err
	}
	defer engine.Close()
	if info, err = engine.Info(ctx); err != nil {
		return info, contents, err
	}
	contents, err = engine.Contents(ctx)
	return info, contents, err
}

// settle has a worker take away what a trial made, because Kind reads its settings from
// the environment of its process.
func (p *borrowedPlace) settle(ctx context.Context, m machine.Machine, l *ledger) (s settlement, err error) {
	text, _ := json.Marshal(job{Debt: l.debt, Config: pipeline.Config{
		Task: taskSettle, Endpoint: m.Endpoint(), ClusterName: l.debt.Cluster, WorkDir: p.workDir(p.me.Mark)}}) // never fails
	cmd := exec.CommandContext(ctx, m.Self(), WorkerCommand)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(text), &out, &said, stopGrace
	if err = m.Start(cmd); err == nil {
		err = cmd.Wait()
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &s)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // and not how the worker was ended
	}
	if err != nil {
		return s, fmt.Errorf("removing what trial %s left on the %s engine: %w: %s; the next run tries again, and so does stratbench clean",
			l.debt.Trial, p.engine.Runtime, err, bytes.TrimSpace(said.Bytes()))
	}
	// A killed run's workers have left a folder as well.
	return s, errors.Join(os.RemoveAll(p.workDir(p.me.Mark)), os.RemoveAll(p.workDir(l.debt.Mark)))
}

func (p *borrowedPlace) adapt(c *pipeline.Config) { c.WorkDir = p.workDir(p.me.Mark) }

// workDir is where workers of a run keep their small files.
func (p *borrowedPlace) workDir(mark string) string {
	return filepath.Join(p.cache, "borrowed", "work-"+mark+"-"+string(p.engine.Runtime))
}

func (p *borrowedPlace) close() error {
	slices.Sort(p.came)
	if came := slices.Compact(p.came); len(came) > 0 {
		p.report.note("new on the %s engine since the run began, pulled for the run or made by you, and kept: %s", p.engine.Runtime, strings.Join(came, ", "))
	}
	ctx, cancel := context.WithTimeout(context.Background(), giveBackLimit)
	defer cancel()
	return p.unlock(ctx, p.engine)
}

// borrowed is a machine from which Close takes away what the trial made.
type borrowed struct {
	machine.Machine
	place  *borrowedPlace
	ledger *ledger
}

func (b *borrowed) Close(ctx context.Context) (err error) {
	if b.ledger != nil {
		var s settlement
		if s, err = b.place.settle(ctx, b.Machine, b.ledger); err == nil {
			b.place.tell(s, b.ledger.debt)
			b.place.came = append(b.place.came, s.New...)
			if s.Owed {
				err = b.ledger.close()
			} else {
				err = b.ledger.settled()
			}
			b.ledger = nil
		} else { // the next start on this host is to find it, or Close again
			b.place.unsettled = true
			err = errors.Join(err, b.ledger.close())
		}
	}
	if b.place.of == machine.PodmanMachine {
		err = errors.Join(err, b.place.unlock(ctx, b.WatchEndpoint()))
	}
	return errors.Join(err, b.Machine.Close(ctx))
}
