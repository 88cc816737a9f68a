package outcomes

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/watch"
)

// convincing is how sure a text must be to explain a limit that was reached.
const convincing = 0.7

// stuck is the verdict on a phase that a limit of the spec ended while the engine
// answered. Silence is no hang of the engine when a step of the user's own is at work.
func (c *Case) stuck() trial.Verdict {
	v := trial.Verdict{Outcome: c.Reported.Outcome, Cause: trial.CauseLimit, Confidence: probed}
	if c.Silent {
		v.Cause = trial.CauseSilent
	}
	t, at := c.Text, c.Reported.Phase
	switch {
	case c.Silent && (watch.Pressed(c.Worst) || c.starved()):
		return trial.Verdict{Outcome: trial.HostExhausted, Cause: trial.CauseMemoryThrashing, Confidence: probed, Evidence: []trial.Evidence{c.pressed()}}
	case t.Outcome != trial.OK && t.Outcome.In(at) && t.Outcome != trial.Cancelled && t.Confidence >= convincing && !c.refuted(t.Outcome) &&
		// A build or a cluster that failed is not the reason: then the phase would have ended.
		(at != trial.PhaseBuild || t.Outcome != trial.BuildFailed) && (at != trial.PhaseCluster || t.Outcome != trial.ClusterCreateFailed):
		v.Outcome, v.Cause, v.Confidence = t.Outcome, t.Cause, t.Confidence
		return v
	case at == trial.PhaseCluster:
		v.Outcome = trial.ClusterHang
	case at == trial.PhaseBuild && c.Silent && c.OwnEngine && v.Outcome == trial.BuildFailed && c.Quiet.Known && len(c.Quiet.Working) == 0:
		v.Outcome, v.Cause, v.Confidence = trial.EngineHang, trial.CauseIdle, presumed
	}
	if c.Quiet.Known {
		v.Evidence = append(v.Evidence, c.Quiet.Evidence())
	}
	return v
}

// refuted reports whether the watch contradicts a text: the engine's process lived
// all along and its API answers, or the kernel killed no process.
func (c *Case) refuted(o trial.Outcome) bool {
	switch o {
	case trial.EngineCrash, trial.EngineHang:
		return c.OwnEngine && c.After.Saw(trial.SourceEngineAPI, trial.StateAnswers)
	case trial.BuildOOM:
		return c.OwnEngine && c.Kills == 0 && c.first(trial.StateKilled) == nil // the count is of the last sample
	}
	return false
}

// leastHeard is the least confidence in a text without evidence that still counts.
const leastHeard = 0.15

// text is what the log and the error show, without an outcome if they do not show it. It
// never turns a failure of the user's own code into a crash of an engine that answers.
func (c *Case) text() (v trial.Verdict) {
	t, own := c.Text, c.Reported
	switch {
	case own == nil, t.Outcome == "", t.Outcome == trial.OK, t.Outcome == trial.Cancelled, t.Confidence < leastHeard && len(t.Evidence) == 0, c.refuted(t.Outcome),
		own.Outcome == trial.PullFailed && t.Outcome == trial.BuildFailed,
		own.Outcome == trial.SetupFailed && t.Outcome.Phase() != "" && t.Confidence < convincing: // which phase it was is not known
		return v
	}
	v = t.Verdict()
	v.Phase = ""
	if !v.Outcome.In(c.where()) { // where it was is certain, and a cause is one of an outcome
		v.Outcome, v.Cause = own.Outcome, ""
	}
	if v.Outcome == own.Outcome {
		v.Cause = cmp.Or(v.Cause, own.Cause) // a suite's report has more than its log
	}
	return v
}

// evidence is everything besides what decided: the error, the lines of the log, what
// else the watch saw, and what contradicts the verdict.
func (c *Case) evidence() (all []trial.Evidence) {
	if c.Reported != nil && c.Reported.Error != "" {
		all = append(all, trial.Evidence{Source: trial.SourceError, State: trial.StateReported, Outcome: c.Reported.Outcome, Text: c.Reported.Error})
	}
	for _, e := range c.Text.Verdict().Evidence {
		if c.refuted(c.Text.Outcome) {
			e.State = trial.StateReadsRefuted
		}
		all = append(all, e)
	}
	for _, f := range c.Findings {
		all = append(all, f.Evidence())
	}
	return all
}

// nothingOutside are the messages of resolvers and of the kernel where there is no
// name server and no route: those of Go and of the C library, and of tools that have
// messages of their own.
var nothingOutside = regexp.MustCompile(`(?i)lookup \S+.*(?:no such host|connection refused|server misbehaving|i/o timeout|try again|network is unreachable)|` +
	`could ?n[o']t resolve|failed to resolve|unable to resolve|(?:temporary )?failure (?:in name resolution|resolving)|` +
	`name or service not known|name does not resolve|nodename nor servname|no address associated with hostname|` +
	`\b(?:EAI_AGAIN|ENOTFOUND|ENETUNREACH)\b|unknown ?host|bad address '|network (?:is )?unreachable|no route to host|` +
	`dns error|name resolution (?:failed|error)`)

// WantsOut is the first line of a log in which something could not reach what is
// outside the machine, or empty. It holds for trials whose machine has no network.
func WantsOut(text string) string {
	for line := range strings.Lines(text) {
		if nothingOutside.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// confined sets the cause of what could not be fetched on a machine without a
// network: neither the Dockerfile nor the registry. In the phases in which the
// workload runs, a name that is not found may be one of the workload's own, so only
// an image that was not fetched counts there.
func (c *Case) confined(v trial.Verdict) trial.Verdict {
	if c.Confined == "" || v.Outcome != trial.PullFailed && (v.Outcome != trial.BuildFailed || c.where() != trial.PhaseBuild) {
		return v
	}
	v.Cause, v.Confidence = trial.CauseNoWayOut, watched
	v.Evidence = append([]trial.Evidence{{Source: trial.SourceMachine, State: trial.StateNoWayOut, Text: c.Confined}}, v.Evidence...)
	return v
}
