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

func TestFurtherContextsOfAVersion(t *testing.T) {
	for _, c := range []struct {
		runtime                      trial.Runtime
		version                      string
		syntax, isImage, isElsewhere bool
		can                          bool
	}{
		{trial.Docker, "20.10.24+dfsg1", false, true, false, false},
		{trial.Docker, "20.10.24+dfsg1", true, false, false, true},
		{trial.Docker, "23.0.0", false, false, true, true},
		{trial.Docker, "", false, false, false, true},
		{trial.Podman, "4.1.1", false, true, false, false},
		{trial.Podman, "4.3.1", false, false, false, true},
		{trial.Podman, "5.4.2", false, false, true, false},
		{trial.Podman, "5.4.2", false, true, true, true},
		{trial.Podman, "5.6.0", false, false, true, true},
	} {
		if why, cure := NoContext(c.runtime, c.version, c.syntax, c.isImage, c.isElsewhere); (why == "") != c.can || (cure == "") != c.can {
			t.Errorf("%+v: got %q, %q", c, why, cure)
		}
	}
}
