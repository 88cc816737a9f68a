package outcomes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/outcomes/watch"
)

// How sure a verdict is, by what it rests on.
const (
	certain  = 1.0  // reported by the kernel or the trial itself
	watched  = 0.95 // seen by the watch
	probed   = 0.9  // seen afterwards
	presumed = 0.6  // what remains when witnesses disagree
)

func (c *Case) cancelled() trial.Verdict {
	if c.Cancelled == nil {
		return undecided
	}
	return trial.Verdict{Outcome: trial.Cancelled, Cause: trial.CauseSignal, Confidence: certain,
		Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateToldToStop, Text: c.Cancelled.Error()}}}
}

func (c *Case) succeeded() trial.Verdict {
	if c.Reported == nil || c.Reported.Outcome != trial.OK {
		return undecided
	}
	return trial.Verdict{Outcome: trial.OK, Confidence: certain}
}

// restarted is the engine's virtual machine that vanished and came back.
func (c *Case) restarted() trial.Verdict {
	if !c.Restarted {
		return undecided
	}
	return trial.Verdict{Outcome: trial.EngineCrash, Cause: trial.CauseRestarted, Confidence: certain,
		Evidence: []trial.Evidence{{Source: trial.SourceMachine, State: trial.StateMachineRestarted, Rule: trial.RulePostMortem}}}
}

// workerFirst is a worker that ended without a result, and an engine that exited
// after it: Podman's service can exit when the client of a build is gone. An engine
// that was killed, or ended with its machine, has no exit status.
func (c *Case) workerFirst() trial.Verdict {
	f, ok := c.first(trial.StateEngineEnded)
	if !ok || c.Reported != nil || c.WorkerEnded >= f.At || !f.Cause.IsExitStatus() {
		return undecided
	}
	return trial.Verdict{Outcome: trial.RunnerFault, Cause: trial.CauseWorkerLost, Confidence: certain,
		Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateEndedNoResult, Text: c.Worker, At: c.WorkerEnded}, f.Evidence()}}
}

// engineEnded is an engine whose process ended. If the kernel killed it because
// memory ran out, that is the cause.
func (c *Case) engineEnded() trial.Verdict {
	f, ok := c.first(trial.StateEngineEnded)
	if !ok {
		return undecided
	}
	v := seen(trial.EngineCrash, cmp.Or(f.Cause, trial.CauseGone), certain, f)
	k, killed := c.killedEngine()
	switch {
	case killed:
		v.Cause = trial.CauseOOM
		v.Evidence = append(v.Evidence, k.Evidence())
	case c.After.Saw(trial.SourceDisk, trial.StateFull):
		v.Cause = trial.CauseDiskFull
	}
	return v
}

var engineNames = []string{"podman", "dockerd", "containerd"}

// killedEngine finds the kernel's killing of the engine itself, or of the
// process that its machine hangs on.
func (c *Case) killedEngine() (watch.Finding, bool) {
	for _, f := range c.Findings {
		if f.State != trial.StateKilled || strings.Contains(f.Group, "kubepods") {
			continue
		}
		if ours := f.Group == "" || f.Group == "init"; ours || slices.Contains(engineNames, f.Process) && !c.inNode(f) {
			return f, true
		}
	}
	return watch.Finding{}, false
}

// connectionClosed is a failure in the phase in which a user's engine ended, or after
// that took the cluster's node with it. That it was restarted is known if it answers.
func (c *Case) connectionClosed() trial.Verdict {
	f, ok := c.first(trial.StateConnectionClosed)
	_, node := c.first(trial.StateNodeEnded)
	if !ok || f.Phase != c.where() && !node {
		return undecided
	}
	if c.After.Saw(trial.SourceEngineAPI, trial.StateAnswers) {
		return seen(trial.EngineCrash, trial.CauseRestarted, watched, f)
	}
	return seen(trial.EngineCrash, trial.CauseGone, watched, f)
}

// silent is the rule for what does not answer. If the machine is short of memory,
// that is the cause.
func silent(state trial.State, o trial.Outcome, cause trial.Cause) rule {
	return func(c *Case) trial.Verdict {
		f, ok := c.first(state)
		if !ok {
			return undecided
		}
		if c.starved() {
			v := seen(trial.HostExhausted, trial.CauseMemoryStarved, probed, f)
			v.Evidence = append(v.Evidence, c.pressed())
			return v
		}
		return seen(o, cause, watched, f)
	}
}

