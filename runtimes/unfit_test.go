package runtimes

import (
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestDefectsOfAVersion(t *testing.T) {
	for _, c := range []struct {
		runtime trial.Runtime
		version string
		want    int
	}{
		{trial.Docker, "19.03.15", 1},
		{trial.Docker, "20.10.24+dfsg1", 1},
		{trial.Docker, "23.0.0", 0},
		{trial.Docker, "26.1.5+dfsg1", 0},
		{trial.Docker, "29.10.0", 2},
		{trial.Podman, "3.4.4", 1},
		{trial.Podman, "4.0.3", 1},
		{trial.Podman, "4.3.1", 0},
		{trial.Podman, "5.0.1", 1},
		{trial.Podman, "5.4.2", 0},
		{trial.Podman, "library-import", 0},
	} {
		if got := Defects(c.runtime, c.version); len(got) != c.want {
			t.Errorf("%s %s has %d known defects, want %d: %+v", c.runtime, c.version, len(got), c.want, got)
		}
	}
}

func TestEveryDefectIsComplete(t *testing.T) {
	for _, d := range defects {
		if d.Versions == "" || d.Consequence == "" || d.Cure == "" || d.Source == "" {
			t.Errorf("something is missing of %+v", d)
		}
	}
}
