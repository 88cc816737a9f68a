package report

import (
	"fmt"

	"github.com/stratbench/stratbench/results/study"
)

// hostSpeeds says of each run what its reference workload took.
func hostSpeeds(a study.Analysis) (lines []string) {
	for _, r := range a.Runs {
		if text := hostSpeed(r.HostSpeed); text != "" {
			lines = append(lines, fmt.Sprintf("Host speed, run %s: the reference workload took %s. No figure is adjusted by it.", r.Run, text))
		}
	}
	return lines
}

// hostSpeed is "2.10 s to 2.31 s in 5 blocks, a spread of 10 %".
func hostSpeed(h *study.HostSpeed) string {
	if h == nil {
		return ""
	}
	fastest, slowest := h.Range()
	if len(h.Blocks) == 1 {
		return Seconds(fastest) + ", once"
	}
	return fmt.Sprintf("%s to %s, %d times, a spread of %s", Seconds(fastest), Seconds(slowest), len(h.Blocks), percentOf(h.Spread))
}
