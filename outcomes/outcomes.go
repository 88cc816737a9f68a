// Package outcomes decides how a trial ended: one outcome of the closed set, with
// phase, cause, confidence and evidence. What the watch saw beats what the machine
// shows afterwards, and that beats the log.
package outcomes

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/outcomes/watch"
)

// Case is all that is known of a trial that has ended.
type Case struct {
	// Cancelled is why the trial was told to stop, or nil.
	Cancelled error
	// Reported is how the pipeline ended by its own account, or nil if there is
	// none: its worker was killed, or hung. Silent is set if the limit on silence
	// ended it.
	Reported *trial.Verdict
	Silent   bool
	// Worker is how the worker's process ended, in words, and WorkerEnded when.
	Worker      string
	WorkerEnded trial.Seconds
	// Phase is the phase that was under way last.
	Phase trial.Phase
	// Findings are what the watch saw, in the order in which it saw it, and
	// Ended the one that ended the trial, if one did.
	Findings []watch.Finding
	Ended    *watch.Finding
	// Quiet is what worked in containers in the middle of a long silence.
	Quiet watch.Quiet
	// After is what the machine showed afterwards.
	After postmortem.Report
	// Text is what the trial's log shows.
	Text classify.Result
	// OwnEngine is set if the engine's process was watched, and not its
	// address alone.
	OwnEngine bool
	// Kills is how many processes the kernel killed because memory ran out.
	Kills int64
	// Worst is the machine under the most pressure for memory in the silence
	// before the end.
	Worst trial.Sample
	// Restarted is set if the engine's virtual machine was started again.
	Restarted bool
	// MemoryFull is set if the machine was at its memory limit.
	MemoryFull bool
	// Confined is the line in which something on a machine without a network asked
	// for something outside; see WantsOut.
	Confined string
}

// Judge decides how the trial ended: by the first rule, in the order of precedence,
// that knows the answer.
func Judge(c Case) trial.Verdict {
	var v trial.Verdict
	for _, knows := range precedence {
		if v = knows(&c); v.Outcome != "" {
			break
		}
	}
	v = c.confined(v)
	switch { // where it ended: by the pipeline's account, else by the watch
	case v.Outcome == trial.OK:
		v.Phase = ""
	case c.Reported != nil || v.Phase == "":
		v.Phase = c.where()
	}
	if c.Reported != nil {
		v.TimedOut = c.Reported.TimedOut && v.Outcome != trial.OK
		v.Error = c.Reported.Error
	}
	v.Evidence = trial.Distinct(v.Evidence, c.evidence())
	return v
}

// rule returns its verdict, or one without an outcome if it does not know.
type rule func(*Case) trial.Verdict

// precedence is the order in which the rules are asked.
var precedence = []rule{
	(*Case).cancelled, // the user ended it
	(*Case).succeeded, // it came to its end, whatever happened beside it
	found(trial.RunnerFault, trial.CauseTunnel, certain, trial.StateTunnelBroken), // ours: nothing was reached any more
	(*Case).restarted,        // the boot id: the engine and all on it were lost
	(*Case).workerFirst,      // ours: the engine gave up after it
	(*Case).engineEnded,      // watch: nothing works without the engine
	(*Case).connectionClosed, // watch: what the engine did for the trial was lost
	found(trial.EngineHang, trial.CauseStopped, certain, trial.StateEngineStopped, trial.StatePartStopped),
	found(trial.HostExhausted, trial.CauseMemoryThrashing, watched, trial.StateThrashing), // explains an API that does not answer
	silent(trial.StateEngineSilent, trial.EngineHang, trial.CauseNoAnswer),
	(*Case).workerLost, // ours: no outcome of the system under test
	(*Case).killed,     // watch: the kernel names whom it killed
	(*Case).diskFull,   // post-mortem
	(*Case).noInotify,  // post-mortem
	(*Case).partLost,   // watch: a part of the engine that the trial needed
	found(trial.ClusterHang, trial.CauseNodeEnded, watched, trial.StateNodeEnded),
	silent(trial.StateKubernetesSilent, trial.ClusterHang, trial.CauseAPIServer),
	(*Case).apiServerGone, // post-mortem
	(*Case).overdue,       // watch
	(*Case).fault,         // ours, by the pipeline's account
	(*Case).stuck,         // the pipeline's limits, and who was working
	(*Case).text,          // what was printed
	(*Case).unexplained,
}

// found is the rule for what the watch alone decides.
func found(o trial.Outcome, cause trial.Cause, confidence float64, states ...trial.State) rule {
	return func(c *Case) trial.Verdict {
		if f, ok := c.first(states...); ok {
			return seen(o, cause, confidence, f)
		}
		return undecided
	}
}

// where is the phase that failed, or was under way last.
func (c *Case) where() trial.Phase {
	if c.Reported != nil && c.Reported.Phase != "" {
		return c.Reported.Phase
	}
	return c.Phase
}

// first returns the first finding of one of the states.
func (c *Case) first(states ...trial.State) (watch.Finding, bool) {
	for _, f := range c.Findings {
		if slices.Contains(states, f.State) {
			return f, true
		}
	}
	return watch.Finding{}, false
}

// seen makes a verdict of a finding.
func seen(o trial.Outcome, cause trial.Cause, confidence float64, f watch.Finding) trial.Verdict {
	return trial.Verdict{Outcome: o, Cause: cause, Confidence: confidence, Phase: f.Phase, Evidence: []trial.Evidence{f.Evidence()}}
}

var undecided trial.Verdict
