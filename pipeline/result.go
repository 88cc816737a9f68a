package pipeline

import (
	"errors"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/runtimes"
)

// Result is how a trial's pipeline ended.
type Result struct {
	// Setup is the start of the pipeline to services ready, all phases but
	// test; nil when the services never became ready.
	Setup *trial.Seconds `json:"setup_seconds"`
	// Phase and Image are where the pipeline ended, when it failed. A failure
	// without a phase is one of preparing the trial.
	Phase trial.Phase `json:"phase,omitempty"`
	Image string      `json:"image,omitempty"`
	// Cause is why, in a word, where the phase itself can tell.
	Cause trial.Cause `json:"cause,omitempty"`
	// Error is the text of Err, which does not travel between processes.
	Error string `json:"error,omitempty"`
	Err   error  `json:"-"`
	// Pull says that images were pulled: in the phase build, or by the nodes in the
	// phase load.
	Pull     bool `json:"pull,omitempty"`
	NodePull bool `json:"node_pull,omitempty"`
	// TimedOut says that a limit of the spec ended it; Silent that it was the
	// limit on silence.
	TimedOut bool `json:"timed_out,omitempty"`
	Silent   bool `json:"silent,omitempty"`
	// Cancelled says that it was told to stop.
	Cancelled bool `json:"cancelled,omitempty"`
	// Fault says that the trial could not be measured.
	Fault bool `json:"fault,omitempty"`
	// Images are what was built or pulled.
	Images []BuiltImage `json:"images"`
	// NodeProvider is the engine that really hosts the node, as verified, and
	// NodeImageID the node image as that engine knows it.
	NodeProvider trial.Runtime `json:"node_provider,omitempty"`
	NodeImageID  string        `json:"node_image_id,omitempty"`
	// ClusterAge is how long before the cluster was created, of one that was
	// started again.
	ClusterAge *trial.Seconds `json:"cluster_age_seconds,omitempty"`
	// Notes are what is worth knowing and no failure.
	Notes []string `json:"notes,omitempty"`
	// Spans and Tests were reported as they came and do not travel again.
	Spans []trial.Span       `json:"-"`
	Tests []trial.TestResult `json:"-"`
}

// BuiltImage is an image that was obtained.
type BuiltImage struct {
	Name string           `json:"name"`
	Ref  string           `json:"ref"`
	ID   runtimes.ImageID `json:"id"`
}

// fail records what ended the trial. told is true when it was told to stop.
func (r *Result) fail(err error, told bool) {
	r.Err, r.Error = err, err.Error()
	var at *PhaseError
	if errors.As(err, &at) {
		r.Phase, r.Image = at.Phase, at.Image
	}
	var suite *testreport.Error
	if errors.As(err, &suite) {
		r.Cause = suite.Cause
	}
	var silence *SilenceError
	var mismatch *kindcluster.MismatchError
	r.TimedOut, r.Silent = timedOut(err), errors.As(err, &silence)
	r.Cancelled = told && !r.TimedOut
	var lost *kindcluster.LostInputError
	var state *kindcluster.StateError
	var setup *SetupError
	r.Fault = r.Phase == "" && !errors.As(err, &setup) || errors.As(err, &mismatch) || errors.As(err, &lost) || errors.As(err, &state)
	if lost != nil {
		r.Cause = trial.CauseLostInput
	}
}

// Verdict is what the pipeline alone can say of the trial: in which phase it
// ended, and whether a limit ended it. Why is for those who watched.
func (r Result) Verdict() trial.Verdict {
	v := trial.Verdict{Outcome: r.outcome(), Phase: r.Phase, Cause: r.Cause, Confidence: 1, TimedOut: r.TimedOut, Error: r.Error}
	if v.Outcome != trial.OK {
		v.Evidence = []trial.Evidence{{Source: trial.SourceError, State: trial.StateReported, Outcome: v.Outcome, Text: r.Error}}
	}
	return v
}

func (r Result) outcome() trial.Outcome {
	switch {
	case r.Error == "":
		return trial.OK
	case r.Cancelled:
		return trial.Cancelled
	case r.Fault:
		return trial.RunnerFault
	case r.Pull && (r.Phase == trial.PhaseBuild || r.Phase == trial.PhaseLoad && r.NodePull):
		return trial.PullFailed
	}
	return failureOf[r.Phase]
}

var failureOf = map[trial.Phase]trial.Outcome{
	trial.PhaseCluster: trial.ClusterCreateFailed,
	trial.PhaseBuild:   trial.BuildFailed,
	trial.PhaseLoad:    trial.LoadFailed,
	trial.PhaseDeploy:  trial.DeployFailed,
	trial.PhaseTest:    trial.TestFailed,
	"":                 trial.SetupFailed,
}
