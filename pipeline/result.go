package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Result is how a trial's pipeline ended.
type Result struct {
	// Setup is the time from the start of the pipeline until the services were
	// ready: all phases but test. It is nil if they never became ready.
	Setup *trial.Seconds `json:"setup_seconds"`
	// Phase and Image are where the pipeline failed. A failure without a phase
	// happened while the trial was prepared.
	Phase trial.Phase `json:"phase,omitempty"`
	Image string      `json:"image,omitempty"`
	// Cause is the reason, where the phase itself knows it.
	Cause trial.Cause `json:"cause,omitempty"`
	// Error is the text of Err, which is not passed between processes.
	Error string `json:"error,omitempty"`
	Err   error  `json:"-"`
	// Outcome is how the pipeline ended. Empty is trial.OK.
	Outcome trial.Outcome `json:"outcome,omitempty"`
	// TimedOut is true if a limit of the spec ended the trial, Silent if it was a
	// limit on silence.
	TimedOut bool `json:"timed_out,omitempty"`
	Silent   bool `json:"silent,omitempty"`
	// Images are those that were built or pulled.
	Images []BuiltImage `json:"images"`
	// NodeProvider is the engine that really hosts the nodes, as verified.
	NodeProvider trial.Runtime `json:"node_provider,omitempty"`
	// ClusterAge is how long before the trial the cluster had been created, if the
	// trial started one that was there.
	ClusterAge *trial.Seconds `json:"cluster_age_seconds,omitempty"`
}

// BuiltImage is an image that was built or pulled.
type BuiltImage struct {
	Name string           `json:"name"`
	Ref  string           `json:"ref"`
	ID   runtimes.ImageID `json:"id"`
}

// fail records the error that ended a trial of this configuration. told is true if the
// trial had been told to stop.
func (r *Result) fail(err error, cfg Config, told bool) {
	r.Err, r.Error = err, err.Error()
	if at, is := errors.AsType[*PhaseError](err); is {
		r.Phase, r.Image = at.Phase, at.Image
	}
	if suite, is := errors.AsType[*testreport.Error](err); is {
		r.Cause = suite.Cause
	}
	if limit, is := errors.AsType[*LimitError](err); is {
		r.TimedOut, r.Silent = true, limit.Silence
	}
	notMeasured := r.Phase == "" && !errors.Is(err, errSetup)
	if invalid, is := errors.AsType[*kindcluster.InvalidError](err); is {
		notMeasured, r.Cause = true, cmp.Or(invalid.Cause, r.Cause)
	}
	switch {
	case told && !r.TimedOut:
		r.Outcome = trial.Cancelled
	case notMeasured:
		r.Outcome = trial.RunnerFault
	case cfg.Schedule.Pull && r.Phase == trial.PhaseBuild, cfg.nodePull() && r.Phase == trial.PhaseLoad:
		r.Outcome = trial.PullFailed
	default:
		r.Outcome = cmp.Or(r.Phase.Failure(), trial.SetupFailed)
	}
}

// Verdict is what the pipeline alone can say about the trial: how and in which
// phase it ended, and whether a limit ended it. The reason is for the witnesses.
func (r Result) Verdict() trial.Verdict {
	v := trial.Verdict{Outcome: cmp.Or(r.Outcome, trial.OK), Phase: r.Phase, Cause: r.Cause, Confidence: 1, TimedOut: r.TimedOut, Error: r.Error}
	if v.Outcome != trial.OK {
		v.Evidence = []trial.Evidence{{Source: trial.SourceError, State: trial.StateReported, Outcome: v.Outcome, Text: r.Error}}
	}
	return v
}

// PhaseError is an error and the phase that it ended. Without a phase the trial
// could not be started: the error is stratbench's or its input's, and no outcome
// of the system under test.
type PhaseError struct {
	Phase trial.Phase
	Image string
	Err   error
}

func (e *PhaseError) Error() string {
	switch {
	case e.Phase == "":
		return "preparing the trial: " + e.Err.Error()
	case e.Image == "":
		return string(e.Phase) + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s %s: %v", e.Phase, e.Image, e.Err)
}

// Unwrap returns what went wrong.
func (e *PhaseError) Unwrap() error { return e.Err }

// inPhase adds the phase to err, and the image if it is known.
func inPhase(p trial.Phase, err error) error {
	if _, located := errors.AsType[*PhaseError](err); err == nil || located {
		return err
	}
	name := ""
	if image, is := errors.AsType[*strategies.ImageError](err); is {
		name = image.Image
	}
	return &PhaseError{Phase: p, Image: name, Err: err}
}

// LimitError reports that a phase was ended by a limit of the spec: it took longer
// than Limit, or, with Silence, nothing happened in it for so long. Err is what
// the phase returned then, or nil.
type LimitError struct {
	Phase   trial.Phase
	Limit   time.Duration
	Silence bool
	Err     error
}

func (e *LimitError) Error() string {
	text := fmt.Sprintf("not done within its limit of %s", e.Limit)
	if e.Silence {
		text = fmt.Sprintf("nothing happened for %s", e.Limit)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what the phase returned.
func (e *LimitError) Unwrap() error { return e.Err }

// errSetup is the failure of a set-up command outside of every phase that was seen.
var errSetup = errors.New("set-up")
