package outcomes

import (
	"regexp"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// nothingOutside are the words of resolvers and of the kernel where there is
// nobody to ask and no route: of Go and of the C library, and of the tools that
// put them in words of their own.
var nothingOutside = regexp.MustCompile(`(?i)lookup \S+.*(?:no such host|connection refused|server misbehaving|i/o timeout|try again|network is unreachable)|` +
	`could ?n[o']t resolve|failed to resolve|unable to resolve|(?:temporary )?failure (?:in name resolution|resolving)|` +
	`name or service not known|name does not resolve|nodename nor servname|no address associated with hostname|` +
	`\b(?:EAI_AGAIN|ENOTFOUND|ENETUNREACH)\b|unknown ?host|bad address '|network (?:is )?unreachable|no route to host|` +
	`dns error|name resolution (?:failed|error)`)

// WantsOut finds the first line of a log in which something asked for what is
// outside of the machine and found no way there. The lines of a trial that ran
// where there was a way out mean something else.
func WantsOut(text string) (line string, found bool) {
	for line := range strings.Lines(text) {
		if nothingOutside.MatchString(line) {
			return strings.TrimSpace(line), true
		}
	}
	return "", false
}

// confined is a failure of what fetches things, on a machine from which nothing
// can be fetched. The cause is neither the Dockerfile nor the registry. In the
// phases in which the workload runs, a name that is not found may be one of the
// workload's own; so there it must be an image that was not fetched.
func (c *Case) confined(v trial.Verdict) trial.Verdict {
	if c.Confined == "" {
		return v
	}
	if v.Outcome != trial.PullFailed && (v.Outcome != trial.BuildFailed || c.where() != trial.PhaseBuild) {
		return v
	}
	v.Cause, v.Confidence = trial.CauseNoWayOut, watched
	v.Evidence = append([]trial.Evidence{{Source: trial.SourceMachine, State: trial.StateNoWayOut, Text: c.Confined}}, v.Evidence...)
	return v
}
