package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

// awaitExit waits for the end of an engine's process.
func (w *Watch) awaitExit(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-w.config.Machine.EngineExited():
		end := w.config.Machine.Exit()
		w.found(Finding{State: trial.StateEngineEnded, Phase: w.phase(), Cause: end.Cause, Text: end.Text})
	}
}

// awaitBreak waits for the end of the tunnel to the machine.
func (w *Watch) awaitBreak(ctx context.Context) {
	select {
	case <-ctx.Done():
	case err := <-w.config.TunnelBroken:
		w.found(Finding{State: trial.StateTunnelBroken, Phase: w.phase(), Text: err.Error()})
	}
}

func (w *Watch) phase() trial.Phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress.latest
}

// ping checks that the engine answers. The process of a user's engine cannot be watched,
// so that engine counts as ended when nothing listens at its address for some time. Where
// there is a tunnel, it is the ssh server that refuses.
func (w *Watch) ping(ctx context.Context) {
	err := bounded(ctx, w.engine.Ping)
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	w.mu.Lock()
	if w.api.err = err; err == nil {
		w.api.last = now
	}
	refused := errors.Is(err, syscall.ECONNREFUSED)
	gone := w.api.stuck.see(now, refused || errors.Is(err, syscall.ENOENT))
	last, phase := w.api.last, w.progress.latest
	w.mu.Unlock()
	if w.inside == nil && w.config.TunnelBroken == nil && gone >= refusedFor {
		f := Finding{State: trial.StateEngineEnded, Phase: phase, Since: w.since(last), Text: err.Error()}
		if refused {
			f.Cause = trial.CauseConnectionRefused
		}
		w.found(f)
	}
}

// hold keeps a connection to a user's engine open. The process of that engine cannot be
// watched, but the engine closes the connection when it ends.
func (w *Watch) hold(ctx context.Context) {
	held, err := w.engine.Hold(ctx)
	if held && ctx.Err() == nil {
		w.found(Finding{State: trial.StateEngineRestarted, Phase: w.phase(), Text: fmt.Sprintf("it closed a connection that was kept open: %v", err)})
	}
}

// bounded asks a question that must be answered within the deadline.
func bounded(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return ask(ctx)
}

// nodes is what is known of the cluster's nodes.
type nodes struct {
	// expected is true once the cluster is created.
	expected bool
	seen     []probe.Node
	apiPort  int
	live     time.Time // when the API server last answered that it is live
}

// lookAtNodes checks the cluster's nodes and its API server once the cluster is created.
// Before that, the phase cluster waits for them by itself.
func (w *Watch) lookAtNodes(ctx context.Context) {
	w.mu.Lock()
	expected, phase := w.nodes.expected, w.progress.latest
	w.mu.Unlock()
	if !expected {
		return
	}
	var now []probe.Node
	err := bounded(ctx, func(ctx context.Context) (err error) {
		now, err = probe.Nodes(ctx, w.engine, w.config.Cluster)
		return err
	})
	if err != nil {
		return // ping watches whether the engine answers
	}
	for _, lost := range w.lostNodes(now, phase) {
		w.found(lost)
	}
	w.askKubernetes(ctx, now, phase)
}

// lostNodes finds the nodes that have stopped running.
func (w *Watch) lostNodes(now []probe.Node, phase trial.Phase) (lost []Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lose := func(n probe.Node, how string) {
		lost = append(lost, Finding{State: trial.StateNodeEnded, Phase: phase, Subject: n.Name, Text: how})
	}
	for _, n := range now {
		if !n.Running() {
			lose(n, n.State+": "+n.Status)
		}
	}
	for _, n := range w.nodes.seen {
		if !slices.ContainsFunc(now, func(o probe.Node) bool { return o.ID == n.ID }) {
			lose(n, "the engine no longer knows it")
		}
	}
	if len(now) > 0 {
		w.nodes.seen = now
	}
	return lost
}