// pressed is the machine under the most pressure for memory.
func (c *Case) pressed() trial.Evidence {
	return trial.Evidence{Source: trial.SourceMemory, State: trial.StatePressed, At: c.Worst.At,
		Text: fmt.Sprintf("%s of memory, pressure some %.0f %%, full %.0f %%", c.Worst.Memory, c.Worst.Pressure.MemorySome, c.Worst.Pressure.MemoryFull)}
}

// starvedSome is a share of time in which some process waits for memory that
// no machine with enough of it has.
const starvedSome = 40

// starved reports whether the machine's processes waited for memory: an engine
// that does not answer then is slow and does not hang. The share of time in which
// some process waits decides, because on a busy host all of them wait less often.
// The amount of memory in use does not count, because a machine's limit includes
// what the kernel can take back.
func (c *Case) starved() bool {
	return c.Worst.Pressure.Known && c.Worst.Pressure.MemorySome >= starvedSome
}

// workerLost is a worker that ended without a result while the engine lived. A
// worker is outside the machine's memory limit and ends with the machine: if the
// kernel killed the process that holds the machine, the engine ended with it.
func (c *Case) workerLost() trial.Verdict {
	if c.Reported != nil || c.Ended != nil {
		return undecided
	}
	if f, killed := c.killedEngine(); killed {
		return seen(trial.EngineCrash, trial.CauseOOM, watched, f)
	}
	return trial.Verdict{Outcome: trial.RunnerFault, Cause: trial.CauseWorkerLost, Confidence: certain,
		Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateEndedNoResult, Text: c.Worker}}}
}

// killed is a failure after the kernel killed a process because memory ran out in
// the same phase. The killed process shows what failed.
func (c *Case) killed() trial.Verdict {
	where := c.where()
	i := slices.IndexFunc(c.Findings, func(f watch.Finding) bool { return f.State == trial.StateKilled && (f.Phase == where || c.inNode(f)) })
	if i < 0 {
		return undecided
	}
	f, o := c.Findings[i], trial.HostExhausted
	pod := strings.Contains(f.Group, "kubepods")
	switch {
	case pod && !c.MemoryFull && where == trial.PhaseTest:
		o = trial.TestFailed
	case pod && !c.MemoryFull:
		o = trial.DeployFailed // the pod was at its own limit
	case where == trial.PhaseBuild && !c.inNode(f):
		o = trial.BuildOOM
	case where == trial.PhaseCluster:
		o = trial.ClusterCreateFailed
	}
	return seen(o, trial.CauseOOM, watched, f)
}

func (c *Case) inNode(f watch.Finding) bool { return probe.InNode(f.Group, c.After.Nodes) }

func (c *Case) diskFull() trial.Verdict {
	if !c.After.Saw(trial.SourceDisk, trial.StateFull) {
		return undecided
	}
	v := trial.Verdict{Outcome: trial.Storage, Cause: trial.CauseDiskFull, Confidence: probed}
	if c.Text.Outcome == trial.Storage {
		v.Confidence = watched
	}
	return v
}

// noInotify is a node that could not watch files: its systemd and kubelet then wait
// for ever and print nothing.
func (c *Case) noInotify() trial.Verdict {
	if !c.After.Saw(trial.SourceInotify, trial.StateExhausted) || c.where() != trial.PhaseCluster {
		return undecided
	}
	return trial.Verdict{Outcome: trial.HostExhausted, Cause: trial.CauseInotify, Confidence: probed}
}

// partLost is a failure in the phase in which a part of the engine ended. The engine
// starts such a part again, so its end alone is not an outcome.
func (c *Case) partLost() trial.Verdict {
	f, ok := c.first(trial.StatePartEnded)
	if !ok || c.Reported == nil || f.Phase != c.where() {
		return undecided
	}
	return seen(trial.EngineCrash, trial.CauseContainerd, watched, f)
}

// apiServerGone is a cluster whose API server still does not answer after the trial
// gave up on it, earlier than the watch would have.
func (c *Case) apiServerGone() trial.Verdict {
	late := c.where() == trial.PhaseDeploy || c.where() == trial.PhaseTest
	if !late || !c.After.Saw(trial.SourceKubernetes, trial.StateHangs, trial.StateSilent) {
		return undecided
	}
	return trial.Verdict{Outcome: trial.ClusterHang, Cause: trial.CauseAPIServer, Confidence: probed}
}

// overdue is a trial that did not end at its limits: a fault of stratbench.
func (c *Case) overdue() trial.Verdict {
	f, ok := c.first(trial.StateOverdue)
	if !ok || c.Reported != nil {
		return undecided
	}
	return seen(trial.RunnerFault, trial.CauseWorkerHung, watched, f)
}
