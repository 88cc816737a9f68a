package run

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestLayersAreSentOnceOnBothEngines loads two images with the same layers one after the
// other, into one node on real Podman and into two on real Docker. Every node has and
// runs both images, and their layers are sent with the first one only. CoreDNS is asked
// every second, as the spec has it; testdata/lacking/images.sh checks that.
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
		loads := slices.Clone(r.Spans)
		loads = slices.DeleteFunc(loads, func(s trial.Span) bool { return s.Phase != trial.PhaseLoad || s.Image == "" })
		slices.SortFunc(loads, func(a, b trial.Span) int { return cmp.Compare(a.Start, b.Start) })
		if len(loads) != 2 || loads[0].Sent < 1<<20 || loads[1].Sent == 0 || loads[1].Sent > 64<<10 {
			t.Errorf("%s: want all layers sent with the first image, and none with the second; got %+v", r.Trial, loads)
		}
	}
	checkNothingLeft(t)
}
