package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/trial"
)

// A long preparation gives a line every ten seconds where there is no terminal,
// with its clock and what it still takes.
func TestALongPreparationIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out)
		lab := func(detail string) {
			p.update(run.Update{Preparing: &run.Preparation{What: "building the lab", Detail: detail, Takes: 20 * time.Minute}})
		}
		lab("engine-trixie, kubernetes")
		time.Sleep(15500 * time.Millisecond)
		p.note("lab: built engine-trixie in 15.0 s")
		lab("kubernetes")
		time.Sleep(10 * time.Second)
		p.update(run.Update{Preparing: &run.Preparation{}})
		time.Sleep(time.Minute)
		p.close()
		want := `building the lab, about 20 min left
building the lab: engine-trixie, kubernetes, 0:10, about 20 min left
lab: built engine-trixie in 15.0 s
building the lab: kubernetes, 0:20, about 20 min left
`
		if out.String() != want {
			t.Errorf("it prints:\n%swant:\n%s", out.String(), want)
		}
	})
}

// Trials are many: one gives a sign of life each minute.
func TestATrialIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out)
		cell := trial.Cell{{Factor: "runtime", Level: "podman"}}
		p.update(run.Update{Started: &trial.Trial{ID: "t001", Cell: cell}, Total: 2, Left: 3 * time.Minute})
		p.update(run.Update{Now: trial.PhaseBuild})
		time.Sleep(90 * time.Second)
		p.close()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "about 3 min left") || !strings.Contains(lines[1], ": build, 1:00, about 2 min left") {
			t.Errorf("it prints:\n%s", out.String())
		}
	})
}

func TestTheClockIsQuietAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out)
		p.update(run.Update{Preparing: &run.Preparation{What: "making the golden state"}})
		p.close()
		time.Sleep(time.Minute)
		if got := out.String(); got != "making the golden state\n" {
			t.Errorf("it prints:\n%s", got)
		}
	})
}
