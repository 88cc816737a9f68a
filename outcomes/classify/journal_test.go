package classify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// TestHealthyJournalsBlameNothing reads what the nodes of clusters that worked wrote to
// their journals: their warnings and errors, and that they registered. The journals of
// Docker's nodes were collected. Those of a node on Podman and of three nodes were written
// after the sources of systemd, containerd and the kubelet. Alone, such a journal shows no
// failure. Of a command that failed, it says nothing. Beside an error, it changes no
// verdict.
func TestHealthyJournalsBlameNothing(t *testing.T) {
	files, err := filepath.Glob("testdata/journals/*.log")
	if err != nil || len(files) == 0 {
		t.Fatalf("no journals: %v", err)
	}
	const errorLine = "ERROR: failed to create cluster: failed to pull image \"shop/node:1\": manifest unknown\n"
	for _, file := range files {
		journal, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, phase := range []trial.Phase{"", trial.PhaseCluster, trial.PhaseDeploy, trial.PhaseTest} {
			if got := classify(t, Options{Phase: phase}, string(journal)); got.Outcome != trial.OK {
				t.Errorf("%s in phase %q: %s by %+v", file, phase, got.Outcome, got.Evidence[0])
			}
			if got := classify(t, Options{Phase: phase, ExitCode: exit(1)}, string(journal)); got.Cause != "" || got.Confidence > 0.2 {
				t.Errorf("%s in phase %q of a command that failed: %s/%s by %+v", file, phase, got.Outcome, got.Cause, got.Evidence)
			}
		}
		without := classify(t, Options{Phase: trial.PhaseCluster, ExitCode: exit(1)}, errorLine)
		got, err := Classify(t.Context(), Options{Phase: trial.PhaseCluster, ExitCode: exit(1), Evidence: func(line int) bool { return line > 1 }},
			strings.NewReader(errorLine+string(journal)))
		if err != nil || got.Outcome != without.Outcome || got.Cause != without.Cause {
			t.Errorf("%s beside an error: %s/%s, %v; want %s/%s", file, got.Outcome, got.Cause, err, without.Outcome, without.Cause)
		}
	}
}
