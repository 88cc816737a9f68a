// Package watch watches a trial from outside while it runs: the engine's process and API,
// processes that the kernel kills for want of memory, pressure, the cluster's nodes and API
// server, and progress. It decides when a trial cannot succeed any more, before its limits.
package watch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// Config says what to watch.
type Config struct {
	Machine machine.Machine
	// Cluster is the name of the trial's Kind cluster.
	Cluster string
	// TunnelBroken receives why the tunnel ended through which the machine is reached. It
	// is nil if there is none.
	TunnelBroken <-chan error
	// Elapsed is the trial's clock.
	Elapsed func() trial.Seconds
	// Limits and Silence limit how long each phase may take, and how long it may print
	// nothing.
	Limits, Silence map[trial.Phase]time.Duration
	// APISilence is how long an API may leave requests unanswered. Machines under
	// load answer slowly, so this is longer than it takes to see that a process ended.
	APISilence time.Duration
	// Seen is called with each finding when it is found. It may be nil.
	Seen func(Finding)
	// Node is called with each of the cluster's nodes when it is first seen. It may be nil.
	Node func(probe.Node)
}

// Watch is a watch under way.
type Watch struct {
	config Config
	inside *isolated.Machine // nil for a machine of the user's
	engine runtimes.Endpoint
	stop   context.CancelFunc
	done   sync.WaitGroup
	dead   chan struct{}

	mu       sync.Mutex
	findings []Finding
	verdict  *Finding
	pressure spell
	// What the trial has reported: when it last did, the phases under way with their
	// start, the phase that began last, and that it has created its cluster.
	heard      time.Time
	phases     map[trial.Phase]time.Time
	latest     trial.Phase
	hasCluster bool
	// answered is when the engine's API last answered, and apiError how it has failed
	// since then.
	answered time.Time
	apiError error
	// nodes are the cluster's, as they were last seen. Only lookAtNodes changes them.
	nodes []probe.Node
	// still is the last look into a silence, and stillSince when that silence began.
	still      Quiet
	stillSince time.Time

	// Only ping uses refused: connections to the engine are refused.
	refused spell
	// Only askKubernetes uses these: where the API server is published, and when it last
	// answered that it is live.
	apiPort int
	live    time.Time
	// Only lookAtProcesses uses these, and Stop after it.
	kills                      int
	part                       int
	engineStopped, partStopped spell
}

// Start begins to watch.
func Start(c Config) *Watch {
	ctx, stop := context.WithCancel(context.Background())
	now := time.Now()
	w := &Watch{config: c, engine: c.Machine.WatchEndpoint(), stop: stop, dead: make(chan struct{}),
		heard: now, answered: now, phases: map[trial.Phase]time.Time{}}
	w.inside, _ = c.Machine.(*isolated.Machine)
	w.done.Go(func() { // until the engine's process ends
		select {
		case <-ctx.Done():
		case <-c.Machine.EngineExited():
			end := c.Machine.Exit()
			w.found(Finding{State: trial.StateEngineEnded, Cause: end.Cause, Text: end.Text})
		}
	})
	w.done.Go(func() { // until the tunnel to the machine ends
		select {
		case <-ctx.Done():
		case err := <-c.TunnelBroken:
			w.found(Finding{State: trial.StateTunnelBroken, Text: err.Error()})
		}
	})
	w.done.Go(func() { every(ctx, tick, w.judge) })
	w.done.Go(func() { every(ctx, pingEvery, func() { w.ping(ctx) }) })
	w.done.Go(func() { every(ctx, nodesEvery, func() { w.lookAtNodes(ctx) }) })
	if w.inside != nil {
		w.done.Go(func() { every(ctx, tick, w.lookAtProcesses) })
	} else {
		w.done.Go(func() { every(ctx, pingEvery, func() { w.hold(ctx) }) })
	}
	return w
}

// every calls do at once and then at each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Stop ends the watch and returns all that it found, in the order in which it
// found it.
func (w *Watch) Stop() []Finding {
	w.stop()
	w.done.Wait()
	if w.inside != nil {
		w.lookAtKills() // the last ones may be what ended the machine
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.findings)
}

// Dead is closed when the trial cannot succeed any more; Verdict then returns the
// finding that shows it.
func (w *Watch) Dead() <-chan struct{} { return w.dead }

// Verdict is the finding that ended the trial, or nil if there is none yet.
func (w *Watch) Verdict() *Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.verdict
}

// Saw reports whether the watch has found one of the states.
func (w *Watch) Saw(states ...trial.State) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.findings, func(f Finding) bool { return slices.Contains(states, f.State) })
}

// Quiet is what the machine was doing in the middle of the last long silence. After a
// limit has ended a build, its processes are gone, and it is too late to look.
type Quiet struct {
	Known bool
	At    trial.Seconds
	// Lasted is how long the trial had reported nothing.
	Lasted time.Duration
	// Working names processes in containers beside the cluster's nodes.
	Working []string
}

// Evidence is the look as a record holds it.
func (q Quiet) Evidence() trial.Evidence {
	return trial.Evidence{Source: trial.SourceProcesses, State: trial.StateSilence, Detail: q.Lasted.Round(time.Second).String(), At: q.At, Rule: trial.RuleSilence,
		Text: "at work in containers of builds: " + probe.List(q.Working)}
}

// Quiet returns the last look into a long silence.
func (w *Watch) Quiet() Quiet {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.still
}

// found adds a finding, once for each state and subject.
func (w *Watch) found(f Finding) {
	f.At = w.config.Elapsed()
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.ContainsFunc(w.findings, func(known Finding) bool { return known.State == f.State && known.Subject == f.Subject }) {
		return
	}
	f.Phase = w.latest
	w.findings = append(w.findings, f)
	if findings[f.State].fatal && w.verdict == nil {
		w.verdict = &f
		close(w.dead)
	}
	if w.config.Seen != nil {
		w.config.Seen(f)
	}
}
