package run

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// TestACommandBuildsAnImage has a command make an image of another one, on engines that
// stratbench did not start and before there is a cluster. The image goes into the nodes
// like any other, and nothing of it is left.
func TestACommandBuildsAnImage(t *testing.T) {
	needMachines(t)
	start := computers(t)
	for _, rt := range trial.Runtimes() {
		t.Run(string(rt), func(t *testing.T) {
			c := start(t, rt)
			c.want = c.belongings(t)
			var trials []results.Record
			c.ends(t, func() {
				p := c.startSpec(t, c.writeSpec(t, "testdata/commands/workload.yaml", fmt.Sprintf(`
factors: {strategy: [serial]}
settings:
  runtime: %s
  clusterStart: after
  nodeImage: %s
  build: {args: {GO_IMAGE: "stratbench.local/go:1.26"}}
design: {replicates: 1, warmUp: 0, reference: false, seed: 1}
`, rt, nodeImage)))
				if text := p.wait(t); json.Unmarshal([]byte(text), &trials) != nil || len(trials) != 1 {
					t.Fatalf("%d trials are recorded: %s%s", len(trials), text, p.said)
				}
			})
			r := trials[0]
			if r.Verdict.Outcome != trial.OK || len(r.Images) != 2 || r.Images[0].ID == r.Images[1].ID {
				t.Fatalf("%s: %s, images %+v", r.Verdict.Outcome, r.Verdict.Error, r.Images)
			}
			if !slices.ContainsFunc(r.Spans, func(s trial.Span) bool { return s.Name == "build red" && s.Image == "red" && s.EndedWell() }) {
				t.Error("the command has no span of its own")
			}
		})
	}
}
