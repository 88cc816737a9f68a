package run

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// TestCommonStagesAreBuiltOnce runs the strategy shared on engines that stratbench did
// not start. The common stage runs once, in a span of its own; the images take it from
// the cache; and nothing of it is left.
func TestCommonStagesAreBuiltOnce(t *testing.T) {
	needMachines(t)
	start := computers(t)
	for _, rt := range trial.Runtimes() {
		t.Run(string(rt), func(t *testing.T) {
			c := start(t, rt)
			c.want = c.belongings(t)
			var trials []results.Record
			c.ends(t, func() {
				p := c.startSpec(t, c.writeSpec(t, "testdata/shared/workload.yaml", fmt.Sprintf(`
factors: {strategy: [shared]}
settings:
  runtime: %s
  clusterStart: with
  nodeImage: %s
  build: {noCache: false, args: {GO_IMAGE: "stratbench.local/go:1.26"}}
design: {replicates: 1, warmUp: 0, reference: false, seed: 1}
`, rt, nodeImage)))
				if text := p.wait(t); json.Unmarshal([]byte(text), &trials) != nil || len(trials) != 1 {
					t.Fatalf("%d trials are recorded: %s%s", len(trials), text, p.said)
				}
			})
			if v := trials[0].Verdict; v.Outcome != trial.OK || len(trials[0].Images) != 2 {
				t.Fatalf("%s: %s", v.Outcome, v.Error)
			}
			stages, once, again, cached := 0, 0, 0, 0
			for _, s := range trials[0].Spans {
				switch runs := strings.Contains(s.Step, "RUN read"); {
				case s.Name == trial.CommonStage+"build" && s.Image == "" && s.EndedWell():
					stages++
				case runs && s.Cached:
					cached++
				case runs && s.Image == "":
					once++
				case runs:
					again++
				}
			}
			if stages != 1 || once != 1 || again != 0 || cached == 0 {
				t.Errorf("%d common stages; the step ran %d times in it and %d times for an image, and came from the cache %d times", stages, once, again, cached)
			}
		})
	}
}
