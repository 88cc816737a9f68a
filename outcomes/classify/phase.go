package classify

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// lastPhase returns the phase of the last marker seen: of those for excerpts,
// which guess from the words, or of all others.
func (j *judgement) lastPhase(excerpts bool) (phase trial.Phase) {
	latest := 0
	for i := range j.rules.rules {
		r := &j.rules.rules[i]
		_, s := j.sighting(i)
		if r.Level == Marker && r.Phase != "" && r.Excerpt > 0 == excerpts && j.holds(i, r) && s.last.line >= latest {
			phase, latest = r.Phase, s.last.line
		}
	}
	return phase
}

// place fills in the phase, and the outcome of a rule that leaves it to the
// phase. Such a rule tells where things happen only if the log does not.
func (j *judgement) place(h *candidate) {
	switch {
	case j.opts.Phase != "":
		h.phase = j.opts.Phase
	case h.outcome == "":
		h.phase = cmp.Or(j.phase, j.guess, h.phase)
	default:
		h.phase = cmp.Or(h.phase, j.phase)
	}
	if h.outcome == "" || j.opts.Phase != "" && later(h.outcome, j.opts.Phase) {
		h.outcome = phaseFailure(h.phase)
	}
	if !h.outcome.In(h.phase) {
		h.outcome, h.phase = fitted(h.outcome, h.phase, j.opts.Phase != "")
	}
}

// fitted makes an outcome and a phase in which it cannot happen fit each
// other. Memory that ran out elsewhere was the host's; an API server fails no
// build; and otherwise the text knows better where it was.
func fitted(o trial.Outcome, p trial.Phase, known bool) (trial.Outcome, trial.Phase) {
	switch {
	case o == trial.BuildOOM && known:
		return trial.HostExhausted, p
	case o == trial.ClusterHang && known:
		return phaseFailure(p), p
	}
	return o, o.Phase()
}

// later reports whether the outcome is the failure of a phase that cannot have
// begun while p went on.
func later(o trial.Outcome, p trial.Phase) bool {
	order := []trial.Outcome{trial.LoadFailed, trial.DeployFailed, trial.TestFailed}
	return slices.Index(order, o) > slices.Index(order, phaseFailure(p))
}

// phaseFailure is the outcome of a phase that failed by itself. Where the
// phase is unknown the least is claimed: a command failed.
func phaseFailure(p trial.Phase) trial.Outcome {
	switch p {
	case trial.PhaseCluster:
		return trial.ClusterCreateFailed
	case trial.PhaseLoad:
		return trial.LoadFailed
	case trial.PhaseDeploy:
		return trial.DeployFailed
	case trial.PhaseTest:
		return trial.TestFailed
	}
	return trial.BuildFailed
}

// hang is the outcome of a phase that did not end in time.
func hang(p trial.Phase) trial.Outcome {
	switch p {
	case trial.PhaseCluster, trial.PhaseDeploy:
		return trial.ClusterHang
	case trial.PhaseTest:
		return trial.TestFailed
	}
	return trial.EngineHang
}
