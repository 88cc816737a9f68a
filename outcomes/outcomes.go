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

// Judge decides how the trial ended, and lists all that was seen of it.
func Judge(c Case) trial.Verdict {
	v := c.confined(c.decide())
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

// where is the phase that failed, or was under way last.
func (c *Case) where() trial.Phase {
	if c.Reported != nil && c.Reported.Phase != "" {
		return c.Reported.Phase
	}
	return c.Phase
}

// first returns the first finding of one of the states, or nil.
func (c *Case) first(states ...trial.State) *watch.Finding {
	if i := slices.IndexFunc(c.Findings, func(f watch.Finding) bool { return slices.Contains(states, f.State) }); i >= 0 {
		return &c.Findings[i]
	}
	return nil
}

// seen makes a verdict of a finding.
func seen(o trial.Outcome, cause trial.Cause, confidence float64, f *watch.Finding) trial.Verdict {
	return trial.Verdict{Outcome: o, Cause: cause, Confidence: confidence, Phase: f.Phase, Evidence: []trial.Evidence{f.Evidence()}}
}
