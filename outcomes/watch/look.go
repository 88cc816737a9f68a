package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

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
	if w.apiError = err; err == nil {
		w.answered = now
	}
	w.mu.Unlock()
	refused := errors.Is(err, syscall.ECONNREFUSED)
	gone := w.refused.see(now, refused || errors.Is(err, syscall.ENOENT))
	if w.inside == nil && w.config.TunnelBroken == nil && gone >= refusedFor {
		f := Finding{State: trial.StateEngineEnded, Text: err.Error()}
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
		w.found(Finding{State: trial.StateConnectionClosed, Text: fmt.Sprintf("it closed a connection that the watch kept open: %v", err)})
	}
}

// bounded asks a question that must be answered within the deadline.
func bounded(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return ask(ctx)
}

// lookAtNodes checks the cluster's nodes and its API server once the cluster is created.
// Before that, the phase cluster waits for them by itself.
func (w *Watch) lookAtNodes(ctx context.Context) {
	w.mu.Lock()
	expected := w.hasCluster
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
	for _, n := range now {
		if w.config.Node != nil && !slices.ContainsFunc(w.nodes, func(o probe.Node) bool { return o.ID == n.ID }) {
			w.config.Node(n)
		}
		if !n.Running() {
			w.found(Finding{State: trial.StateNodeEnded, Subject: n.Name(), Text: n.State + ": " + n.Status})
		}
	}
	for _, n := range w.nodes {
		if !slices.ContainsFunc(now, func(o probe.Node) bool { return o.ID == n.ID }) {
			w.found(Finding{State: trial.StateNodeEnded, Subject: n.Name(), Text: "the engine no longer knows it"})
		}
	}
	if len(now) > 0 {
		w.mu.Lock()
		w.nodes = now
		w.mu.Unlock()
	}
	w.askKubernetes(ctx, now)
}

func (w *Watch) askKubernetes(ctx context.Context, now []probe.Node) {
	if w.inside == nil {
		return // the node of a user's engine may be on another host
	}
	i := slices.IndexFunc(now, func(n probe.Node) bool { return n.APIPort() != 0 })
	if i < 0 {
		return
	}
	if w.apiPort == 0 {
		w.apiPort, w.live = now[i].APIPort(), time.Now()
	}
	w.mu.Lock()
	long := w.patience(w.config.APISilence)
	w.mu.Unlock()
	err := bounded(ctx, func(ctx context.Context) error { return probe.Live(ctx, w.inside.Dial, w.apiPort) })
	switch silent := time.Since(w.live); {
	case err == nil:
		w.live = time.Now()
	case ctx.Err() == nil && silent >= long:
		w.found(Finding{State: trial.StateKubernetesSilent, Text: fmt.Sprintf("not live for %s: %v", silent.Round(time.Second), err)})
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
	if engine.Comm == "dockerd" {
		w.lookAtPart()
	}
}

// lookIntoSilence lists the processes that are at work, once in each silence, half way to
// its limit.
func (w *Watch) lookIntoSilence() {
	w.mu.Lock()
	quiet, since := w.quiet(time.Now()), w.heard
	due := len(w.phases) > 0 && !w.stillSince.Equal(since) && quiet >= w.patience(longestPatience)/2
	nodes := w.nodes
	w.mu.Unlock()
	if !due {
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

func (w *Watch) seeStopped(p procfs.ProcStat, state trial.State, s *spell) {
	if s.see(time.Now(), probe.Stopped(p)) >= stoppedFor {
		w.found(Finding{State: state, Subject: p.Comm, Text: fmt.Sprintf("process %d (%s) is in state %s: stopped", p.PID, p.Comm, p.State)})
	}
}

// part is the process without which Docker runs no container.
const part = "containerd"

// lookAtPart checks a process that the engine starts and needs as long as it runs.
func (w *Watch) lookAtPart() {
	if w.part == 0 {
		w.part, _ = probe.Child(w.inside, part) // the engine may not have started it yet
		return
	}
	p, err := probe.ReadProcess(w.part)
	if err != nil || p.State == "Z" || p.Comm != part {
		w.found(Finding{State: trial.StatePartEnded, Subject: part, Text: fmt.Sprintf("process %d (%s) of the engine is gone", w.part, part)})
		w.part = 0
		return
	}
	w.seeStopped(p, trial.StatePartStopped, &w.partStopped)
}

func (w *Watch) lookAtKills() {
	kills := w.inside.OOMKills()
	for _, k := range kills[min(w.kills, len(kills)):] {
		group := cmp.Or(k.Group, "the engine's own group")
		if i := strings.LastIndexByte(group, '/'); i >= 0 && len(group) > 60 {
			group = "…" + group[i:]
		}
		w.found(Finding{State: trial.StateKilled, Process: k.Name, Subject: fmt.Sprintf("%s (process %d)", k.Name, k.PID), Group: k.Group,
			Text: fmt.Sprintf("the kernel killed %s (process %d) in %s for want of memory", k.Name, k.PID, group)})
	}
	w.kills = len(kills)
}
