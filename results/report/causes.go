package report

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history"
)

// Cause prints what changed and when: "Podman 5.4.2 → 5.5.0 on 12 Nov".
func Cause(c history.Cause) string {
	text := c.What + " " + orNone(c.From) + " → " + orNone(c.To)
	if isHash(c.What) {
		text = c.What + " changed"
	}
	text = strings.TrimPrefix(text, "setting ") + " on " + c.When.UTC().Format("2 Jan")
	switch {
	case c.Nights > 0:
		return text + " (the night after)"
	case c.Nights < 0:
		return text + " (the night before)"
	}
	return text
}

// isHash is true for facts whose values say nothing to a reader.
func isHash(what string) bool {
	return what == "spec" || what == "workload" || strings.HasPrefix(what, "Dockerfile and arguments of ") || strings.HasPrefix(what, "build context of ")
}

// mostMoved is how many parts are named beside a change, and beside the host.
const mostMoved = 2

// Why prints what changed with a series: causes first, then the parts of the
// pipeline that moved most.
func Why(causes []history.Cause, moved []history.Moved) string {
	var parts []string
	for _, c := range causes {
		parts = append(parts, Cause(c))
	}
	most := mostMoved
	if len(moved) > 0 && moved[0].Part == history.HostPart {
		most++
	}
	for i, m := range moved {
		if i < most {
			parts = append(parts, fmt.Sprintf("%s: %s → %s", partName(m.Part), inSeconds(m.Before), inSeconds(m.After)))
		}
	}
	if len(parts) == 0 {
		return "nothing that is recorded"
	}
	return strings.Join(parts, "; ")
}

func partName(part string) string {
	if part == history.HostPart || strings.HasPrefix(part, "image ") {
		return part
	}
	return "phase " + part
}

func inSeconds(s float64) string { return Seconds(trial.Seconds(s * 1e9)) }