func (w *Watch) askKubernetes(ctx context.Context, now []probe.Node, phase trial.Phase) {
	if w.inside == nil {
		return // the node of a user's engine may be on another host
	}
	i := slices.IndexFunc(now, func(n probe.Node) bool { return n.APIPort != 0 && n.Running() })
	if i < 0 {
		return
	}
	if w.nodes.apiPort == 0 {
		w.nodes.apiPort, w.nodes.live = now[i].APIPort, time.Now()
	}
	w.mu.Lock()
	long := w.patience(w.config.APISilence)
	w.mu.Unlock()
	err := bounded(ctx, func(ctx context.Context) error { return probe.Live(ctx, w.inside.Dial, w.nodes.apiPort) })
	switch silent := time.Since(w.nodes.live); {
	case err == nil:
		w.nodes.live = time.Now()
	case ctx.Err() == nil && silent >= long:
		w.found(Finding{State: trial.StateKubernetesSilent, Phase: phase, Since: w.since(w.nodes.live),
			Text: fmt.Sprintf("not live for %s: %v", silent.Round(time.Second), err)})
	}
}

// lookAtProcesses checks the engine's own processes, and which processes the kernel has
// killed.
func (w *Watch) lookAtProcesses() {
	w.lookAtKills()
	w.lookIntoSilence()
	engine, err := probe.ReadProcess(w.inside.EnginePID())
	if err != nil {
		return // it has ended, which awaitExit reports
	}
	w.seeStopped(engine, trial.StateEngineStopped, &w.engineStopped)
	if engine.Name == "dockerd" {
		w.lookAtPart(engine.PID)
	}
}

// lookIntoSilence lists the processes that are at work, once in each silence, half way to
// its limit.
func (w *Watch) lookIntoSilence() {
	w.mu.Lock()
	quiet := w.quiet(time.Now())
	long := w.patience(longestPatience) / 2
	running, looked, nodes := len(w.progress.phases) > 0, w.stillSince.Equal(w.progress.heard), w.nodes.seen
	since := w.progress.heard
	w.mu.Unlock()
	if !running || looked || quiet < long {
		return
	}
	all, err := w.inside.Processes()
	if err != nil {
		return
	}
	q := Quiet{Known: true, At: w.config.Elapsed(), Lasted: quiet, Working: probe.Working(all, nodes)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still, w.stillSince = q, since
}

func (w *Watch) seeStopped(p probe.Process, state trial.State, s *spell) {
	if now := time.Now(); s.see(now, p.Stopped()) >= stoppedFor {
		w.found(Finding{State: state, Phase: w.phase(), Subject: p.Name, Since: w.since(s.from),
			Text: fmt.Sprintf("process %d (%s) is in state %s: stopped", p.PID, p.Name, p.State)})
	}
}

// part is the process without which Docker runs no container.
const part = "containerd"

// lookAtPart checks a process that the engine starts and needs as long as it runs.
func (w *Watch) lookAtPart(engine int) {
	if w.part == 0 {
		w.part = w.childNamed(engine, part)
		return
	}
	p, err := probe.ReadProcess(w.part)
	if err != nil || p.State == "Z" || p.Name != part {
		w.found(Finding{State: trial.StatePartEnded, Phase: w.phase(), Subject: part, Text: fmt.Sprintf("process %d (%s) of the engine is gone", w.part, part)})
		w.part = 0
		return
	}
	w.seeStopped(p, trial.StatePartStopped, &w.partStopped)
}

func (w *Watch) childNamed(parent int, name string) int {
	pids, err := w.inside.Pids()
	if err != nil {
		return 0
	}
	for _, pid := range pids {
		if p, err := probe.ReadProcess(pid); err == nil && p.Parent == parent && p.Name == name {
			return pid
		}
	}
	return 0
}

func (w *Watch) lookAtKills() {
	kills := w.inside.OOMKills()
	for _, k := range kills[min(w.kills, len(kills)):] {
		w.found(Finding{State: trial.StateKilled, Phase: w.phase(), Process: k.Name, Subject: fmt.Sprintf("%s (process %d)", k.Name, k.PID), Group: k.Group,
			Since: w.since(k.At), Text: fmt.Sprintf("the kernel killed %s (process %d) in %s for want of memory", k.Name, k.PID, groupName(k.Group))})
	}
	w.kills = len(kills)
}

func groupName(group string) string {
	if group == "" {
		return "the engine's own group"
	}
	if i := strings.LastIndexByte(group, '/'); i >= 0 && len(group) > 60 {
		return "…" + group[i:]
	}
	return group
}
