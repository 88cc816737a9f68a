package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// BackOffs says for how long pods that crashed were made to wait in set-ups that
// became ready: time that no strategy can save.
func BackOffs(s study.Study) []string {
	longest, worst := map[string]trial.Seconds{}, map[string]string{}
	trials, ready := 0, 0
	for _, o := range s.Trials {
		if !o.Ready {
			continue
		}
		ready++
		waited := map[string]trial.Seconds{}
		for _, span := range o.Record.Spans {
			if pod, is := strings.CutSuffix(span.Name, " "+trial.InBackOff); is {
				waited[pod] += span.Length()
			}
		}
		if len(waited) > 0 {
			trials++
		}
		for pod, length := range waited {
			if length > longest[pod] {
				longest[pod], worst[pod] = length, o.Record.Trial.ID
			}
		}
	}
	if trials == 0 {
		return nil
	}
	var pods []string
	for _, pod := range slices.Sorted(maps.Keys(longest)) {
		pods = append(pods, fmt.Sprintf("%s up to %s (%s)", pod, Seconds(longest[pod]), worst[pod]))
	}
	return []string{fmt.Sprintf("In %d of %d set-ups that became ready, pods crashed and were in back-off while the deployment waited for them: %s. Have them wait for what they need instead.",
		trials, ready, strings.Join(pods, ", "))}
}
