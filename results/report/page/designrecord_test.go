package page_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
)

// Of few comparisons each has its sentence; of many those that show something,
// and the rest are counted. The record never calls simulated trials measured.
func TestTheDesignRecordSaysWhatIsShown(t *testing.T) {
	for blocks, want := range map[int]string{
		5: "36 of 36 comparisons show no difference",
		9: "after Holm",
	} {
		m := material(t, simulated.Run(simulated.Matrix(), blocks, 1))
		var b bytes.Buffer
		if err := page.DesignRecord(m).Markdown(&b, "figures"); err != nil {
			t.Fatal(err)
		}
		_, confidence, _ := strings.Cut(b.String(), "## Confidence")
		if !strings.Contains(confidence, want) || strings.Count(confidence, " against ") > 36 {
			t.Errorf("%d blocks: no %q in:\n%s", blocks, want, confidence)
		}
		if strings.Contains(b.String(), "measured trials") || strings.Contains(b.String(), "measured, n") {
			t.Errorf("%d blocks: simulated trials are called measured", blocks)
		}
	}
	few := material(t, simulated.Run(simulated.Matrix()[:3], 4, 1))
	var b bytes.Buffer
	if err := page.DesignRecord(few).Markdown(&b, "figures"); err != nil || strings.Count(b.String(), "serial against ") != 2 {
		t.Errorf("%v:\n%s", err, b.String())
	}
}
