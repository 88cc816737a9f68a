package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestLayersAreSentOnceOnBothEngines loads two images with the same layers one after the
// other, into one node on real Podman and into two on real Docker. Every node has and
// runs both images, and their layers are sent with the first one only.
func TestLayersAreSentOnceOnBothEngines(t *testing.T) {
	needMachines(t)
	dir, err := runSpec(t.Context(), "testdata/lacking.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range checkGood(t, dir, 2) {
		logText, err := os.ReadFile(filepath.Join(dir, r.Log))
		if err != nil {
			t.Fatal(err)
		}
		nodes := 1
		if runtime, _ := r.Trial.Cell.Level("runtime"); runtime == string(trial.Docker) {
			nodes = 2
		}
		if len(r.Images) != 2 {
			t.Errorf("%s: %d images", r.Trial, len(r.Images))
		}
		for _, image := range r.Images {
			if got := strings.Count(string(logText), "a node has "+image.Name+" "+image.ID); got != nodes {
				t.Errorf("%s: %d of %d nodes have %s as %s\n%s", r.Trial, got, nodes, image.Name, image.ID, tail(string(logText)))
			}
		}
		sent := map[string]trial.Bytes{}
		for _, s := range r.Spans {
			if s.Phase == trial.PhaseLoad && s.Image != "" {
				sent[s.Image] = s.Sent
			}
		}
		if red, green := sent["red"], sent["green"]; red < 1<<20 || green == 0 || green > 64<<10 {
			t.Errorf("%s: %s were sent of the first image and %s of the second one; want all layers with the first, and none with the second", r.Trial, red, green)
		}
	}
	checkNothingLeft(t)
}
