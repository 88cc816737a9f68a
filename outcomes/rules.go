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

// decide asks the witnesses in the order of their precedence. The first one that knows
// the answer gives it.
func (c *Case) decide() trial.Verdict {
	own, where := c.Reported, c.where()
	tunnel, ended, closed := c.first(trial.StateTunnelBroken), c.first(trial.StateEngineEnded), c.first(trial.StateConnectionClosed)
	stopped, thrashing, engineSilent := c.first(trial.StateEngineStopped, trial.StatePartStopped), c.first(trial.StateThrashing), c.first(trial.StateEngineSilent)
	part, node, apiSilent := c.first(trial.StatePartEnded), c.first(trial.StateNodeEnded), c.first(trial.StateKubernetesSilent)
	overdue, engineKilled := c.first(trial.StateOverdue), c.killedEngine()
	killed := slices.IndexFunc(c.Findings, func(f watch.Finding) bool { return f.State == trial.StateKilled && (f.Phase == where || c.inNode(f)) })
	full := c.After.Saw(trial.SourceDisk, trial.StateFull)
	switch {
	case c.Cancelled != nil: // the user ended it
		return trial.Verdict{Outcome: trial.Cancelled, Cause: trial.CauseSignal, Confidence: certain,
			Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateToldToStop, Text: c.Cancelled.Error()}}}
	case own != nil && own.Outcome == trial.OK: // it came to its end, whatever happened beside it
		return trial.Verdict{Outcome: trial.OK, Confidence: certain}
	case tunnel != nil: // ours: nothing was reached any more
		return seen(trial.RunnerFault, trial.CauseTunnel, certain, tunnel)
	case c.Restarted: // the boot id: the engine's virtual machine came back, and all on it was lost
		return trial.Verdict{Outcome: trial.EngineCrash, Cause: trial.CauseRestarted, Confidence: certain,
			Evidence: []trial.Evidence{{Source: trial.SourceMachine, State: trial.StateMachineRestarted, Rule: trial.RulePostMortem}}}
	case ended != nil && own == nil && c.WorkerEnded < ended.At && ended.Cause.IsExitStatus():
		// Ours: Podman's service can exit when the client of a build is gone. An engine
		// that was killed, or ended with its machine, has no exit status.
		return trial.Verdict{Outcome: trial.RunnerFault, Cause: trial.CauseWorkerLost, Confidence: certain,
			Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateEndedNoResult, Text: c.Worker, At: c.WorkerEnded}, ended.Evidence()}}
	case ended != nil: // watch: nothing works without the engine
		v := seen(trial.EngineCrash, cmp.Or(ended.Cause, trial.CauseGone), certain, ended)
		if engineKilled != nil {
			v.Cause, v.Evidence = trial.CauseOOM, append(v.Evidence, engineKilled.Evidence())
		} else if full {
			v.Cause = trial.CauseDiskFull
		}
		return v
	case closed != nil && (closed.Phase == where || node != nil):
		// Watch: what a user's engine did for the trial was lost, in the phase that failed
		// or with the cluster's node. That it was restarted is known if it answers.
		if c.After.Saw(trial.SourceEngineAPI, trial.StateAnswers) {
			return seen(trial.EngineCrash, trial.CauseRestarted, watched, closed)
		}
		return seen(trial.EngineCrash, trial.CauseGone, watched, closed)
	case stopped != nil: // watch
		return seen(trial.EngineHang, trial.CauseStopped, certain, stopped)
	case thrashing != nil: // watch: explains an API that does not answer
		return seen(trial.HostExhausted, trial.CauseMemoryThrashing, watched, thrashing)
	case engineSilent != nil: // watch
		return c.silent(trial.EngineHang, trial.CauseNoAnswer, engineSilent)
	case own == nil && c.Ended == nil && engineKilled != nil:
		// Watch: a worker is outside the machine's memory limit and ends with the machine.
		// If the kernel killed the process that holds the machine, the engine ended with it.
		return seen(trial.EngineCrash, trial.CauseOOM, watched, engineKilled)
	case own == nil && c.Ended == nil: // ours: the engine lived
		return trial.Verdict{Outcome: trial.RunnerFault, Cause: trial.CauseWorkerLost, Confidence: certain,
			Evidence: []trial.Evidence{{Source: trial.SourceTest, State: trial.StateEndedNoResult, Text: c.Worker}}}
	case killed >= 0: // watch: the kernel names whom it killed in the phase that failed, which shows what failed
		f, o := &c.Findings[killed], trial.HostExhausted
		pod := strings.Contains(f.Group, "kubepods")
		switch {
		case pod && !c.MemoryFull && where == trial.PhaseTest:
			o = trial.TestFailed
		case pod && !c.MemoryFull:
			o = trial.DeployFailed // the pod was at its own limit
		case where == trial.PhaseBuild && !c.inNode(*f):
			o = trial.BuildOOM
		case where == trial.PhaseCluster:
			o = trial.ClusterCreateFailed
		}
		return seen(o, trial.CauseOOM, watched, f)
	case full && c.Text.Outcome == trial.Storage: // post-mortem
		return trial.Verdict{Outcome: trial.Storage, Cause: trial.CauseDiskFull, Confidence: watched}
	case full: // post-mortem
		return trial.Verdict{Outcome: trial.Storage, Cause: trial.CauseDiskFull, Confidence: probed}
	case where == trial.PhaseCluster && c.After.Saw(trial.SourceInotify, trial.StateExhausted):
		// Post-mortem: a node that cannot watch files has a systemd and a kubelet that wait
		// for ever and print nothing.
		return trial.Verdict{Outcome: trial.HostExhausted, Cause: trial.CauseInotify, Confidence: probed}
	case part != nil && own != nil && part.Phase == where:
		// Watch: the engine starts such a part again, so its end alone is not an outcome.
		return seen(trial.EngineCrash, trial.CauseContainerd, watched, part)
	case node != nil: // watch
		return seen(trial.ClusterHang, trial.CauseNodeEnded, watched, node)
	case apiSilent != nil: // watch
		return c.silent(trial.ClusterHang, trial.CauseAPIServer, apiSilent)
	case (where == trial.PhaseDeploy || where == trial.PhaseTest) && c.After.Saw(trial.SourceKubernetes, trial.StateHangs, trial.StateSilent):
		// Post-mortem: the trial gave up on the API server earlier than the watch would have.
		return trial.Verdict{Outcome: trial.ClusterHang, Cause: trial.CauseAPIServer, Confidence: probed}
	case overdue != nil && own == nil: // watch: that the trial did not end at its limits is a defect of stratbench
		return seen(trial.RunnerFault, trial.CauseWorkerHung, watched, overdue)
	case own != nil && own.Outcome == trial.RunnerFault: // ours, by the pipeline's account
		return trial.Verdict{Outcome: trial.RunnerFault, Cause: cmp.Or(own.Cause, trial.CauseNotMeasured), Confidence: certain}
	case own != nil && own.TimedOut: // the pipeline's limits, and who was working
		return c.stuck()
	}
	if v := c.text(); v.Outcome != "" { // what was printed
		return v
	}
	v := trial.Verdict{Outcome: trial.RunnerFault, Confidence: presumed} // the phase failed for an unknown reason
	if own != nil {
		v.Outcome, v.Cause = own.Outcome, own.Cause
	}
	if c.refuted(c.Text.Outcome) {
		v.Cause = trial.CauseUnclear
	}
	return v
}

var engineNames = []string{"podman", "dockerd", "containerd"}

// killedEngine returns the finding that the kernel killed the engine itself, or the
// process that holds its machine, or nil.
func (c *Case) killedEngine() *watch.Finding {
	for i, f := range c.Findings {
		if f.State != trial.StateKilled || strings.Contains(f.Group, "kubepods") {
			continue
		}
		if ours := f.Group == "" || f.Group == "init"; ours || slices.Contains(engineNames, f.Process) && !c.inNode(f) {
			return &c.Findings[i]
		}
	}
	return nil
}

// silent is the verdict on what does not answer. If the machine is short of memory, that
// is the cause.
func (c *Case) silent(o trial.Outcome, cause trial.Cause, f *watch.Finding) trial.Verdict {
	if !c.starved() {
		return seen(o, cause, watched, f)
	}
	v := seen(trial.HostExhausted, trial.CauseMemoryStarved, probed, f)
	v.Evidence = append(v.Evidence, c.pressed())
	return v
}

// pressed is the machine under the most pressure for memory.
func (c *Case) pressed() trial.Evidence {
	return trial.Evidence{Source: trial.SourceMemory, State: trial.StatePressed, At: c.Worst.At,
		Text: fmt.Sprintf("%s of memory, pressure some %.0f %%, full %.0f %%", c.Worst.Memory, c.Worst.Pressure.MemorySome, c.Worst.Pressure.MemoryFull)}
}

// starvedSome is a share of time in which some process waits for memory that
// no machine with enough of it has.
const starvedSome = 40

// starved reports whether the machine's processes waited for memory: an engine that does
// not answer then is slow and does not hang. Some process decides, because on a busy host
// all of them wait less often, and not memory in use, which the kernel can take back.
func (c *Case) starved() bool {
	return c.Worst.Pressure.Known && c.Worst.Pressure.MemorySome >= starvedSome
}

func (c *Case) inNode(f watch.Finding) bool { return probe.InNode(f.Group, c.After.Nodes) }
